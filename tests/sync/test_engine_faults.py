"""The engine when a server fails: nothing is written on half a picture, nothing is claimed unseen."""

from collections.abc import Iterable

import pytest

from custom_components.plex_label_sync.plex import server
from custom_components.plex_label_sync.sync.editing import SETTLE
from custom_components.plex_label_sync.sync.model import (
    Change,
    Failure,
    GapKind,
    RemovedLabelMode,
    Row,
    Run,
    RunKind,
    RunStatus,
    Service,
    SyncSettings,
    fold,
)
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs

from .home import LABEL_ROUTE, LISTING_ROUTE, SECTIONS_ROUTE, Home, Labels, household, merged

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


def is_there(home: Home, change: Change) -> bool:
    """Tell whether Plex has what a run says that it added."""
    return fold(change.label) in home.labels.get(change.rating_key, set())


def pairs(labels: Iterable[Change | Row]) -> set[tuple[str, str]]:
    """Return which labels on which items are meant, in any spelling."""
    return {(one.rating_key, fold(one.label)) for one in labels}


def assert_nothing_happened(
    home: Home, run: Run, before: Labels, service: Service = Service.PLEX
) -> None:
    """Check that a run failed, said why, and left everything as it was."""
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.service is service
    assert run.error.detail
    assert (run.changes, run.failed, run.held, run.vanished) == ((), (), (), 0)
    assert home.plex.stats.puts == 0
    assert home.labels == before
    assert home.recorder.begun == []
    assert len(home.recorder.ledger) == 0


# Reads


def assert_nothing_lost(home: Home, run: Run, before: Labels) -> None:
    """Check that a run did what it could, told what it could not, and took nothing away."""
    assert run.status is RunStatus.PARTIAL
    assert run.gaps
    assert all(gap.name for gap in run.gaps)
    assert (run.error, run.held, run.removed) == (None, (), 0)
    wanted = merged(before, home.wanted())
    for key, labels in before.items():
        assert home.labels[key] >= labels
    for key, labels in home.labels.items():
        assert labels <= wanted[key]
    unread = {gap.key for gap in run.gaps if gap.kind is GapKind.LIBRARY}
    assert not unread & {home.plex.state.items[one.rating_key].section for one in run.changes}


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
    home: Home, route: str, nth: int, kind: FaultKind
) -> None:
    for library in "123":  # so that there are carriers to read, two of each label
        items = [one for one in home.plex.state.items.values() if one.section == library]
        for item in items[:2]:
            for label in ("rosa", "tim", "nina"):
                home.plex.state.add_label(item.rating_key, label)
    before = home.labels
    home.plex.faults.add(Fault(kind, route=route, method="GET", nth=nth, times=None))
    run = await home.sync()
    if run.status is RunStatus.FAILED:
        assert kind in WHOLE_KINDS or nth == 1
        assert_nothing_happened(home, run, before, Service.PLEX)
    else:
        assert_nothing_lost(home, run, before)
    home.plex.faults.clear()
    again = await home.sync()
    assert (again.status, again.gaps) == (RunStatus.DONE, ())
    assert home.labels == merged(before, home.wanted())


@pytest.mark.parametrize("kind", EVERY_KIND)
async def test_library_that_cannot_be_listed_is_a_gap_and_the_others_are_served(
    home: Home, kind: FaultKind
) -> None:
    before = home.labels
    home.plex.faults.add(
        Fault(kind, method="GET", times=None, match=r"/library/sections/1/all.*includeGuids")
    )
    run = await home.sync()
    if kind in REFUSALS:
        assert_nothing_happened(home, run, before)
        return
    assert_nothing_lost(home, run, before)
    assert {(gap.kind, gap.key) for gap in run.gaps} >= {(GapKind.LIBRARY, "1")} or {
        gap.kind for gap in run.gaps
    } == {GapKind.PAGE}
    others = {
        key: labels
        for key, labels in home.wanted().items()
        if home.plex.state.items[key].section != "1"
    }
    assert others
    assert merged(home.labels, others) == home.labels


@pytest.mark.parametrize(
    ("match", "kinds"),
    [
        ("/watchlist", EVERY_KIND),
        # A list of fewer people is a smaller household.
        ("/users/users/list", tuple(kind for kind in EVERY_KIND if kind != "short_page")),
    ],
)
async def test_pulsarr_that_cannot_be_read_ends_the_run_before_plex_is_asked(
    home: Home, match: str, kinds: tuple[FaultKind, ...]
) -> None:
    before = home.labels
    for kind in kinds:
        home.pulsarr.faults.clear()
        home.pulsarr.faults.add(Fault(kind, match=match, times=None))
        assert_nothing_happened(home, await home.sync(), before, Service.PULSARR)
    assert home.plex.stats.total == 0


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("mode", RemovedLabelMode)
async def test_watchlist_that_cannot_be_read_is_a_gap_and_the_others_are_served(
    home: Home, kind: FaultKind, mode: RemovedLabelMode
) -> None:
    title, other = home.spare("movie"), home.spare("show")
    (item,), (its,) = home.plex.state.items_of(title), home.plex.state.items_of(other)
    home.settings = SyncSettings(removed_label_mode=mode)
    home.wish("rosa", title)
    await home.sync()
    before, rosa = home.labels, home.person("rosa")
    home.pulsarr.state.unwish(rosa, title)
    home.wish("rosa", other)
    home.wish("tim", other)
    home.pulsarr.faults.add(Fault(kind, match=rf"/users/{rosa}/watchlist", times=None))
    run = await home.sync()
    # A list may break its connection each time: that alone is no server that is away.
    if kind in REFUSALS:
        assert (run.status, home.labels) == (RunStatus.FAILED, before)
        return
    assert run.status is RunStatus.PARTIAL
    assert {(gap.kind, gap.key, gap.name) for gap in run.gaps} == {
        (GapKind.PERSON, str(rosa), "rosa")
    }
    assert home.labels == merged(before, {its.rating_key: {"tim"}})
    assert "rosa" in home.labels[item.rating_key]
    home.settings = SyncSettings(removed_label_mode=mode, exclude_people=frozenset({rosa}))
    asked = home.pulsarr.stats.count(None, WATCHLIST_ROUTE)
    assert (await home.sync(dry_run=True)).gaps == ()
    assert home.pulsarr.stats.count(None, WATCHLIST_ROUTE) == asked + len(home.people) - 1


async def test_item_that_vanishes_while_the_library_is_listed_costs_no_label(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PAGE_SIZE", 10)
    before = home.labels
    home.plex.faults.add(Fault("vanishing_row", route=LISTING_ROUTE, nth=3))
    run = await home.sync()
    assert run.status in {RunStatus.DONE, RunStatus.PARTIAL}
    assert (run.error, run.removed) == (None, 0)
    await home.sync()
    there = {key: labels for key, labels in before.items() if key in home.plex.state.items}
    assert home.labels == merged(there, home.wanted())


@pytest.mark.parametrize("kind", ["busy", "unavailable", "throttled", "drop", "cut_body"])
async def test_passing_trouble_while_reading_is_sat_out(home: Home, kind: FaultKind) -> None:
    before = home.labels
    for route, nth in ((LISTING_ROUTE, 2), (LABEL_ROUTE, 2), (LISTING_ROUTE, 6)):
        home.plex.faults.add(Fault(kind, route=route, method="GET", nth=nth))
    home.pulsarr.faults.add(Fault(kind, route=WATCHLIST_ROUTE, nth=2))
    assert (await home.sync()).status is RunStatus.DONE
    assert home.labels == merged(before, home.wanted())


async def test_server_that_is_away_is_said_to_be_away(home: Home) -> None:
    await home.plex.outage(30)
    run = await home.sync()
    assert run.error is not None
    assert (run.error.service, run.error.failure) == (Service.PLEX, Failure.CANNOT_CONNECT)
    assert run.error.unreachable


@pytest.mark.parametrize("preserve", [True, False])
async def test_plex_that_ignores_the_label_filter_is_not_believed(
    home: Home, preserve: bool
) -> None:
    home.settings = SyncSettings(preserve_existing_labels=preserve)
    for title in (home.spare("movie"), home.spare("show")):
        (item,) = home.plex.state.items_of(title)
        for label in ("rosa", "Kids"):
            home.plex.state.add_label(item.rating_key, label)
    before = home.labels
    home.plex.knobs = PlexKnobs(label_filter_broken=True)
    run = await home.sync()
    assert_nothing_lost(home, run, before)
    assert {("rosa", Failure.IMPLAUSIBLE)} <= {(gap.name.lower(), gap.failure) for gap in run.gaps}
    assert run.changes == ()  # what was sent cannot be read back there


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("kind", [RunKind.UNDO, RunKind.REMOVAL])
async def test_labels_are_taken_off_by_what_the_items_say_where_the_filter_is_ignored(
    home: Home, kind: RunKind, tells: bool
) -> None:
    before = home.labels
    run = await home.sync()
    labels, ledger, edits = home.labels, home.recorder.ledger.as_dict(), home.plex.stats.puts
    home.plex.knobs = PlexKnobs(label_filter_broken=True, labels_on_items=tells)
    back = await home.sync(kind=kind, undo=run.id, changes=run.changes)
    if tells:
        assert home.labels == before
        assert {one.change for one in back.failed} <= {*home.recorder.begun[-1][1]}
    else:
        assert back.changes == ()
        assert (home.labels, home.plex.stats.puts) == (labels, edits)
        assert home.recorder.ledger.as_dict() == ledger


async def test_label_that_really_is_on_everything_is_believed() -> None:
    async with household(
        movies=12, shows=0, people=1, wishes=12, wishes_missing=0, missing=0.0, unmatched=0.0
    ) as home:
        await home.sync()
        run = await home.sync()
        assert (run.status, run.changes) == (RunStatus.DONE, ())
        assert run.unchanged == 12 + sum(
            item.section == "3" for item in home.plex.state.items.values()
        )


async def test_title_that_loses_its_ids_on_a_list_keeps_its_label(home: Home) -> None:
    home.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    title, other = home.spare("movie"), home.spare("show")
    for one in (title, other):
        home.wish("rosa", one)
    await home.sync()
    before = home.labels
    home.wish("rosa", title, guids=[], key=None)
    home.pulsarr.state.unwish(home.person("rosa"), other)

    for _ in range(2):
        run = await home.sync()
        assert run.status is RunStatus.DONE
    assert all("rosa" in before[item.rating_key] for item in home.plex.state.items_of(title))
    assert all("rosa" in home.labels[item.rating_key] for item in home.plex.state.items_of(title))
    assert not any(
        "rosa" in home.labels.get(item.rating_key, ()) for item in home.plex.state.items_of(other)
    )

    home.pulsarr.state.unwish(home.person("rosa"), title)
    await home.sync()
    assert not any(
        "rosa" in home.labels.get(item.rating_key, ()) for item in home.plex.state.items_of(title)
    )


# Writes


@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize("kind", ["unauthorized", "busy", "unavailable", "throttled", "drop"])
async def test_edit_that_fails_is_told_and_never_claimed(
    home: Home, kind: FaultKind, nth: int
) -> None:
    before = home.labels
    home.plex.faults.add(Fault(kind, method="PUT", nth=nth, times=None))
    run = await home.sync()
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.service is Service.PLEX
    planned = home.recorder.begun[0][1]
    assert sorted([*run.changes, *(one.change for one in run.failed)], key=str) == sorted(
        planned, key=str
    )
    assert all(is_there(home, one) for one in run.changes)
    assert not any(is_there(home, one.change) for one in run.failed)
    assert bool(run.changes) is (nth > 1)
    assert all(one.failure for one in run.failed)
    # Ours is what is there, and what was sent may be; the next sync does what is left.
    rows = list(home.recorder.ledger)
    assert pairs(row for row in rows if row.confirmed) == pairs(run.changes)
    assert pairs(row for row in rows if not row.confirmed) == pairs(home.recorder.finished[-1][1])
    assert pairs(rows) <= pairs(planned[: home.recorder.sent[-1][1]])
    home.plex.faults.clear()
    again = await home.sync()
    assert again.status is RunStatus.DONE
    assert pairs(again.changes) == pairs(one.change for one in run.failed)
    assert home.labels == merged(before, home.wanted())


async def test_edits_after_the_one_that_failed_are_not_sent(home: Home) -> None:
    home.plex.faults.add(Fault("unauthorized", method="PUT", nth=2, times=None))
    run = await home.sync()
    assert home.plex.stats.puts == 2
    assert {one.failure for one in run.failed} >= {Failure.INVALID_AUTH}


async def test_item_whose_labels_plex_cannot_write_stops_no_other(home: Home) -> None:
    before = home.labels
    wanted = merged(before, home.wanted())
    key = next(key for key, labels in wanted.items() if labels != before.get(key, set()))
    fault = Fault("busy", method="PUT", times=None, match=rf"[?&]id=(\d+,)*{key}[,&]")
    home.plex.faults.add(fault)
    for _ in range(4):
        run = await home.sync()
        assert run.error is None
        assert {one.change.rating_key for one in run.failed} == {key}
        assert {one.failure for one in run.failed} == {Failure.BUSY}
        assert home.labels == {one: some for one, some in wanted.items() if one != key} | {
            one: some for one, some in before.items() if one == key
        }
    home.plex.faults.clear()
    again = await home.sync()
    assert (again.status, again.failed) == (RunStatus.DONE, ())
    assert home.labels == wanted


@pytest.mark.parametrize("kind", ["slow_after_apply", "slow_before_apply"])
async def test_edit_that_takes_too_long_is_sent_again_in_halves(
    monkeypatch: pytest.MonkeyPatch, kind: FaultKind
) -> None:
    monkeypatch.setattr(server, "EDIT_TIMEOUT", 0.5)
    async with household(people=1, wishes=12, uhd_library=False) as home:
        before = home.labels
        home.plex.faults.add(Fault(kind, method="PUT", seconds=3))
        run = await home.sync()
        assert (run.status, run.failed) == (RunStatus.DONE, ())
        assert home.labels == merged(before, home.wanted())
        # The one that took too long has not been answered yet.
        assert home.plex.stats.puts == home.edits_needed(before, home.labels) + 1


async def test_edit_that_was_done_though_its_answer_was_lost_is_confirmed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = home.spare()
    await home.sync()
    home.wish("rosa", title)
    monkeypatch.setattr(server, "EDIT_TIMEOUT", 0.2)
    home.plex.faults.add(Fault("slow_after_apply", method="PUT", seconds=3, times=None))
    run = await home.sync()
    assert run.error is not None
    assert run.error.failure is Failure.TIMEOUT
    (change,) = run.changes
    assert is_there(home, change)
    assert run.failed == ()


async def test_item_that_goes_away_before_its_edit_is_told_and_the_others_are_labelled(
    home: Home,
) -> None:
    before = home.labels
    home.plex.faults.add(Fault("vanishing_row", method="PUT", route=LISTING_ROUTE))
    run = await home.sync()
    assert run.status is RunStatus.DONE
    (gone,) = {one.change.rating_key for one in run.failed}
    assert gone not in home.plex.state.items
    assert {one.failure for one in run.failed} == {"not_confirmed"}
    before.pop(gone, None)
    assert home.labels == merged(before, home.wanted())
    assert not any(row.confirmed for row in home.recorder.ledger.by_item()[gone])
    await home.sync()
    assert gone not in home.recorder.ledger.by_item()


@pytest.mark.parametrize("status", [400, 414])
async def test_labels_that_plex_refuses_are_told_and_the_others_arrive(
    home: Home, status: int
) -> None:
    home.pulsarr.state.rename(home.person("rosa"), "🎬" * 50)  # 600 bytes of an address
    home.plex.knobs = PlexKnobs(url_limit=500, url_status=status)
    before = home.labels
    run = await home.sync()
    assert (run.status, run.error) == (RunStatus.DONE, None)
    assert {one.failure for one in run.failed} == {Failure.REJECTED}
    rosas = home.wanted([home.person("rosa")])
    assert {(one.change.rating_key, fold(one.change.label)) for one in run.failed} == {
        (key, label) for key, labels in rosas.items() for label in labels
    }
    arrived = {key: labels - rosas.get(key, set()) for key, labels in home.wanted().items()}
    assert home.labels == merged(before, {key: some for key, some in arrived.items() if some})


@pytest.mark.parametrize("kind", ["busy", "unauthorized", "truncated", "html"])
async def test_labels_that_cannot_be_read_back_are_not_claimed_but_are_ours(
    home: Home, kind: FaultKind
) -> None:
    dry = await home.sync(dry_run=True)
    label_reads = home.plex.stats.count("GET", LABEL_ROUTE)
    home.plex.faults.add(Fault(kind, route=LABEL_ROUTE, nth=label_reads + 1, times=None))
    run = await home.sync()
    ends = RunStatus.FAILED if kind in WHOLE_KINDS else RunStatus.PARTIAL
    assert (run.status, run.changes) == (ends, ())
    assert bool(run.gaps) is (ends is RunStatus.PARTIAL)
    sent = home.recorder.finished[0][1]
    assert sent
    assert {one.change for one in run.failed} == set(dry.changes) >= set(sent)
    # Those are in Plex, and nobody else put them there.
    assert pairs(home.recorder.ledger) == pairs(sent)
    assert all(is_there(home, one) for one in sent)
    home.plex.faults.clear()
    assert pairs((await home.sync()).changes) == pairs(dry.changes) - pairs(sent)


async def test_labels_that_were_not_written_after_all_are_written_later(home: Home) -> None:
    dry = await home.sync(dry_run=True)
    label_reads = home.plex.stats.count("GET", LABEL_ROUTE)
    home.plex.faults.add(
        Fault("busy", method="PUT", times=None),
        Fault("busy", route=LABEL_ROUTE, nth=label_reads + 1, times=None),
    )
    assert (await home.sync()).changes == ()
    assert len(home.recorder.ledger) > 0  # for all we know they may be there
    home.plex.faults.clear()
    run = await home.sync()
    assert pairs(run.changes) == pairs(dry.changes)
    assert run.vanished == 0


# Reading back


async def test_what_changes_while_it_is_read_back_is_read_again(home: Home) -> None:
    dry = await home.sync(dry_run=True)
    label_reads = home.plex.stats.count("GET", LABEL_ROUTE)
    home.plex.faults.add(Fault("truncated", route=LABEL_ROUTE, nth=label_reads + 1))
    run = await home.sync()
    assert (run.status, run.failed) == (RunStatus.DONE, ())
    assert pairs(run.changes) == pairs(dry.changes)


@pytest.mark.parametrize("settle", [0.1, 0.4])
async def test_edit_that_shows_late_is_waited_for(settle: float) -> None:
    slow = PlexKnobs(settle=settle)
    async with household(knobs=slow, patient=True, movies=20, shows=5, wishes=5) as home:
        before = home.labels
        run = await home.sync()
        assert (run.status, run.failed) == (RunStatus.DONE, ())
        assert home.labels == merged(before, home.wanted())


async def test_edit_that_never_shows_is_not_claimed(home: Home) -> None:
    home.plex.knobs = PlexKnobs(settle=60)
    started = home.clock.now
    dry = await home.sync(dry_run=True)
    run = await home.sync()
    assert (run.status, run.changes) == (RunStatus.DONE, ())
    assert {one.change for one in run.failed} == set(dry.changes)
    assert {one.failure for one in run.failed} == {"not_confirmed"}
    waited = sum(SETTLE) * len({one.library for one in dry.changes})  # the clock adds them up
    assert home.clock.now - started == waited
    assert run.duration == waited
    # They were sent: should they show later, they are ours.
    assert pairs(home.recorder.ledger) == pairs(dry.changes)
    assert not any(row.confirmed for row in home.recorder.ledger)
    home.plex.settle()
    home.plex.knobs = PlexKnobs()
    again = await home.sync()
    assert (again.changes, again.vanished) == ((), 0)
    assert all(row.confirmed for row in home.recorder.ledger)


async def test_removal_that_never_shows_is_not_claimed_and_stays_ours(
    socket_enabled: None,
) -> None:
    async with household(foreign_labels=False) as home:
        title = home.spare()
        (item,) = home.plex.state.items_of(title)
        home.wish("rosa", title)
        home.wish("tim", title)
        await home.sync()
        home.plex.state.add_label(item.rating_key, "Scary, old")
        home.pulsarr.state.unwish(home.person("rosa"), title)
        home.settings = SyncSettings(
            removed_label_mode=RemovedLabelMode.REMOVE, preserve_existing_labels=False
        )
        home.plex.knobs = PlexKnobs(settle=60)
        rows = {row.key for row in home.recorder.ledger}
        run = await home.sync()
        assert run.changes == ()
        assert {(fold(one.change.label), one.failure) for one in run.failed} == {
            ("rosa", "not_confirmed"),
            ("scary, old", "not_confirmed"),
        }
        assert {row.key for row in home.recorder.ledger} == rows


async def test_spelling_that_takes_the_place_of_a_removed_one_goes_with_the_next_run(
    home: Home,
) -> None:
    title = home.spare()
    (item,) = home.plex.state.items_of(title)
    home.wish("rosa", title)
    home.plex.state.add_label(item.rating_key, "Scary, old")
    home.settings = SyncSettings(preserve_existing_labels=False)

    def spell_it_otherwise() -> None:
        home.plex.state.remove_label(item.rating_key, "Scary, old")
        home.plex.state.add_label(item.rating_key, "SCARY, OLD")

    home.recorder.meanwhile = spell_it_otherwise
    run = await home.sync()
    assert run.failed == ()
    assert "Scary, old" in {one.label for one in run.changes}
    assert home.labels[item.rating_key] == {"rosa", "scary, old"}
    home.recorder.meanwhile = lambda: None
    assert {one.label for one in (await home.sync()).changes} == {"SCARY, OLD"}
    assert home.labels[item.rating_key] == {"rosa"}


async def test_label_that_somebody_adds_meanwhile_is_not_lost(home: Home) -> None:
    title = home.spare()
    (item,) = home.plex.state.items_of(title)
    home.wish("rosa", title)
    home.recorder.meanwhile = lambda: home.plex.state.add_label(item.rating_key, "Just now")
    run = await home.sync()
    assert run.failed == ()
    assert home.labels[item.rating_key] == {"rosa", "just now"}


async def test_label_that_somebody_else_adds_first_is_there_once(home: Home) -> None:
    title = home.spare()
    (item,) = home.plex.state.items_of(title)
    home.wish("rosa", title)
    home.recorder.meanwhile = lambda: home.plex.state.add_label(item.rating_key, "ROSA")
    run = await home.sync()
    assert run.failed == ()
    assert len(item.labels) == 1
