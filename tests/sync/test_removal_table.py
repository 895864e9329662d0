"""What becomes of a label, for every combination of the table; and the docs say just that."""

from dataclasses import replace
import re
from typing import Final

import pytest

from custom_components.plex_label_sync.sync.model import RemovedLabelMode, SyncSettings, fold
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.protection import READ_AGAIN_AFTER
from custom_components.plex_label_sync.sync.run import RunStatus
from simulators.catalog import CatalogTitle
from simulators.plex.items import plex_guids
from tests.guards import ROOT

from .engine_env import EngineEnv, open_env
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
FIRST_GUARDS: Final = (Guard.NONE, Guard.FOREIGN)
FOREIGN_GUARDS: Final = (Guard.FOREIGN, Guard.FOREIGN_NOT_PRESERVED)


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize(
    "guard",
    [
        pytest.param(guard, marks=() if guard in FIRST_GUARDS else pytest.mark.slow)
        for guard in Guard
    ],
)
async def test_label_meets_the_fate_that_the_table_says(guard: Guard, cause: Cause) -> None:
    for mode, fate in [
        *zip(MODES, TABLE[guard][cause], strict=True),
        (KEEP_WITH_DELAY, TABLE[guard][cause][MODES.index(KEEP)]),
    ]:
        async with open_env(movies=6, shows=0, people=2, wanted_in_plex=0, wanted_missing=0) as env:
            assert await _fate(env, guard, cause, mode) == SEEN[fate], mode


async def _fate(env: EngineEnv, guard: Guard, cause: Cause, mode: Mode) -> tuple[Seen, Seen]:
    """Let a label be written, things happen, and time pass; return what is seen then."""
    env.settings = SyncSettings(
        removed_label_mode=RemovedLabelMode(mode.mode),
        removal_delay=mode.days * DAY,
        preserve_existing_labels=guard not in {Guard.NOT_PRESERVED, Guard.FOREIGN_NOT_PRESERVED},
        restore_overrides=guard is Guard.RESTORED,
    )
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    if guard in FOREIGN_GUARDS:
        env.plex.state.add_label(item.rating_key, "Rosa")
    env.want("rosa", title)
    if cause is Cause.DROPPED_BY_ONE:
        env.want("tim", title)
    await env.sync()
    assert "rosa" in env.labels[item.rating_key]
    await _protect(env, guard, item.rating_key)
    key = _happen(env, cause, title, item.rating_key)
    if guard is Guard.PINNED:
        env.recorder.ledger.pin([(item.rating_key, "rosa")])
    if cause is Cause.GONE:  # believed when Pulsarr says so a second time
        before = env.labels
        assert (await env.sync()).changes == ()
        assert env.labels == before
        env.clock.now += READ_AGAIN_AFTER
    seen: list[Seen] = []
    for _ in range(2):
        run = await env.sync()
        assert run.status is RunStatus.DONE
        seen.append(_seen(env, key))
        env.clock.now += (DAYS + 1) * DAY
    first, second = seen
    assert (await env.sync()).changes == ()
    return first, second


async def _protect(env: EngineEnv, guard: Guard, key: str) -> None:
    match guard:
        case Guard.OPT_OUT:
            env.plex.state.add_label(key, "no-sync")
        case Guard.EXCLUDED_LABEL:
            env.settings = replace(env.settings, exclude_labels=frozenset({"rosa"}))
        case Guard.OVERRIDE:
            env.plex.state.remove_label(key, "rosa")
            assert (await env.sync()).overridden == 1
        case Guard.RESTORED:
            env.plex.state.remove_label(key, "rosa")
        case _:
            pass


def _happen(env: EngineEnv, cause: Cause, title: CatalogTitle, key: str) -> str:
    """Let something happen; return the item to look at then."""
    state, rosa = env.pulsarr.state, env.person("rosa")
    match cause:
        case Cause.DROPPED_BY_ONE | Cause.DROPPED_BY_ALL:
            state.unwant(rosa, title)
        case Cause.EXCLUDED:
            env.settings = replace(env.settings, exclude_people=frozenset({pulsarr_id(rosa)}))
        case Cause.GONE:
            state.remove_user(rosa)
        case Cause.SYNC_OFF:
            state.change_user(rosa, can_sync=False)
        case Cause.RENAMED:
            state.rename(rosa, "rosalinde")
        case Cause.FORMAT:
            env.settings = replace(env.settings, label_format="for {username}")
        case Cause.REMATCHED:
            other = next(one for one in env.world.catalog if one.key != title.key)
            env.plex.state.rematch(
                key, guid=other.plex_guid, guids=plex_guids(other), title=other.title
            )
        case Cause.DELETED:
            env.plex.state.delete_item(key)
        case Cause.MOVED:
            env.plex.state.delete_item(key)
            return env.plex.state.add_item(title, "3").rating_key
        case Cause.NOT_CHOSEN:
            env.settings = replace(env.settings, libraries=frozenset({"2"}))
        case Cause.NOTHING:
            pass
    return key


def _seen(env: EngineEnv, key: str) -> Seen:
    item = env.plex.state.items.get(key)
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
