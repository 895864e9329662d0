"""How new files arrive in a Plex library: found first, matched later, with all their events."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from simulators.plex import events
from simulators.plex.items import Leaf, plex_guids

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.catalog import CatalogTitle
    from simulators.plex.events import Entry, EventHub
    from simulators.plex.items import Item
    from simulators.plex.state import PlexState

SCAN = "library.update.section"  # ends when the files are found
MATCHING = "library.update.item.metadata"  # continues until they are matched


async def arrive(
    state: PlexState,
    hub: EventHub,
    title: CatalogTitle,
    *,
    section: str | None = None,
    delay: float = 0.0,
    match_after: float | None = 0.0,
    edition: str = "",
) -> Item:
    """Find a file of a title after `delay` seconds and match it `match_after` seconds later.

    `match_after=None`: Plex never matches it. Returns the item once all events were sent.
    """
    await asyncio.sleep(delay)
    library = state.libraries[section] if section else state.library_for(title)
    library.refreshing = True
    hub.announce(activity("started", SCAN, f"Scanning {library.title}"))
    item = state.add_item(title, library.key, guid="local://0", edition=edition)
    name = re.sub(r"[^\w ]+", "", title.title).strip() or "Untitled"
    state.rematch(item.rating_key, guid=f"local://{item.rating_key}", guids=(), title=name)
    rows = _rows_of(state, item)
    hub.timeline(row(events.CREATED, state.now()) for row in rows)
    hub.timeline(row(events.PROGRESS, state.now()) for row in rows)
    library.refreshing = False
    library.scanned_at = state.now()
    hub.announce(activity("ended", SCAN, f"Scanning {library.title}"))
    hub.announce(
        {
            "type": "status",
            "size": 1,
            "StatusNotification": [
                {
                    "title": "Library scan complete",
                    "description": "",
                    "notificationName": "LIBRARY_UPDATE",
                }
            ],
        }
    )
    hub.announce(activity("started", MATCHING, f"Matching {name}"))
    state.matching.add(item.rating_key)
    await asyncio.sleep(match_after or 0.0)
    state.matching.discard(item.rating_key)
    if item.rating_key not in state.items:
        return item  # deleted while it was being matched
    for step in (events.MATCHING, events.DOWNLOADING, events.PROCESSING):
        hub.timeline(row(step, state.now()) for row in rows)
    if match_after is not None:
        state.rematch(
            item.rating_key, guid=title.plex_guid, guids=plex_guids(title), title=title.title
        )
    hub.timeline(row(events.PROCESSED, state.now()) for row in reversed(rows))
    hub.announce(activity("ended", MATCHING, f"Matching {name}"))
    return item


def episode_arrived(state: PlexState, hub: EventHub, show: Item) -> str:
    """Add an episode to an existing show; return the episode's rating key."""
    leaf = Leaf(state.reserve_keys(), "episode", str(show.number + 1), show.rating_key)
    state.leaves[leaf.rating_key] = leaf
    show.episodes += 1
    for step in (events.CREATED, events.PROGRESS, events.PROCESSED):
        hub.timeline([events.entry(show, step, state.now(), leaf)])
    hub.timeline([events.entry(show, events.PROCESSED, state.now())])
    return leaf.rating_key


def _rows_of(state: PlexState, item: Item) -> list[Callable[[int, int], Entry]]:
    """Return entry factories: one for a film, three for a show (show, season, episode)."""
    leaves: list[Leaf | None] = [None]
    if item.type == "show":
        season = Leaf(str(item.number + 1), "season", item.rating_key, item.rating_key)
        episode = Leaf(str(item.number + 2), "episode", season.rating_key, item.rating_key)
        leaves += [season, episode]
        state.leaves |= {leaf.rating_key: leaf for leaf in (season, episode)}
    return [_row_of(item, leaf) for leaf in leaves]


def _row_of(item: Item, leaf: Leaf | None) -> Callable[[int, int], Entry]:
    def row(step: int, moment: int) -> Entry:
        return events.entry(item, step, moment, leaf)

    return row


def activity(event: str, kind: str, title: str) -> dict[str, object]:
    """Return a server activity; `event` is started, updated or ended."""
    return {
        "type": "activity",
        "size": 1,
        "ActivityNotification": [
            {
                "event": event,
                "uuid": f"5f6f3a1e-{kind}",
                "Activity": {
                    "type": kind,
                    "cancellable": False,
                    "title": title,
                    "subtitle": "",
                    "progress": 0 if event == "started" else 100,
                },
            }
        ],
    }
