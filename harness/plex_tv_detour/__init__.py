"""Runs inside the demo's Home Assistant and redirects plexapi from plex.tv to the simulated one."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.typing import ConfigType

DOMAIN = "plex_tv_detour"
PLEX_TV = "https://plex.tv"


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Replace the addresses before the first request."""
    url = str(config[DOMAIN]["url"])
    await hass.async_add_executor_job(lead_to, url)
    return True


def lead_to(url: str) -> None:
    """Make plexapi send its plex.tv requests to `url`."""
    from plexapi import myplex  # noqa: PLC0415 - slow, so imported in a thread

    account: Any = myplex.MyPlexAccount
    for place, name in (
        (account, "key"),
        (account, "HOMEUSERS"),
        (account, "FRIENDINVITE"),
        (myplex.MyPlexUser, "key"),
    ):
        setattr(place, name, getattr(place, name).replace(PLEX_TV, url))
