"""Puts the example dashboard into a Home Assistant and makes it the first thing one sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from harness.checkout import EXAMPLE_DASHBOARD
from harness.client import AnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.client import HomeAssistantClient

URL_PATH: Final = "plex-labels"
EXAMPLE_ENTITY: Final = re.compile(r"\b([a-z_]+\.)my_plex_labels_(\w+)")


def example_dashboard(entities: Mapping[str, str]) -> dict[str, Any]:
    """The example dashboard with the entities of one entry, given by key. Raises KeyError."""

    def real(found: re.Match[str]) -> str:
        """Return the entity of that platform that is meant by its key, or by its name."""
        platform, name = found.groups()
        of_platform = {key: one for key, one in entities.items() if one.startswith(platform)}
        named = (one for one in of_platform.values() if one.endswith(f"_{name}"))
        return of_platform.get(name) or next(named, "") or of_platform[name]

    text = EXAMPLE_DASHBOARD.read_text(encoding="utf-8")
    dashboard: dict[str, Any] = yaml.safe_load(EXAMPLE_ENTITY.sub(real, text))
    return dashboard


async def install(client: HomeAssistantClient, dashboard: Mapping[str, Any]) -> None:
    """Save a dashboard and make it the start page of everybody. Raises AnswerError."""
    await client.command(
        "lovelace/dashboards/create",
        url_path=URL_PATH,
        title=dashboard["title"],
        icon="mdi:label-multiple",
        mode="storage",
        show_in_sidebar=True,
        require_admin=False,
    )
    await client.command("lovelace/config/save", url_path=URL_PATH, config=dashboard)
    try:
        await client.command(
            "frontend/set_system_data", key="core", value={"default_panel": URL_PATH}
        )
    except AnswerError as err:
        if err.status != "unknown_command":
            raise
        # Older releases keep the choice in the browser; there the default dashboard is ours as well.
        await client.command("lovelace/config/save", url_path=None, config=dashboard)
