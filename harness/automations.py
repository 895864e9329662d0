"""Installs the blueprints in Home Assistant, with automations based on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.client import HomeAssistantClient

FOLDER: Final = "plex_label_sync"
"""Folder of the integration's blueprints."""
NAME: Final = "plex_label_sync"
"""Prefix of the automations' ids, before a number."""


async def install(
    client: HomeAssistantClient, entities: Mapping[str, str], people: Sequence[str]
) -> int:
    """Create the automations of all blueprints; return their number. Raises AnswerError."""
    made = list(_automations(entities["activity"], people))
    for number, (name, alias, inputs) in enumerate(made):
        await client.post(
            f"config/automation/config/{NAME}_{number}",
            {
                "alias": alias,
                "use_blueprint": {"path": f"{FOLDER}/{name}.yaml", "input": inputs},
            },
        )
    return len(made)


def _automations(activity: str, people: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield blueprint, name and inputs of every automation."""
    for person in people:
        inputs = {"activity": activity, "person": person}
        yield "title_is_there", f"Notify {person} when a title is available", inputs
        yield "visible_now", f"Notify {person} when they can watch it", inputs
    yield "waiting_digest", "Daily digest of pending titles", {}
    yield "held_alert", "Notify when a sync is held", {"activity": activity}
