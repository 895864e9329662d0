"""The people of a world at plex.tv: one of each kind, and one with a mistake in the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.plex.account import PlexTv
    from simulators.world import World

BROKEN_RULE: Final = "label=tim|label!=Kids"
"""Intended as "tim's, but nothing for kids"; joined with "or" it shows nearly everything."""

KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "tim": {"rule": BROKEN_RULE},
    "Jürgen": {"home": True, "rule": "label=J%C3%BCrgen%2CFamily"},
    "nina": {"state": "pending"},
    "sam": {},
    "marta": {"sections": ["1"], "rule": "contentRating=G%2CPG%2CPG-13"},
}
CHILD: Final = "Leo"


def settle(tv: PlexTv, world: World) -> None:
    """Add the people to plex.tv: owner, friends, Home members, a child, a pending invitation."""
    for user in world.pulsarr.users():
        if user.primary:
            tv.owner_name, tv.owner_uuid = user.name, user.plex_uuid or tv.owner_uuid
        else:
            tv.sharing.add(user.name, uuid=user.plex_uuid, **KINDS.get(user.name, {}))
    tv.sharing.add(CHILD, managed=True).set_preset("little_kid")
