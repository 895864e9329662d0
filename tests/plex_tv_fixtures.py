"""Leads plexapi to a stand-in for plex.tv."""

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
    """Have plexapi ask `url` where it would ask plex.tv."""
    for (place, name), address in ORIGINALS.items():
        assert address.startswith(PLEX_TV)
        monkeypatch.setattr(place, name, address.replace(PLEX_TV, url))


def protect(known_secrets: set[str], tv: PlexTv) -> None:
    """Let nothing that belongs to the stand-in's people be logged."""
    known_secrets.update(tv.sharing.secrets | {tv.token})
