"""Redirects plexapi to a simulated plex.tv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plexapi.myplex import MyPlexAccount, MyPlexUser

if TYPE_CHECKING:
    import pytest

    from simulators.plex import PlexTv

PLEX_TV: Final = "https://plex.tv"
PLACES: Final[tuple[tuple[Any, str], ...]] = (
    (MyPlexAccount, "key"),
    (MyPlexAccount, "HOMEUSERS"),
    (MyPlexAccount, "FRIENDINVITE"),
    (MyPlexUser, "key"),
)
ORIGINALS: Final = {(place, name): getattr(place, name) for place, name in PLACES}


def lead_to(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Make plexapi send its plex.tv requests to `url`."""
    for (place, name), address in ORIGINALS.items():
        assert address.startswith(PLEX_TV)
        monkeypatch.setattr(place, name, address.replace(PLEX_TV, url))


def protect(known_secrets: set[str], tv: PlexTv) -> None:
    """Treat everything that belongs to the simulated plex.tv's people as secret."""
    known_secrets.update(tv.sharing.secrets | {tv.token})
