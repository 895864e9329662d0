"""A simulated Plex Media Server that reproduces the real one's quirks."""

from simulators.http import Fault
from simulators.plex.account import PlexTv
from simulators.plex.generator import make_plex_state
from simulators.plex.items import Item, Library
from simulators.plex.knobs import PlexKnobs
from simulators.plex.server import PlexSimulator
from simulators.plex.state import PlexState
from simulators.plex.users import SharedUser

__all__ = [
    "Fault",
    "Item",
    "Library",
    "PlexKnobs",
    "PlexSimulator",
    "PlexState",
    "PlexTv",
    "SharedUser",
    "make_plex_state",
]
