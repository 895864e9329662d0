"""The engine when a server fails: nothing is written on half a picture, nothing is claimed unseen."""

from collections.abc import Iterable

import pytest

from custom_components.plex_label_sync.plex import server
from custom_components.plex_label_sync.sync.engine import SETTLE
from custom_components.plex_label_sync.sync.model import (
    Change,
    Failure,
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

PEOPLE_ROUTE = "/v1/users/users/list/with-counts"
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
async def test_read_of_plex_that_fails_in_whatever_way_ends_the_run_before_anything_is_written(
    home: Home, route: str, nth: int
) -> None:
    for library in "123":  # so that there are carriers to read, two of each label
        items = [one for one in home.plex.state.items.values() if one.section == library]
        for item in items[:2]:
            for label in ("rosa", "tim", "nina"):
                home.plex.state.add_label(item.rating_key, label)
    before = home.labels
    for kind in EVERY_KIND:
        home.plex.faults.clear()
        home.plex.faults.add(Fault(kind, route=route, method="GET", nth=nth, times=None))
        assert_nothing_happened(home, await home.sync(), before, Service.PLEX)


@pytest.mark.parametrize(
    ("route", "nth", "kinds"),
    [
        (WATCHLIST_ROUTE, 1, EVERY_KIND),
        (WATCHLIST_ROUTE, 6, EVERY_KIND),
        # A list of fewer people is a smaller household.
        (PEOPLE_ROUTE, 1, tuple(kind for kind in EVERY_KIND if kind != "short_page")),
    ],
)
async def test_read_of_pulsarr_that_fails_in_whatever_way_ends_the_run_before_plex_is_asked(
    home: Home, route: str, nth: int, kinds: tuple[FaultKind, ...]
) -> None:
    before = home.labels
    for kind in kinds:
        home.pulsarr.faults.clear()
        home.pulsarr.faults.add(Fault(kind, route=route, nth=nth, times=None))
        assert_nothing_happened(home, await home.sync(), before, Service.PULSARR)
    assert home.plex.stats.total == 0


@pytest.mark.parametrize("kind", ["vanishing_row", "swapped_row"])
async def test_item_that_vanishes_while_the_library_is_listed_costs_no_other_one(
    home: Home, monkeypatch: pytest.MonkeyPatch, kind: FaultKind
) -> None:
    monkeypatch.setattr(server, "PAGE_SIZE", 10)
    before = home.labels
    home.plex.faults.add(Fault(kind, route=LISTING_ROUTE, nth=3))
    there = set(home.plex.state.items)
    run = await home.sync()
    assert run.status is RunStatus.DONE
    (gone,) = there - set(home.plex.state.items)
    assert {one.change.rating_key for one in run.failed} <= {gone}
    wanted = merged(before, home.wanted())
    stayed = there - {gone}
    assert {key: labels for key, labels in home.labels.items() if key in stayed} == {
        key: labels for key, labels in wanted.items() if key in stayed
    }


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
async def test_plex_that_ignores_the_label_filter_gets_no_edits(home: Home, preserve: bool) -> None:
    home.settings = SyncSettings(preserve_existing_labels=preserve)
    item = next(one for one in home.plex.state.items.values() if one.section == "1")
    home.plex.state.add_label(item.rating_key, "rosa")
    before = home.labels
    home.plex.knobs = PlexKnobs(label_filter_broken=True)
    run = await home.sync()
    assert_nothing_happened(home, run, before)
    assert run.error is not None
    assert run.error.failure is Failure.IMPLAUSIBLE
    assert "does not filter by label" in run.error.detail


@pytest.mark.parametrize("kind", [RunKind.UNDO, RunKind.REMOVAL])
async def test_plex_that_ignores_the_label_filter_is_not_believed_when_labels_are_taken_off(
    home: Home, kind: RunKind
) -> None:
    run = await home.sync()
    labels, ledger, edits = home.labels, home.recorder.ledger.as_dict(), home.plex.stats.puts
    home.plex.knobs = PlexKnobs(label_filter_broken=True)
    back = await home.sync(kind=kind, undo=run.id, changes=run.changes)
    assert back.error is not None
    assert back.error.failure is Failure.IMPLAUSIBLE
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
    # Nothing is ours that is not there, and the next sync does what is left.
    assert pairs(home.recorder.ledger) == pairs(run.changes)
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
    assert (run.status, run.changes) == (RunStatus.FAILED, ())
    sent = home.recorder.finished[0][1]
    assert sent
    # Others were not even sent: what cannot be read back is no reason to go on.
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
    assert len(home.recorder.ledger) == 0


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
