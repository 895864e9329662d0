"""The rows of the removal table that matter most, through Home Assistant: options, actions, and the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from freezegun import freeze_time
from freezegun.api import TickingDateTimeFactory
import pytest

from .sync.removal_table import (
    DAYS,
    KEEP,
    MARK,
    MARK_LATER,
    MODES,
    REMOVE,
    REMOVE_LATER,
    TABLE,
    Cause,
    Guard,
    Mode,
)
from .sync.test_removal_table import NEW_NAMES, SEEN

if TYPE_CHECKING:
    from simulators.catalog import CatalogTitle

    from .ha_env import HaEnv

ROWS: Final = (
    (Guard.NONE, Cause.DROPPED_BY_ALL, KEEP),
    (Guard.NONE, Cause.DROPPED_BY_ALL, REMOVE),
    (Guard.NONE, Cause.DROPPED_BY_ALL, REMOVE_LATER),
    (Guard.NONE, Cause.DROPPED_BY_ALL, MARK),
    (Guard.NONE, Cause.DROPPED_BY_ALL, MARK_LATER),
    (Guard.NONE, Cause.DROPPED_BY_ONE, MARK),
    (Guard.NONE, Cause.GONE, REMOVE_LATER),
    (Guard.NONE, Cause.SYNC_OFF, REMOVE),
    (Guard.NONE, Cause.RENAMED, KEEP),
    (Guard.OPT_OUT, Cause.DROPPED_BY_ALL, REMOVE),
    (Guard.EXCLUDED_LABEL, Cause.DROPPED_BY_ALL, REMOVE),
    (Guard.FOREIGN, Cause.DROPPED_BY_ALL, MARK),
    (Guard.FOREIGN_NOT_PRESERVED, Cause.DROPPED_BY_ONE, KEEP),
    (Guard.OVERRIDE, Cause.RENAMED, KEEP),
    (Guard.RESTORED, Cause.NOTHING, KEEP),
)


@pytest.mark.parametrize(("guard", "cause", "mode"), ROWS)
async def test_label_meets_the_fate_that_the_table_says(
    ha_env: HaEnv, guard: Guard, cause: Cause, mode: Mode
) -> None:
    options: dict[str, Any] = {
        "removed_label_mode": mode.mode,
        "removal_delay": mode.days,
        "preserve_existing_labels": guard is not Guard.FOREIGN_NOT_PRESERVED,
        "restore_overrides": guard is Guard.RESTORED,
        "max_removals": 100,
    }
    with freeze_time(tick=True) as clock:
        assert isinstance(clock, TickingDateTimeFactory)
        await ha_env.set_up(live_mode=False, batch_mode=False, **options)
        title = ha_env.spare(in_plex=True)
        (item, *_) = ha_env.plex.state.items_of(title)
        plex, pulsarr = ha_env.plex.state, ha_env.pulsarr.state
        if guard in {Guard.FOREIGN, Guard.FOREIGN_NOT_PRESERVED}:
            plex.add_label(item.rating_key, "Rosa")
        pulsarr.want(ha_env.person("rosa"), title)
        if cause is Cause.DROPPED_BY_ONE:
            pulsarr.want(ha_env.person("tim"), title)
        await ha_env.call("sync_all")
        assert "rosa" in _labels(ha_env, item.rating_key)

        match guard:
            case Guard.OPT_OUT:
                plex.add_label(item.rating_key, "no-sync")
            case Guard.OVERRIDE | Guard.RESTORED:
                plex.remove_label(item.rating_key, "rosa")
                if guard is Guard.OVERRIDE:
                    await ha_env.call("sync_all")
            case Guard.EXCLUDED_LABEL:
                changed = {**ha_env.entry.options, "exclude_labels": ["Rosa"]}
                ha_env.hass.config_entries.async_update_entry(ha_env.entry, options=changed)
                await ha_env.settle()
            case _:
                pass
        _happen(ha_env, cause, title)

        seen = []
        for _ in range(2):
            await ha_env.call("sync_all", allow_mass_removal=True)
            seen.append(_seen(ha_env, item.rating_key))
            clock.move_to(clock() + timedelta(days=DAYS + 1))
    assert tuple(seen) == SEEN[TABLE[guard][cause][MODES.index(mode)]]


def _labels(ha_env: HaEnv, key: str) -> set[str]:
    return {label.casefold() for label in ha_env.plex.state.items[key].labels}


def _seen(ha_env: HaEnv, key: str) -> frozenset[str]:
    names = {"rosa": "old", "removed": "mark", **dict.fromkeys(NEW_NAMES, "new")}
    return frozenset(names[label] for label in _labels(ha_env, key) if label in names)


def _happen(ha_env: HaEnv, cause: Cause, title: CatalogTitle) -> None:
    """Let something happen in Pulsarr since the label was written for Rosa."""
    pulsarr, rosa = ha_env.pulsarr.state, ha_env.person("rosa")
    match cause:
        case Cause.DROPPED_BY_ONE | Cause.DROPPED_BY_ALL:
            pulsarr.unwant(rosa, title)
        case Cause.GONE:
            pulsarr.remove_user(rosa)
        case Cause.SYNC_OFF:
            pulsarr.change_user(rosa, can_sync=False)
        case Cause.RENAMED:
            pulsarr.rename(rosa, "rosalinde")
        case _:
            pass
