"""Installs the integration's dashboard in Home Assistant as the start page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.client import AnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.client import HomeAssistantClient
    from harness.integration import Integration

URL_PATH: Final = "plex-labels"


async def made(entry: Integration, language: str | None = None) -> dict[str, Any]:
    """Return an entry's dashboard, by default in the user's language. Raises AnswerError."""
    chosen = {} if language is None else {"language": language}
    dashboard: dict[str, Any] = (await entry.call("get_dashboard", **chosen))["dashboard"]
    return dashboard


async def save(client: HomeAssistantClient, dashboard: Mapping[str, Any]) -> None:
    """Replace the configuration of the installed dashboard. Raises AnswerError."""
    await client.command("lovelace/config/save", url_path=URL_PATH, config=dashboard)


async def install(client: HomeAssistantClient, dashboard: Mapping[str, Any]) -> None:
    """Save a dashboard and make it everyone's start page. Raises AnswerError."""
    there = await client.command("lovelace/dashboards/list")
    if all(one["url_path"] != URL_PATH for one in there):
        await client.command(
            "lovelace/dashboards/create",
            url_path=URL_PATH,
            title=dashboard["title"],
            icon="mdi:label-multiple",
            mode="storage",
            show_in_sidebar=True,
            require_admin=False,
        )
    await save(client, dashboard)
    try:
        await client.command(
            "frontend/set_system_data", key="core", value={"default_panel": URL_PATH}
        )
    except AnswerError as err:
        if err.status != "unknown_command":
            raise
        # Older releases keep the choice in the browser; there this is the default dashboard too.
        await client.command("lovelace/config/save", url_path=None, config=dashboard)
