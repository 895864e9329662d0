"""Goes through repairs as the web interface does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from custom_components.plex_label_sync.const import DOMAIN

if TYPE_CHECKING:
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .ha_env import HaEnv


async def answer_repair(
    ha_env: HaEnv, hass_client: ClientSessionGenerator, kind: str, choice: str | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Open a repair and choose from its menu, or submit its form; return what it showed and said."""
    client = await hass_client()
    path = "/api/repairs/issues/fix"
    issue_id = f"{kind}_{ha_env.entry.entry_id}"
    answer = await client.post(path, json={"handler": DOMAIN, "issue_id": issue_id})
    shown: dict[str, Any] = await answer.json()
    given = {} if choice is None else {"next_step_id": choice}
    answer = await client.post(f"{path}/{shown['flow_id']}", json=given)
    result: dict[str, Any] = await answer.json()
    await ha_env.settle()
    return shown, result
