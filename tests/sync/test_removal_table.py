"""What becomes of a label, for every combination of the table; and the docs say just that."""

from dataclasses import replace
import re
from typing import Final

import pytest

from custom_components.plex_label_sync.sync.model import (
    RemovedLabelMode,
    RunStatus,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.protection import READ_AGAIN_AFTER
from simulators.catalogue import CatalogueTitle
from simulators.plex.state import plex_guids
from tests.guards import ROOT

from .home import Home, household
from .machine_world import DAY
from .removal_table import (
    DAYS,
    KEEP,
    KEEP_WITH_DELAY,
    MODES,
    TABLE,
    Cause,
    Fate,
    Guard,
    Mode,
    as_markdown,
)

type Seen = frozenset[str] | None
"""Which of the old name, the new name and the mark an item carries; None when there is no item."""

NOTHING: Final[frozenset[str]] = frozenset()
OLD, NEW, MARK = frozenset({"old"}), frozenset({"new"}), frozenset({"mark"})
SEEN: Final[dict[Fate, tuple[Seen, Seen]]] = {
    Fate.STAYS: (OLD, OLD),
    Fate.GOES: (NOTHING, NOTHING),
    Fate.GOES_LATER: (OLD, NOTHING),
    Fate.MARKED: (MARK, MARK),
    Fate.MARKED_LATER: (OLD, MARK),
    Fate.REPLACED: (NEW, NEW),
    Fate.JOINED: (OLD | NEW, OLD | NEW),
    Fate.STAYS_OFF: (NOTHING, NOTHING),
    Fate.COMES_BACK: (OLD, OLD),
    Fate.NEW_NAME: (NEW, NEW),
    Fate.FOLLOWS: (OLD, OLD),
    Fate.NOT_THERE: (NOTHING, NOTHING),
    Fate.WITH_ITEM: (None, None),
}
NEW_NAMES: Final = {"rosalinde", "for rosa"}
BY_HAND: Final = (Guard.OVERRIDE, Guard.RESTORED)
NOT_OURS: Final = (Guard.FOREIGN, Guard.FOREIGN_NOT_PRESERVED)


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("guard", Guard)
async def test_label_meets_the_fate_that_the_table_says(guard: Guard, cause: Cause) -> None:
    for mode, fate in [
        *zip(MODES, TABLE[guard][cause], strict=True),
        (KEEP_WITH_DELAY, TABLE[guard][cause][MODES.index(KEEP)]),
    ]:
        async with household(movies=6, shows=0, people=2, wishes=0, wishes_missing=0) as home:
            assert await _fate(home, guard, cause, mode) == SEEN[fate], mode


async def _fate(home: Home, guard: Guard, cause: Cause, mode: Mode) -> tuple[Seen, Seen]:
    """Let a label be written, things happen, and time pass; return what is seen then."""
    home.settings = SyncSettings(
        removed_label_mode=RemovedLabelMode(mode.mode),
        removal_delay=mode.days * DAY,
        preserve_existing_labels=guard not in {Guard.NOT_PRESERVED, Guard.FOREIGN_NOT_PRESERVED},
        restore_overrides=guard is Guard.RESTORED,
    )
    title = home.spare()
    (item,) = home.plex.state.items_of(title)
    if guard in NOT_OURS:
        home.plex.state.add_label(item.rating_key, "Rosa")
    home.wish("rosa", title)
    if cause is Cause.DROPPED_BY_ONE:
        home.wish("tim", title)
    await home.sync()
    assert "rosa" in home.labels[item.rating_key]
    await _protect(home, guard, item.rating_key)
    key = _happen(home, cause, title, item.rating_key)
    if guard is Guard.PINNED:
        home.recorder.ledger.pin([(item.rating_key, "rosa")])
    if cause is Cause.GONE:  # believed when Pulsarr says so a second time
        before = home.labels
        assert (await home.sync()).changes == ()
        assert home.labels == before
        home.clock.now += READ_AGAIN_AFTER
    seen: list[Seen] = []
    for _ in range(2):
        run = await home.sync()
        assert run.status is RunStatus.DONE
        seen.append(_seen(home, key))
        home.clock.now += (DAYS + 1) * DAY
    first, second = seen
    assert (await home.sync()).changes == ()
    return first, second


async def _protect(home: Home, guard: Guard, key: str) -> None:
    match guard:
        case Guard.OPT_OUT:
            home.plex.state.add_label(key, "no-sync")
        case Guard.EXCLUDED_LABEL:
            home.settings = replace(home.settings, exclude_labels=frozenset({"rosa"}))
        case Guard.OVERRIDE:
            home.plex.state.remove_label(key, "rosa")
            assert (await home.sync()).overridden == 1
        case Guard.RESTORED:
            home.plex.state.remove_label(key, "rosa")
        case _:
            pass


def _happen(home: Home, cause: Cause, title: CatalogueTitle, key: str) -> str:
    """Let something happen; return the item to look at then."""
    state, rosa = home.pulsarr.state, home.person("rosa")
    match cause:
        case Cause.DROPPED_BY_ONE | Cause.DROPPED_BY_ALL:
            state.unwish(rosa, title)
        case Cause.EXCLUDED:
            home.settings = replace(home.settings, exclude_people=frozenset({rosa}))
        case Cause.GONE:
            state.remove_user(rosa)
        case Cause.SYNC_OFF:
            state.change_user(rosa, can_sync=False)
        case Cause.RENAMED:
            state.rename(rosa, "rosalinde")
        case Cause.FORMAT:
            home.settings = replace(home.settings, label_format="for {username}")
        case Cause.REMATCHED:
            other = next(one for one in home.world.catalogue if one.key != title.key)
            home.plex.state.rematch(
                key, guid=other.plex_guid, guids=plex_guids(other), title=other.title
            )
        case Cause.DELETED:
            home.plex.state.delete_item(key)
        case Cause.MOVED:
            home.plex.state.delete_item(key)
            return home.plex.state.add_item(title, "3").rating_key
        case Cause.NOT_CHOSEN:
            home.settings = replace(home.settings, libraries=frozenset({"2"}))
        case Cause.NOTHING:
            pass
    return key


def _seen(home: Home, key: str) -> Seen:
    item = home.plex.state.items.get(key)
    if item is None:
        return None
    names = {"rosa": "old", "removed": "mark", **dict.fromkeys(NEW_NAMES, "new")}
    labels = map(fold, item.labels)
    return frozenset(names[label] for label in labels if label in names)


def test_docs_hold_the_table_as_it_is_tested() -> None:
    text = (ROOT / "docs" / "safety.md").read_text("utf-8")
    found = re.search(r"<!-- removal table -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
    assert found is not None
    assert found[1].strip() == as_markdown()
