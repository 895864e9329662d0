"""The engine when a server fails: nothing is written on half a picture, nothing is claimed unseen."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.changes import Action, Change, Row
from custom_components.plex_label_sync.sync.editing import SETTLE
from custom_components.plex_label_sync.sync.failures import PASSING
from custom_components.plex_label_sync.sync.model import (
    Failure,
    GapKind,
    Library,
    RemovedLabelMode,
    Service,
    ServiceError,
    StoredLabel,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.run import Run, RunKind, RunStatus
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs
from simulators.plex.server import METADATA_ROUTE

from ..short_timeouts import TOO_LONG, short_timeouts
from .engine_env import (
    LABEL_ROUTE,
    LISTING_ROUTE,
    SECTIONS_ROUTE,
    EngineEnv,
    Labels,
    merged,
    open_env,
)

WATCHLIST_ROUTE = "/v1/users/{id}/watchlist"
EVERY_KIND: tuple[FaultKind, ...] = (
    "unauthorized",
    "busy",
    "unavailable",
    "throttled",
    "drop",
    "truncated",
    "cut_body",
    "short_page",
    "html",
)
# What says that nothing else can be asked either.
BREAKS: frozenset[FaultKind] = frozenset({"drop", "cut_body"})
REFUSALS: frozenset[FaultKind] = frozenset({"unauthorized", "throttled"})
WHOLE_KINDS = REFUSALS | BREAKS
LIBRARIES = 3


def is_there(env: EngineEnv, change: Change) -> bool:
    """Tell whether Plex has what a run says that it added."""
    return fold(change.label) in env.labels.get(change.rating_key, set())


def pairs(labels: Iterable[Change | Row]) -> set[tuple[str, str]]:
    """Return which labels on which items are meant, in any spelling."""
    return {(one.rating_key, fold(one.label)) for one in labels}


def assert_nothing_happened(
    env: EngineEnv, run: Run, before: Labels, service: Service = Service.PLEX
) -> None:
    """Check that a run failed, said why, and left everything as it was."""
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.service is service
    assert run.error.detail
    assert (run.changes, run.failed, run.held, run.vanished) == ((), (), (), 0)
    assert env.plex.stats.puts == 0
    assert env.labels == before
    assert env.recorder.begun == []
    assert len(env.recorder.ledger) == 0


# Reads


def assert_nothing_lost(env: EngineEnv, run: Run, before: Labels) -> None:
    """Check that a run did what it could, told what it could not, and took nothing away."""
    assert run.status is RunStatus.PARTIAL
    assert run.gaps
    assert all(gap.name for gap in run.gaps)
    assert (run.error, run.held, run.removed) == (None, (), 0)
    wanted = merged(before, env.wanted())
    for key, labels in before.items():
        assert env.labels[key] >= labels
    for key, labels in env.labels.items():
        assert labels <= wanted[key]
    unread = {gap.key for gap in run.gaps if gap.kind is GapKind.LIBRARY}
    assert not unread & {env.plex.state.items[one.rating_key].section for one in run.changes}


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize(
    ("route", "nth"),
    [
        (SECTIONS_ROUTE, 1),
        (LISTING_ROUTE, 1),
        (LISTING_ROUTE, LIBRARIES),
        (LABEL_ROUTE, 1),
        (LABEL_ROUTE, LIBRARIES),
        (LISTING_ROUTE, LIBRARIES + 1),  # the carriers of the first label
        (LISTING_ROUTE, LIBRARIES + 2),
    ],
)
async def test_read_of_plex_that_fails_in_whatever_way_costs_no_label(
    env: EngineEnv, route: str, nth: int, kind: FaultKind
) -> None:
    for library in "123":  # so that there are carriers to read, two of each label
        items = [one for one in env.plex.state.items.values() if one.section == library]
        for item in items[:2]:
            for label in ("rosa", "tim", "nina"):
                env.plex.state.add_label(item.rating_key, label)
    before = env.labels
    env.plex.faults.add(Fault(kind, route=route, method="GET", nth=nth, times=None))
    run = await env.sync()
    if run.status is RunStatus.FAILED:
        assert kind in WHOLE_KINDS or nth == 1
        assert_nothing_happened(env, run, before, Service.PLEX)
    else:
        assert_nothing_lost(env, run, before)
    env.plex.faults.clear()
    again = await env.sync()
    assert (again.status, again.gaps) == (RunStatus.DONE, ())
    assert env.labels == merged(before, env.wanted())


@pytest.mark.parametrize("kind", EVERY_KIND)
async def test_library_that_cannot_be_listed_is_a_gap_and_the_others_are_served(
    env: EngineEnv, kind: FaultKind
) -> None:
    before = env.labels
    env.plex.faults.add(
        Fault(kind, method="GET", times=None, match=r"/library/sections/1/all.*includeGuids")
    )
    run = await env.sync()
    if kind in REFUSALS:
        assert_nothing_happened(env, run, before)
        return
    assert_nothing_lost(env, run, before)
    assert {(gap.kind, gap.key) for gap in run.gaps} >= {(GapKind.LIBRARY, "1")} or {
        gap.kind for gap in run.gaps
    } == {GapKind.PAGE}
    others = {
        key: labels
        for key, labels in env.wanted().items()
        if env.plex.state.items[key].section != "1"
    }
    assert others
    assert merged(env.labels, others) == env.labels


@pytest.mark.parametrize(
    ("match", "kinds"),
    [
        ("/watchlist", EVERY_KIND),
        # A list of fewer people is a smaller open_env.
        ("/users/users/list", tuple(kind for kind in EVERY_KIND if kind != "short_page")),
    ],
)
async def test_pulsarr_that_cannot_be_read_ends_the_run_before_plex_is_asked(
    env: EngineEnv, match: str, kinds: tuple[FaultKind, ...]
) -> None:
    before = env.labels
    for kind in kinds:
        env.pulsarr.faults.clear()
        env.pulsarr.faults.add(Fault(kind, match=match, times=None))
        assert_nothing_happened(env, await env.sync(), before, Service.PULSARR)
    assert env.plex.stats.total == 0


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("mode", RemovedLabelMode)
async def test_watchlist_that_cannot_be_read_is_a_gap_and_the_others_are_served(
    env: EngineEnv, kind: FaultKind, mode: RemovedLabelMode
) -> None:
    title, other = env.spare("movie"), env.spare("show")
    (item,), (its,) = env.plex.state.items_of(title), env.plex.state.items_of(other)
    env.settings = SyncSettings(removed_label_mode=mode)
    env.want("rosa", title)
    await env.sync()
    before, rosa = env.labels, env.person("rosa")
    env.pulsarr.state.unwant(rosa, title)
    env.want("rosa", other)
    env.want("tim", other)
    env.pulsarr.faults.add(Fault(kind, match=rf"/users/{rosa}/watchlist", times=None))
    run = await env.sync()
    # A list may break its connection each time, or be refused: that alone says nothing of others.
    assert run.status is RunStatus.PARTIAL
    assert {(gap.kind, gap.key, gap.name) for gap in run.gaps} == {
        (GapKind.PERSON, pulsarr_id(rosa), "rosa")
    }
    assert env.labels == merged(before, {its.rating_key: {"tim"}})
    assert "rosa" in env.labels[item.rating_key]
    env.settings = SyncSettings(
        removed_label_mode=mode, exclude_people=frozenset({pulsarr_id(rosa)})
    )
    asked = env.pulsarr.stats.count(None, WATCHLIST_ROUTE)
    assert (await env.sync(dry_run=True)).gaps == ()
    assert env.pulsarr.stats.count(None, WATCHLIST_ROUTE) == asked + len(env.people) - 1


async def test_item_that_vanishes_while_the_library_is_listed_costs_no_label(
    env: EngineEnv,
) -> None:
    env.limit_plex(page_rows=10, page_rows_max=10)
    before = env.labels
    env.plex.faults.add(Fault("vanishing_row", route=LISTING_ROUTE, nth=3))
    run = await env.sync()
    assert run.status in {RunStatus.DONE, RunStatus.PARTIAL}
    assert (run.error, run.removed) == (None, 0)
    await env.sync()
    there = {key: labels for key, labels in before.items() if key in env.plex.state.items}
    assert env.labels == merged(there, env.wanted())


@pytest.mark.parametrize("kind", ["busy", "unavailable", "throttled", "drop", "cut_body"])
async def test_passing_trouble_while_reading_is_sat_out(env: EngineEnv, kind: FaultKind) -> None:
    before = env.labels
    for route, nth in ((LISTING_ROUTE, 2), (LABEL_ROUTE, 2), (LISTING_ROUTE, 6)):
        env.plex.faults.add(Fault(kind, route=route, method="GET", nth=nth))
    env.pulsarr.faults.add(Fault(kind, route=WATCHLIST_ROUTE, nth=2))
    assert (await env.sync()).status is RunStatus.DONE
    assert env.labels == merged(before, env.wanted())


async def test_server_that_is_away_is_reported_to_be_away(env: EngineEnv) -> None:
    await env.plex.outage(30)
    run = await env.sync()
    assert run.error is not None
    assert (run.error.service, run.error.failure) == (Service.PLEX, Failure.CANNOT_CONNECT)
    assert run.error.failure in PASSING


@pytest.mark.parametrize("preserve", [True, False])
async def test_plex_that_ignores_the_label_filter_is_not_believed(
    env: EngineEnv, preserve: bool
) -> None:
    env.settings = SyncSettings(preserve_existing_labels=preserve)
    for title in (env.spare("movie"), env.spare("show")):
        (item,) = env.plex.state.items_of(title)
        for label in ("rosa", "Kids"):
            env.plex.state.add_label(item.rating_key, label)
    before = env.labels
    env.plex.knobs = PlexKnobs(label_filter_broken=True)
    run = await env.sync()
    # What an item itself tells of labels of others may go where that is chosen.
    removed = [one for one in run.changes if one.action is Action.REMOVE]
    assert all(not one.is_own and one.rating_key in env.wanted() for one in removed)
    for one in removed:
        assert not preserve
        before[one.rating_key].discard(fold(one.label))
    assert_nothing_lost(
        env, replace(run, changes=tuple(one for one in run.changes if one.is_own)), before
    )
    assert {("rosa", Failure.IMPLAUSIBLE)} <= {(gap.name.lower(), gap.failure) for gap in run.gaps}
    added = [one for one in run.changes if one.action is Action.ADD]
    assert added  # read back from the items themselves
    assert all(is_there(env, one) for one in added)


@pytest.mark.parametrize("shows_labels", [True, False])
@pytest.mark.parametrize("kind", [RunKind.UNDO, RunKind.REMOVAL])
async def test_labels_are_removed_by_what_the_items_say_where_the_filter_is_ignored(
    env: EngineEnv, kind: RunKind, shows_labels: bool
) -> None:
    before = env.labels
    run = await env.sync()
    labels, ledger, edits = env.labels, env.recorder.ledger.as_dict(), env.plex.stats.puts
    env.plex.knobs = PlexKnobs(label_filter_broken=True, labels_on_items=shows_labels)
    back = await env.take_back(run, kind)
    if shows_labels:
        assert env.labels == before
        assert {one.change for one in back.failed} <= {*env.recorder.begun[-1][1]}
    else:
        assert back.changes == ()
        assert (env.labels, env.plex.stats.puts) == (labels, edits)
        assert env.recorder.ledger.as_dict() == ledger


async def test_label_that_really_is_on_everything_is_believed() -> None:
    async with open_env(
        movies=12,
        shows=0,
        people=1,
        wanted_in_plex=12,
        wanted_missing=0,
        missing=0.0,
        unmatched=0.0,
    ) as env:
        await env.sync()
        run = await env.sync()
        assert (run.status, run.changes) == (RunStatus.DONE, ())
        assert run.unchanged == 12 + sum(
            item.section == "3" for item in env.plex.state.items.values()
        )


async def test_library_that_cannot_be_listed_is_not_tried_at_each_live_sync(env: EngineEnv) -> None:
    env.plex.faults.add(
        Fault(
            "busy", route=LISTING_ROUTE, match=r"/sections/1/all\?.*sort=addedAt(&|$)", times=None
        )
    )
    await env.sync()
    title = env.spare("movie")
    env.want("rosa", title)
    for minute in range(10):
        before = env.plex.stats.count("GET", LISTING_ROUTE)
        env.clock.now += 60
        run = await env.live_sync(title)
        assert (run.status, run.error) == (RunStatus.PARTIAL, None)
        assert {(gap.kind, gap.key) for gap in run.gaps} == {(GapKind.LIBRARY, "1")}
        # The newest of each library, the title by its key, and the carriers of a label.
        assert env.plex.stats.count("GET", LISTING_ROUTE) - before <= 6, minute
    assert all("rosa" in env.labels[item.rating_key] for item in env.plex.state.items_of(title))
    env.plex.faults.clear()
    env.clock.now += 900
    assert (await env.live_sync(title)).status is RunStatus.DONE


async def test_title_that_loses_its_ids_on_a_list_keeps_its_label(env: EngineEnv) -> None:
    env.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    title, other = env.spare("movie"), env.spare("show")
    for one in (title, other):
        env.want("rosa", one)
    await env.sync()
    before = env.labels
    env.want("rosa", title, guids=[], key=None)
    env.pulsarr.state.unwant(env.person("rosa"), other)

    for _ in range(2):
        run = await env.sync()
        assert run.status is RunStatus.DONE
    assert all("rosa" in before[item.rating_key] for item in env.plex.state.items_of(title))
    assert all("rosa" in env.labels[item.rating_key] for item in env.plex.state.items_of(title))
    assert not any(
        "rosa" in env.labels.get(item.rating_key, ()) for item in env.plex.state.items_of(other)
    )

    env.pulsarr.state.unwant(env.person("rosa"), title)
    await env.sync()
    assert not any(
        "rosa" in env.labels.get(item.rating_key, ()) for item in env.plex.state.items_of(title)
    )


# Writes


@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize("kind", ["unauthorized", "busy", "unavailable", "throttled", "drop"])
async def test_edit_that_fails_is_reported_and_never_claimed(
    env: EngineEnv, kind: FaultKind, nth: int
) -> None:
    before = env.labels
    env.plex.faults.add(Fault(kind, method="PUT", nth=nth, times=None))
    run = await env.sync()
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.service is Service.PLEX
    planned = env.recorder.begun[0][1]
    assert sorted([*run.changes, *(one.change for one in run.failed)], key=str) == sorted(
        planned, key=str
    )
    assert all(is_there(env, one) for one in run.changes)
    assert not any(is_there(env, one.change) for one in run.failed)
    assert bool(run.changes) is (nth > 1)
    assert all(one.failure for one in run.failed)
    # Ours is what is there, and what was sent may be; the next sync does what is left.
    rows = list(env.recorder.ledger)
    assert pairs(row for row in rows if row.confirmed) == pairs(run.changes)
    assert pairs(row for row in rows if not row.confirmed) == pairs(env.recorder.finished[-1][1])
    assert pairs(rows) <= pairs(planned[: env.recorder.sent[-1][1]])
    env.plex.faults.clear()
    again = await env.sync()
    assert again.status is RunStatus.DONE
    assert pairs(again.changes) == pairs(one.change for one in run.failed)
    assert env.labels == merged(before, env.wanted())


async def test_edits_after_the_one_that_failed_are_not_sent(env: EngineEnv) -> None:
    env.plex.faults.add(Fault("unauthorized", method="PUT", nth=2, times=None))
    run = await env.sync()
    assert env.plex.stats.puts == 2
    assert {one.failure for one in run.failed} >= {Failure.INVALID_AUTH}


async def test_item_whose_labels_plex_cannot_write_stops_no_other(env: EngineEnv) -> None:
    before = env.labels
    wanted = merged(before, env.wanted())
    key = next(key for key, labels in wanted.items() if labels != before.get(key, set()))
    fault = Fault("busy", method="PUT", times=None, match=rf"[?&]id=(\d+,)*{key}[,&]")
    env.plex.faults.add(fault)
    for _ in range(4):
        run = await env.sync()
        assert run.error is None
        assert {one.change.rating_key for one in run.failed} == {key}
        assert {one.failure for one in run.failed} == {Failure.BUSY}
        assert env.labels == {one: some for one, some in wanted.items() if one != key} | {
            one: some for one, some in before.items() if one == key
        }
    env.plex.faults.clear()
    again = await env.sync()
    assert (again.status, again.failed) == (RunStatus.DONE, ())
    assert env.labels == wanted


def edits_of(what: str, env: EngineEnv) -> str:
    """Return a pattern of the edits that are about one item, one label or one library."""
    wanted = merged({}, env.wanted())
    key = next(key for key, labels in wanted.items() if labels - env.labels.get(key, set()))
    if what == "item":
        return rf"[?&]id=(\d+,)*{key}[,&]"
    return "(?i)tag.tag=rosa" if what == "label" else r"/sections/1/all\?type"


@pytest.mark.parametrize("kind", ["slow_before_apply", "drop", "busy"])
@pytest.mark.parametrize("what", ["item", "label", "library"])
async def test_edits_that_fail_each_time_are_a_gap_and_the_others_go_on(
    env: EngineEnv, kind: FaultKind, what: str
) -> None:
    before, wanted = env.labels, merged(env.labels, env.wanted())
    seconds = TOO_LONG if kind == "slow_before_apply" else 0.0
    fault = Fault(kind, method="PUT", match=edits_of(what, env), seconds=seconds, times=None)
    env.plex.faults.add(fault)
    for _ in range(3):
        with short_timeouts(env.plex):
            run = await env.sync()
        failed = {(one.change.rating_key, fold(one.change.label)) for one in run.failed}
        assert (run.status, run.error) == (RunStatus.PARTIAL, None)
        assert {gap.kind.value for gap in run.gaps} <= {what, "item"}
        assert env.labels == {
            key: left
            for key, labels in wanted.items()
            if (left := {one for one in labels if (key, one) not in failed})
        }
        match what:
            case "item":
                assert len({key for key, _ in failed}) == 1
            case "label":
                there = {key: labels for key, labels in env.labels.items() if "rosa" in labels}
                assert "rosa" in {label for _, label in failed}
                assert not there.keys() - before.keys()
            case _:
                assert {env.plex.state.items[key].section for key, _ in failed} == {"1"}
        assert not any(row.removed_by_user for row in env.recorder.ledger)
    env.plex.faults.clear()
    again = await env.sync()
    assert (again.status, again.failed, again.gaps) == (RunStatus.DONE, (), ())
    assert env.labels == wanted


@pytest.mark.parametrize("kind", ["slow_after_apply", "slow_before_apply"])
async def test_edit_that_takes_too_long_is_sent_again_in_halves(kind: FaultKind) -> None:
    async with open_env(people=1, wanted_in_plex=12, uhd_library=False) as env:
        before = env.labels
        env.plex.faults.add(Fault(kind, method="PUT", seconds=TOO_LONG))
        with short_timeouts(env.plex):
            run = await env.sync()
        assert (run.status, run.failed) == (RunStatus.DONE, ())
        assert env.labels == merged(before, env.wanted())
        # The one that took too long, and two instead of it.
        assert env.plex.stats.puts == env.edits_needed(before, env.labels) + 2


async def test_edit_that_was_done_though_its_answer_was_lost_is_confirmed(
    env: EngineEnv,
) -> None:
    title = env.spare()
    await env.sync()
    env.want("rosa", title)
    env.plex.faults.add(Fault("slow_after_apply", method="PUT", seconds=TOO_LONG, times=None))
    with short_timeouts(env.plex):
        run = await env.sync()
    (change,) = run.changes
    assert is_there(env, change)
    assert (run.status, run.failed, run.gaps) == (RunStatus.DONE, (), ())


async def test_item_that_goes_away_before_its_edit_is_reported_and_the_others_are_labelled(
    env: EngineEnv,
) -> None:
    before = env.labels
    env.plex.faults.add(Fault("vanishing_row", method="PUT", route=LISTING_ROUTE))
    run = await env.sync()
    (failed_key,) = {one.change.rating_key for one in run.failed}
    assert (run.status, [gap.key for gap in run.gaps]) == (RunStatus.PARTIAL, [failed_key])
    assert failed_key not in env.plex.state.items
    assert {one.failure for one in run.failed} == {"not_confirmed"}
    before.pop(failed_key, None)
    assert env.labels == merged(before, env.wanted())
    assert not any(row.confirmed for row in env.recorder.ledger.by_item()[failed_key])
    await env.sync()
    assert failed_key not in env.recorder.ledger.by_item()


async def test_journal_covers_what_is_sent_after_a_library_that_refuses_edits(
    env: EngineEnv,
) -> None:
    dry = await env.sync(dry_run=True)
    first = dry.changes[0].library
    env.plex.faults.add(Fault("busy", method="PUT", match=rf"/sections/{first}/all", times=None))
    run = await env.sync()
    planned = env.recorder.begun[-1][1]
    assert planned[0].library == first
    assert run.changes
    assert {one.library for one in run.changes}.isdisjoint({first})
    assert set(run.changes) <= set(planned[: env.recorder.sent[-1][1]])


@pytest.mark.parametrize("status", [400, 414])
async def test_labels_that_plex_refuses_are_reported_and_the_others_arrive(
    env: EngineEnv, status: int
) -> None:
    env.pulsarr.state.rename(env.person("rosa"), "🎬" * 50)  # 600 bytes of an address
    env.plex.knobs = PlexKnobs(url_limit=500, url_status=status)
    before = env.labels
    run = await env.sync()
    assert (run.status, run.error) == (RunStatus.DONE, None)
    assert {one.failure for one in run.failed} == {Failure.REJECTED}
    rosas = env.wanted([env.person("rosa")])
    assert {(one.change.rating_key, fold(one.change.label)) for one in run.failed} == {
        (key, label) for key, labels in rosas.items() for label in labels
    }
    arrived = {key: labels - rosas.get(key, set()) for key, labels in env.wanted().items()}
    assert env.labels == merged(before, {key: some for key, some in arrived.items() if some})


@pytest.mark.parametrize("kind", ["busy", "unauthorized", "truncated", "html"])
async def test_labels_that_cannot_be_read_back_are_not_claimed_but_are_own(
    env: EngineEnv, kind: FaultKind
) -> None:
    dry = await env.sync(dry_run=True)
    for route in (LABEL_ROUTE, METADATA_ROUTE):
        reads = env.plex.stats.count("GET", route)
        env.plex.faults.add(Fault(kind, route=route, nth=reads + 1, times=None))
    run = await env.sync()
    ends = RunStatus.FAILED if kind in WHOLE_KINDS else RunStatus.PARTIAL
    assert (run.status, run.changes) == (ends, ())
    assert bool(run.gaps) is (ends is RunStatus.PARTIAL)
    sent = env.recorder.finished[0][1]
    assert sent
    assert {one.change for one in run.failed} == set(dry.changes) >= set(sent)
    # Those are in Plex, and nobody else put them there.
    assert pairs(env.recorder.ledger) == pairs(sent)
    assert all(is_there(env, one) for one in sent)
    env.plex.faults.clear()
    assert pairs((await env.sync()).changes) == pairs(dry.changes) - pairs(sent)


async def test_labels_that_were_not_written_after_all_are_written_later(env: EngineEnv) -> None:
    dry = await env.sync(dry_run=True)
    env.plex.faults.add(Fault("busy", method="PUT", times=None))
    for route in (LABEL_ROUTE, METADATA_ROUTE):
        reads = env.plex.stats.count("GET", route)
        env.plex.faults.add(Fault("busy", route=route, nth=reads + 1, times=None))
    assert (await env.sync()).changes == ()
    assert len(env.recorder.ledger) > 0  # for all we know they may be there
    env.plex.faults.clear()
    run = await env.sync()
    assert pairs(run.changes) == pairs(dry.changes)
    assert run.vanished == 0


# Reading back


async def test_removal_that_cannot_be_read_back_is_not_claimed(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    env.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    title = env.spare()
    env.want("rosa", title)
    await env.sync()
    env.pulsarr.state.unwant(env.person("rosa"), title)
    env.plex.stats.reset()
    carriers = PlexClient.carriers

    async def none_after_an_edit(
        self: PlexClient, library: Library, label: StoredLabel
    ) -> frozenset[str]:
        if env.plex.stats.puts:
            raise ServiceError(Service.PLEX, Failure.BUSY, "the database is busy")
        return await carriers(self, library, label)

    with monkeypatch.context() as patch:
        patch.setattr(PlexClient, "carriers", none_after_an_edit)
        run = await env.sync()
    assert env.plex.stats.puts == 1
    assert (run.status, run.removed, len(run.failed)) == (RunStatus.PARTIAL, 0, 1)
    (item,) = env.plex.state.items_of(title)
    row = env.recorder.ledger.get((item.rating_key, "rosa"))
    assert row is not None
    assert not row.confirmed


async def test_what_changes_while_it_is_read_back_is_read_again(env: EngineEnv) -> None:
    dry = await env.sync(dry_run=True)
    label_reads = env.plex.stats.count("GET", LABEL_ROUTE)
    env.plex.faults.add(Fault("truncated", route=LABEL_ROUTE, nth=label_reads + 1))
    run = await env.sync()
    assert (run.status, run.failed) == (RunStatus.DONE, ())
    assert pairs(run.changes) == pairs(dry.changes)


@pytest.mark.parametrize("settle", [0.1, 0.4])
async def test_edit_that_shows_late_is_waited_for(settle: float) -> None:
    slow = PlexKnobs(settle=settle)
    async with open_env(knobs=slow, real_sleep=True, movies=20, shows=5, wanted_in_plex=5) as env:
        before = env.labels
        run = await env.sync()
        assert (run.status, run.failed) == (RunStatus.DONE, ())
        assert env.labels == merged(before, env.wanted())


async def test_edit_that_never_shows_is_not_claimed(env: EngineEnv) -> None:
    env.plex.knobs = PlexKnobs(settle=60)
    started = env.clock.now
    dry = await env.sync(dry_run=True)
    run = await env.sync()
    assert (run.status, run.changes) == (RunStatus.PARTIAL, ())
    assert {one.change for one in run.failed} == set(dry.changes)
    assert {one.failure for one in run.failed} == {"not_confirmed"}
    assert run.gaps
    assert {gap.failure for gap in run.gaps} == {Failure.IMPLAUSIBLE}
    waited = sum(SETTLE) * len({one.library for one in dry.changes})  # the clock adds them up
    assert env.clock.now - started == waited
    assert run.duration == waited
    # They were sent: should they show later, they are ours.
    assert pairs(env.recorder.ledger) == pairs(dry.changes)
    assert not any(row.confirmed for row in env.recorder.ledger)
    env.plex.settle()
    env.plex.knobs = PlexKnobs()
    again = await env.sync()
    assert (again.status, again.gaps) == (RunStatus.DONE, ())
    assert (again.changes, again.vanished) == ((), 0)
    assert all(row.confirmed for row in env.recorder.ledger)


async def test_removal_that_never_shows_is_not_claimed_and_stays_own(
    socket_enabled: None,
) -> None:
    async with open_env(foreign_labels=False) as env:
        title = env.spare()
        (item,) = env.plex.state.items_of(title)
        env.want("rosa", title)
        env.want("tim", title)
        await env.sync()
        env.plex.state.add_label(item.rating_key, "Scary, old")
        env.pulsarr.state.unwant(env.person("rosa"), title)
        env.settings = SyncSettings(
            removed_label_mode=RemovedLabelMode.REMOVE, preserve_existing_labels=False
        )
        env.plex.knobs = PlexKnobs(settle=60)
        rows = {row.key for row in env.recorder.ledger}
        run = await env.sync()
        assert run.changes == ()
        assert {(fold(one.change.label), one.failure) for one in run.failed} == {
            ("rosa", "not_confirmed"),
            ("scary, old", "not_confirmed"),
        }
        assert {row.key for row in env.recorder.ledger} == rows


async def test_spelling_that_takes_the_place_of_a_removed_one_goes_with_the_next_run(
    env: EngineEnv,
) -> None:
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.want("rosa", title)
    env.plex.state.add_label(item.rating_key, "Scary, old")
    env.settings = SyncSettings(preserve_existing_labels=False)

    def spell_it_otherwise() -> None:
        env.plex.state.remove_label(item.rating_key, "Scary, old")
        env.plex.state.add_label(item.rating_key, "SCARY, OLD")

    env.recorder.meanwhile = spell_it_otherwise
    run = await env.sync()
    assert run.failed == ()
    assert "Scary, old" in {one.label for one in run.changes}
    assert env.labels[item.rating_key] == {"rosa", "scary, old"}
    env.recorder.meanwhile = lambda: None
    assert {one.label for one in (await env.sync()).changes} == {"SCARY, OLD"}
    assert env.labels[item.rating_key] == {"rosa"}


async def test_label_that_someone_adds_meanwhile_is_not_lost(env: EngineEnv) -> None:
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.want("rosa", title)
    env.recorder.meanwhile = lambda: env.plex.state.add_label(item.rating_key, "Just now")
    run = await env.sync()
    assert run.failed == ()
    assert env.labels[item.rating_key] == {"rosa", "just now"}


async def test_label_that_someone_else_adds_first_is_there_once(env: EngineEnv) -> None:
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.want("rosa", title)
    env.recorder.meanwhile = lambda: env.plex.state.add_label(item.rating_key, "ROSA")
    run = await env.sync()
    assert run.failed == ()
    assert len(item.labels) == 1
