"""Nothing is taken off, forgotten or given up without a read of exactly that item."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, Final

import pytest

from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.changes import RowKey
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    Failure,
    Gap,
    GapKind,
    LabelledItem,
    Library,
    RemovedLabelMode,
    Service,
    ServiceError,
    StoredLabel,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.request import UnknownLibraryError
from custom_components.plex_label_sync.sync.run import Run, RunKind, RunStatus
from simulators.catalog import CatalogTitle
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs
from simulators.plex.server import METADATA_ROUTE

from .engine_env import (
    EVERYTHING,
    LABEL_ROUTE,
    LISTING_ROUTE,
    SECTIONS_ROUTE,
    EngineEnv,
    merged,
    open_env as open_usual_env,
)

REMOVE = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
MODES = (RemovedLabelMode.KEEP, RemovedLabelMode.REMOVE)
# Movies only, all of them in Plex, and no label that anybody else wrote.
SMALL: Final[dict[str, Any]] = {
    "movies": 40,
    "shows": 0,
    "people": 3,
    "wanted_in_plex": 9,
    "missing": 0.3,
    "foreign_labels": False,
}


class OneByOne(PlexClient):
    """Has labels read label by label first, as where there are many more items than labels."""

    items_per_request = 1


open_env: Final = partial(open_usual_env, plex_client=OneByOne)


@pytest.fixture
async def env() -> AsyncIterator[EngineEnv]:
    """A open_env of three with a few movies, whose runs are judged by those before."""
    async with open_env(remembers=True, settings=REMOVE, **SMALL) as running:
        yield running


def ledger_rows(env: EngineEnv) -> set[tuple[RowKey, bool]]:
    """Return which labels on which items are ours, and which of them are off."""
    return {(row.key, row.removed_by_user) for row in env.recorder.ledger}


async def kept(env: EngineEnv, run: Run, *, fault: Fault | None = None) -> None:
    """Check that a run and those after it leave all our labels as they are."""
    assert (run.removed, run.vanished, run.overridden, run.lost) == (0, 0, 0, 0)
    if fault is not None:
        assert env.plex.faults.acted
    env.plex.faults.clear()
    again = await env.sync()
    assert (again.status, again.removed, again.added, again.lost) == (RunStatus.DONE, 0, 0, 0)


def any_own_label(env: EngineEnv) -> tuple[str, str]:
    """Return an item's rating key and the label that we wrote on it."""
    return min((row.rating_key, row.label) for row in env.recorder.ledger)


# Listings that say less


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["no_guids", "empty", "headless", "left_out", "repeated_row"])
async def test_listing_that_says_less_costs_no_label(
    env: EngineEnv, mode: RemovedLabelMode, kind: FaultKind
) -> None:
    env.settings = SyncSettings(removed_label_mode=mode)
    for title in (env.spare(), env.spare()):
        env.want("rosa", title, key=None)
    await env.sync()
    labels, rows = env.labels, ledger_rows(env)
    fault = Fault(kind, match=r"/all\?.*includeGuids", times=1)
    env.plex.faults.add(fault)
    run = await env.sync()
    assert (env.labels, ledger_rows(env)) == (labels, rows)
    await kept(env, run, fault=fault)
    assert (env.labels, ledger_rows(env)) == (labels, rows)


@pytest.mark.parametrize("kind", ["empty", "headless"])
async def test_library_that_lists_nothing_where_there_were_items_is_a_gap(
    env: EngineEnv, kind: FaultKind
) -> None:
    await env.sync()
    labels, rows = env.labels, ledger_rows(env)
    env.plex.faults.add(Fault(kind, match=r"sections/1/all\?.*includeGuids", times=None))
    for _ in range(3):
        run = await env.sync()
        assert run.status is RunStatus.PARTIAL
        assert {(gap.kind, gap.key) for gap in run.gaps} == {(GapKind.LIBRARY, "1")}
        assert (env.labels, ledger_rows(env)) == (labels, rows)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["vanishing_row", "swapped_row", "repeated_row"])
async def test_library_that_changes_between_two_pages_costs_no_row(
    env: EngineEnv, mode: RemovedLabelMode, kind: FaultKind
) -> None:
    env.limit_plex(page_rows=10, page_rows_max=10)
    env.settings = SyncSettings(removed_label_mode=mode)
    await env.sync()
    for nth in (2, 3, 4):
        labels, rows = env.labels, ledger_rows(env)
        env.plex.faults.add(Fault(kind, match=r"sections/1/all\?.*includeGuids", nth=nth))
        await env.sync()
        env.plex.faults.clear()
        await env.sync()
        there = env.plex.state.items
        assert {key: some for key, some in env.labels.items() if key in labels} == {
            key: some for key, some in labels.items() if key in there
        }
        assert {one for one in rows if one[0][0] in there} <= ledger_rows(env)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fields", [{}, {"key": None}])
async def test_number_that_is_corrected_under_the_same_guid_costs_no_label(
    env: EngineEnv, mode: RemovedLabelMode, fields: dict[str, None]
) -> None:
    env.settings = SyncSettings(removed_label_mode=mode)
    title = env.spare()
    env.want("rosa", title, **fields)
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    guids = [one.replace(":", "://") for one in title.guids if not one.startswith("imdb")]
    env.plex.correct_ids(item.rating_key, ["imdb://tt9999999", *guids])
    if mode is RemovedLabelMode.KEEP:
        assert (await env.sync()).removed == 0
        assert env.labels[item.rating_key] == {"rosa"}
    elif not fields:
        await kept(env, await env.sync())


# Directories and carriers that say less


@pytest.mark.parametrize("shows_labels", [True, False])
async def test_label_that_a_directory_leaves_out_is_not_removed_by_hand(
    env: EngineEnv, shows_labels: bool
) -> None:
    env.plex.knobs = PlexKnobs(labels_on_items=shows_labels)
    await env.sync()
    rows = ledger_rows(env)
    fault = Fault("left_out", match=r"sections/1/label")
    env.plex.faults.add(fault)
    run = await env.sync()
    assert ledger_rows(env) == rows
    await kept(env, run, fault=fault)


@pytest.mark.parametrize("kind", ["empty", "headless", "left_out"])
async def test_label_whose_carriers_are_not_all_reported_is_not_removed_by_hand(
    env: EngineEnv, kind: FaultKind
) -> None:
    await env.sync()
    rows = ledger_rows(env)
    fault = Fault(kind, match=r"/all\?.*label=", times=1)
    env.plex.faults.add(fault)
    run = await env.sync()
    assert ledger_rows(env) == rows
    await kept(env, run, fault=fault)


def leave_out(monkeypatch: pytest.MonkeyPatch, label: str, where: str) -> None:
    """Let the directory say nothing of a label, or the label's carriers not one item."""
    directory, carriers = PlexClient.labels, PlexClient.carriers
    left = iter([True])

    async def labels(
        self: PlexClient, library: Library, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[StoredLabel, ...]:
        some = await directory(self, library, on_gap)
        missing_labels = where == "directory" and any(fold(one.text) == label for one in some)
        if missing_labels and next(left, False):
            return tuple(one for one in some if fold(one.text) != label)
        return some

    async def of_label(self: PlexClient, library: Library, one: StoredLabel) -> tuple[str, ...]:
        keys = tuple(await carriers(self, library, one))
        return () if where == "carriers" and one.text == label and next(left, False) else keys

    monkeypatch.setattr(PlexClient, "labels", labels)
    monkeypatch.setattr(PlexClient, "carriers", of_label)


@pytest.mark.parametrize("shows_labels", [True, False])
@pytest.mark.parametrize("where", ["directory", "carriers"])
@pytest.mark.parametrize("label", ["no-sync", "tim"])
async def test_label_of_others_that_is_not_reported_once_is_left_to_them(
    env: EngineEnv,
    monkeypatch: pytest.MonkeyPatch,
    label: str,
    where: str,
    shows_labels: bool,
) -> None:
    env.plex.knobs = PlexKnobs(labels_on_items=shows_labels, capitalize="none")
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.add_label(item.rating_key, label)
    env.want("rosa", title)
    env.want("tim", title)
    await env.sync()
    carried = {label} if label == "no-sync" else {"tim", "rosa"}
    assert env.labels[item.rating_key] == carried
    rows = ledger_rows(env)
    leave_out(monkeypatch, label, where)
    await env.sync()
    assert env.labels[item.rating_key] == carried
    assert ledger_rows(env) == rows


@pytest.mark.parametrize("shows_labels", [True, False])
@pytest.mark.parametrize("where", ["directory", "carriers"])
async def test_label_of_others_that_is_not_reported_when_it_is_wanted_does_not_become_own(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch, where: str, shows_labels: bool
) -> None:
    env.plex.knobs = PlexKnobs(labels_on_items=shows_labels, capitalize="none")
    await env.sync()
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.add_label(item.rating_key, "tim")
    rows = ledger_rows(env)
    env.want("tim", title)
    leave_out(monkeypatch, "tim", where)
    await env.sync()
    await env.sync()
    assert env.labels[item.rating_key] == {"tim"}
    assert ledger_rows(env) == rows


@pytest.mark.parametrize("shows_labels", [True, False])
@pytest.mark.parametrize("where", ["directory", "carriers"])
async def test_item_that_opted_out_gets_no_label_that_is_new_in_its_library(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch, where: str, shows_labels: bool
) -> None:
    env.plex.knobs = PlexKnobs(labels_on_items=shows_labels, capitalize="none")
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.add_label(item.rating_key, "no-sync")
    user = env.pulsarr.state.add_user("newcomer")
    env.pulsarr.state.want(user.id, title)
    leave_out(monkeypatch, "no-sync", where)
    for _ in range(2):
        await env.sync()
        assert env.labels[item.rating_key] == {"no-sync"}


@pytest.mark.parametrize("mode", RemovedLabelMode)
async def test_every_item_is_read_before_a_label_goes_onto_it(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch, mode: RemovedLabelMode
) -> None:
    env.settings = SyncSettings(removed_label_mode=mode)
    env.plex.stats.reset()
    read = set[str]()

    def check() -> None:
        """Take in what was asked for before anything is written."""
        asked = [one.path for one in env.plex.stats.log if one.route == METADATA_ROUTE]
        read.update(key for path in asked for key in path.rpartition("/")[2].split(","))

    env.recorder.meanwhile = check
    run = await env.sync()
    assert run.added
    assert {one.rating_key for one in run.changes} <= read
    # Nothing carries a label yet, so this server may not tell labels of items: it is asked twice.
    assert env.plex.stats.count("GET", METADATA_ROUTE) <= 2 + 2


async def test_label_of_others_that_someone_removed_is_put_on_as_own(env: EngineEnv) -> None:
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.add_label(item.rating_key, "no-sync")
    env.want("rosa", title)
    await env.sync()
    env.plex.state.remove_label(item.rating_key, "no-sync")
    assert (await env.sync()).added == 1
    assert env.labels[item.rating_key] == {"rosa"}


async def test_label_that_is_off_is_noted_after_a_read_of_its_item(env: EngineEnv) -> None:
    await env.sync()
    key, label = any_own_label(env)
    env.plex.state.remove_label(key, label)
    env.plex.stats.reset()
    assert (await env.sync()).overridden == 1
    asked = [one.path for one in env.plex.stats.log if one.route == METADATA_ROUTE]
    # Beside one that carries a label, to see whether this server tells labels of items.
    (keys,) = (path.rpartition("/")[2].split(",") for path in asked)
    assert key in keys
    assert len(keys) == 2


async def test_label_that_only_the_first_of_two_reads_shows_is_left_to_the_next_run(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    await env.sync()
    key, label = any_own_label(env)
    title = next(
        one
        for one in env.world.catalog
        if key in {item.rating_key for item in env.plex.state.items_of(one)}
    )
    for person in env.pulsarr.state.users():
        env.want(person.name, title)  # so that the item is read for a label that it lacks
    read_items = env.plex_client.labelled

    async def read_late(*args: Any) -> tuple[LabelledItem, ...]:
        env.plex.state.remove_label(key, label)
        return await read_items(*args)

    monkeypatch.setattr(env.plex_client, "labelled", read_late)
    run = await env.sync()
    assert run.added > 0
    assert (run.removed, run.vanished, run.overridden) == (0, 0, 0)
    monkeypatch.undo()
    assert (await env.sync()).overridden == 1


@pytest.mark.parametrize("how", ["carriers", "item"])
async def test_what_cannot_be_read_of_an_item_leaves_its_labels_as_they_are(
    env: EngineEnv, how: str
) -> None:
    title = env.spare()
    env.want("rosa", title)
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    env.pulsarr.state.unwant(env.person("rosa"), title)
    other, label = next(
        (row.rating_key, row.label)
        for row in env.recorder.ledger
        if row.rating_key != item.rating_key
    )
    env.plex.state.remove_label(other, label)
    labels, rows = env.labels, ledger_rows(env)
    if how == "item":
        env.plex.broken_items |= {item.rating_key: "busy", other: "busy"}
    else:
        env.plex.faults.add(Fault("html", route=METADATA_ROUTE, times=None))
    run = await env.sync()
    assert run.status is RunStatus.PARTIAL
    assert GapKind.ITEM in {gap.kind for gap in run.gaps}
    assert (env.labels, ledger_rows(env)) == (labels, rows)
    env.plex.faults.clear()
    env.plex.broken_items.clear()
    await env.sync()
    assert item.rating_key not in env.labels
    assert ledger_rows(env) == (rows - {((item.rating_key, "rosa"), False)}) - {
        ((other, label.casefold()), False)
    } | {((other, label.casefold()), True)}


async def test_server_whose_items_show_no_labels_is_read_twice_before_something_goes(
    env: EngineEnv,
) -> None:
    env.plex.knobs = PlexKnobs(labels_on_items=False)
    title = env.spare()
    env.want("rosa", title)
    await env.sync()
    key, label = any_own_label(env)
    env.plex.state.remove_label(key, label)
    (item,) = env.plex.state.items_of(title)
    env.pulsarr.state.unwant(env.person("rosa"), title)
    env.plex.stats.reset()
    run = await env.sync()
    assert (run.overridden, run.removed) == (1, 1)
    assert item.rating_key not in env.labels
    assert env.plex.stats.count("GET", METADATA_ROUTE) == 2


async def test_deleted_item_is_forgotten_only_when_it_is_not_there_by_its_key_either(
    env: EngineEnv,
) -> None:
    await env.sync()
    key, _ = any_own_label(env)
    env.plex.broken_items[key] = "busy"
    env.plex.faults.add(Fault("left_out", match=r"sections/1/all\?.*includeGuids", times=1))
    await env.sync()
    assert key in env.recorder.ledger.by_item()
    env.plex.broken_items.clear()
    env.plex.state.delete_item(key)
    await env.sync()
    assert key not in env.recorder.ledger.by_item()


# Which item it is


def hand_label(env: EngineEnv, keys: Iterable[str], label: str) -> None:
    """Let somebody put a label on items."""
    for key in keys:
        env.plex.state.add_label(key, label)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("same_keys", [True, False])
async def test_labels_set_by_hand_in_a_library_made_again_are_not_own(
    env: EngineEnv, mode: RemovedLabelMode, same_keys: bool
) -> None:
    env.settings = SyncSettings(removed_label_mode=mode)
    title = env.spare()
    env.want("rosa", title)
    await env.sync()
    for row in list(env.recorder.ledger):
        assert row.uuid
    env.plex.state.rebuild_library("1", same_keys=same_keys)
    env.restart()
    items = [one.rating_key for one in env.plex.state.items.values() if one.section == "1"][:5]
    hand_label(env, items, "Rosa")
    hand_label(env, [one.rating_key for one in env.plex.state.items_of(title)], "Rosa")
    env.pulsarr.state.unwant(env.person("rosa"), title)
    before = {key for key, labels in env.labels.items() if "rosa" in labels}
    for _ in range(2):
        assert (await env.sync()).removed == 0
    assert before <= {key for key, labels in env.labels.items() if "rosa" in labels}
    assert not before & {row.rating_key for row in env.recorder.ledger if row.label == "rosa"}


@pytest.mark.parametrize("mode", MODES)
async def test_label_on_another_item_under_a_key_that_was_used_again_is_not_own(
    env: EngineEnv, mode: RemovedLabelMode
) -> None:
    env.settings = SyncSettings(removed_label_mode=mode)
    title, other = env.spare(), env.spare(in_plex=False)
    env.want("rosa", title)
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.delete_item(item.rating_key)
    env.plex.state.add_item(other, rating_key=item.rating_key, added_at=item.added_at + 7)
    env.plex.state.add_label(item.rating_key, "Rosa")
    run = await env.sync()
    assert run.removed == 0
    assert env.labels[item.rating_key] == {"rosa"}
    assert item.rating_key not in env.recorder.ledger.by_item()


async def test_item_that_became_another_title_loses_its_label_after_a_read_of_it(
    env: EngineEnv,
) -> None:
    env.settings = SyncSettings()
    title, other = env.spare(), env.spare(in_plex=False)
    env.want("rosa", title)
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    guids = tuple(one.replace(":", "://") for one in other.guids)
    env.plex.state.rematch(item.rating_key, guid=other.plex_guid, guids=guids, title=other.title)
    env.plex.stats.reset()
    run = await env.sync()
    assert [change.rating_key for change in run.changes] == [item.rating_key]
    assert env.plex.stats.count("GET", METADATA_ROUTE) == 1


# What was sent


async def test_label_that_shows_late_is_own(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    env.plex.knobs = PlexKnobs(settle=60)
    run = await env.sync()
    assert run.changes == ()
    env.plex.settle()
    env.plex.knobs = PlexKnobs()
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    assert env.labels[item.rating_key] == {"rosa"}
    env.pulsarr.state.unwant(env.person("rosa"), title)
    assert (await env.sync()).removed == 1
    assert item.rating_key not in env.labels


# Records that say less


async def test_labels_that_the_ledger_lacks_are_reported_left_alone_and_taken_in_when_asked_for(
    env: EngineEnv,
) -> None:
    await env.sync()
    older = Ledger(env.recorder.ledger)
    titles: list[CatalogTitle] = []
    for _ in range(4):
        titles.append(env.spare())
        env.want("rosa", titles[-1])
    await env.sync()
    assert (await env.sync()).unknown == ()
    env.recorder.ledger = older
    env.restart()
    run = await env.sync()
    keys = {item.rating_key for title in titles for item in env.plex.state.items_of(title)}
    assert {(row.rating_key, row.label) for row in run.unknown} == {(key, "Rosa") for key in keys}
    assert (run.status, run.changes) == (RunStatus.DONE, ())
    assert not keys & {row.rating_key for row in env.recorder.ledger}
    some = frozenset(row.key for row in run.unknown[:3])
    await env.sync(adopt=some)
    assert {row.key for row in env.recorder.ledger if row.rating_key in keys} == some
    for title in titles:
        env.pulsarr.state.unwant(env.person("rosa"), title)
    assert {one.key for one in (await env.sync(consent=EVERYTHING)).changes} == some


# Rows that nobody can read

ROWS: Final[tuple[FaultKind, ...]] = ("null_row", "keyless_row", "nameless_row")
DIRECTORY_ROWS: Final = (*ROWS, "short_page")  # says how many there are, and lists half of them


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ROWS)
async def test_library_that_cannot_be_read_stops_no_other_and_loses_nothing(
    mode: RemovedLabelMode, kind: FaultKind
) -> None:
    settings = SyncSettings(removed_label_mode=mode)
    async with open_env(remembers=True, settings=settings, missing=0.0) as env:
        await env.sync()
        new, other = env.spare("show"), env.spare("movie")
        for title in (new, other):
            env.want("tim", title)
        labels, rows = env.labels, ledger_rows(env)
        env.plex.faults.add(Fault(kind, route=SECTIONS_ROUTE, times=None))
        for _ in range(2):
            run = await env.sync()
            # The first row is that of the movies. Without a name it is as good as any.
            missing = set() if kind == "nameless_row" else {GapKind.LIBRARY}
            assert {gap.kind for gap in run.gaps} == missing
            assert run.status is (RunStatus.PARTIAL if missing else RunStatus.DONE)
            assert (run.removed, run.lost, run.vanished) == (0, 0, 0)
            for title in (new,) if missing else (new, other):
                for item in env.plex.state.items_of(title):
                    assert "tim" in env.labels[item.rating_key]
            assert all(some <= env.labels[key] for key, some in labels.items())
            assert rows <= ledger_rows(env)
        env.plex.faults.clear()
        run = await env.sync()
        assert run.status is RunStatus.DONE
        assert env.labels == merged(labels, env.wanted())


async def test_former_label_whose_carriers_cannot_be_read_is_not_taken_for_removed_by_hand(
    env: EngineEnv,
) -> None:
    await env.sync()
    tag = str(env.plex.state.tags.find("rosa")[0].id)
    wrong = Fault("busy", route=LISTING_ROUTE, match=rf"label={tag}(&|$)", times=None)
    labels = env.labels
    before = {row.key for row in env.recorder.ledger if fold(row.label) == "rosa"}
    env.plex.knobs = PlexKnobs(labels_on_items=False)
    env.plex.faults.add(wrong)
    env.settings = replace(env.settings, label_format="{username} {type}")
    run = await env.sync()
    assert GapKind.LABEL in {gap.kind for gap in run.gaps}
    assert run.overridden == 0
    assert not any(row.removed_by_user for row in env.recorder.ledger)
    assert before <= {row.key for row in env.recorder.ledger}
    assert all("rosa" in env.labels[key] for key, some in labels.items() if "rosa" in some)
    env.plex.faults.clear()
    assert (await env.sync()).status is RunStatus.DONE
    assert not env.plex.state.carriers("rosa")


@pytest.mark.parametrize("kind", ["null_row", "short_page"])
async def test_library_that_is_named_and_cannot_be_read_is_not_said_to_be_unknown(
    env: EngineEnv, kind: FaultKind
) -> None:
    key = "1" if kind == "null_row" else max(env.plex.state.libraries)
    env.plex.faults.add(Fault(kind, route=SECTIONS_ROUTE, times=None))
    run = await env.sync(libraries=(key,))
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert f"library {key} is not listed" in run.error.detail
    env.plex.faults.clear()
    with pytest.raises(UnknownLibraryError):
        await env.sync(libraries=("no such library",))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", DIRECTORY_ROWS)
@pytest.mark.parametrize("shows_labels", [True, False])
async def test_label_that_cannot_be_read_stops_no_other_and_loses_nothing(
    mode: RemovedLabelMode, kind: FaultKind, shows_labels: bool
) -> None:
    settings = SyncSettings(removed_label_mode=mode)
    async with open_env(remembers=True, settings=settings, missing=0.0) as env:
        env.plex.knobs = PlexKnobs(labels_on_items=shows_labels)
        await env.sync()
        new = env.spare("movie")
        env.want("tim", new)
        by_hand, label = any_own_label(env)
        opted_out = env.spare("movie")
        assert opted_out != new
        for title in (opted_out,):
            env.want("rosa", title)
            for item in env.plex.state.items_of(title):
                env.plex.state.add_label(item.rating_key, "no-sync")
        labels, rows = env.labels, ledger_rows(env)
        env.plex.faults.add(Fault(kind, route=LABEL_ROUTE, times=None))
        for _ in range(2):
            run = await env.sync()
            assert run.status is RunStatus.PARTIAL
            assert {gap.kind for gap in run.gaps} == {GapKind.LABEL}
            assert (run.removed, run.lost, run.vanished) == (0, 0, 0)
            assert all(some <= env.labels[key] for key, some in labels.items())
            assert rows <= ledger_rows(env)
            for item in env.plex.state.items_of(opted_out):
                assert env.labels[item.rating_key] == {"no-sync"}
            if shows_labels:
                for item in env.plex.state.items_of(new):
                    assert "tim" in env.labels[item.rating_key]
        env.plex.faults.clear()
        env.plex.state.remove_label(by_hand, label)
        run = await env.sync()
        assert run.status is RunStatus.DONE
        assert (run.vanished, run.overridden) == (0, 1)
        for item in env.plex.state.items_of(new):
            assert "tim" in env.labels[item.rating_key]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ROWS)
async def test_person_who_cannot_be_read_stops_no_one_else_and_loses_nothing(
    env: EngineEnv, mode: RemovedLabelMode, kind: FaultKind
) -> None:
    env.settings = SyncSettings(removed_label_mode=mode)
    title = env.spare()
    first, second = [one.name for one in env.pulsarr.state.users()][:2]
    env.want(first, title)
    await env.sync()
    labels, rows = env.labels, ledger_rows(env)
    new = env.spare()
    env.want(second, new)
    env.pulsarr.state.unwant(env.person(first), title)
    env.pulsarr.faults.add(Fault(kind, match="users/list", times=None))
    for _ in range(3):
        run = await env.sync()
        assert (run.status, run.error) == (RunStatus.PARTIAL, None)
        assert {gap.kind for gap in run.gaps} == {GapKind.PERSON}
        assert (run.removed, run.lost, run.vanished, run.hold_reasons) == (0, 0, 0, ())
        assert all(some <= env.labels[key] for key, some in labels.items())
        assert rows <= ledger_rows(env)
        (item,) = env.plex.state.items_of(new)
        assert env.labels[item.rating_key] == {fold(second)}
        env.clock.now += 3600
    env.pulsarr.faults.clear()
    run = await env.sync()
    assert run.status is RunStatus.DONE
    (item,) = env.plex.state.items_of(title)
    assert (item.rating_key in env.labels) is (mode is RemovedLabelMode.KEEP)


async def test_item_that_is_listed_and_not_there_by_its_key_is_a_gap(env: EngineEnv) -> None:
    await env.sync()
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.want("rosa", title)
    env.plex.faults.add(Fault("empty", route=METADATA_ROUTE, times=None))
    labels = env.labels
    for _ in range(2):
        run = await env.sync()
        assert run.status is RunStatus.PARTIAL
        assert (GapKind.ITEM, item.rating_key) in {(gap.kind, gap.key) for gap in run.gaps}
        assert env.labels == labels
    env.plex.faults.clear()
    assert (await env.sync()).status is RunStatus.DONE
    assert env.labels[item.rating_key] == {"rosa"}


async def test_wanted_title_that_keeps_only_its_key_costs_no_label_of_an_item_without_one() -> None:
    async with open_env(remembers=True, settings=REMOVE, legacy=0.5, missing=0.0) as env:
        await env.sync()
        labels, rows = env.labels, ledger_rows(env)
        for user in env.pulsarr.state.users():
            for entry in env.pulsarr.state.watchlist(user.id):
                title = next(one for one in env.world.catalog if one.key == entry.catalog_key)
                env.pulsarr.state.want(user.id, title, guids=[])
        for _ in range(2):
            env.clock.now += 400
            run = await env.sync(consent=EVERYTHING)
            assert (run.removed, run.lost) == (0, 0)
        assert all(some <= env.labels[key] for key, some in labels.items())
        assert rows <= ledger_rows(env)


# What it costs


@pytest.mark.parametrize(("missing_labels", "requests"), [(1, 1), (200, 1), (201, 2)])
async def test_removals_cost_one_request_more_for_each_200_items(
    missing_labels: int, requests: int
) -> None:
    world: dict[str, Any] = {
        "movies": 320,
        "shows": 0,
        "people": 1,
        "wanted_in_plex": 280,
        "uhd_library": False,
    }
    async with open_env(settings=REMOVE, foreign_labels=False, missing=0.0, **world) as env:
        await env.sync()
        rosa = env.person("rosa")
        titles = {title.key: title for title in env.world.catalog}
        with_items = count()
        for entry in env.pulsarr.state.watchlist(rosa):
            title = titles[entry.catalog_key]
            if len(env.plex.state.items_of(title)) == 1 and next(with_items) < missing_labels:
                env.pulsarr.state.unwant(rosa, title)
        env.plex.stats.reset()
        run = await env.sync(consent=EVERYTHING)
        assert run.removed == missing_labels
        assert env.plex.stats.count("GET", METADATA_ROUTE) == requests
        assert env.plex.stats.count("GET", LISTING_ROUTE) == 2 + 1 + 1  # lists, carriers, carriers
        assert env.plex.stats.count("GET", LABEL_ROUTE) == 2


@pytest.mark.parametrize("kind", [RunKind.REMOVAL, RunKind.UNDO])
async def test_what_someone_asks_to_take_back_is_read_by_item_as_well(
    env: EngineEnv, kind: RunKind
) -> None:
    run = await env.sync()
    env.plex.stats.reset()
    key = run.changes[0].rating_key
    env.plex.broken_items[key] = "busy"
    back = await env.take_back(run, kind)
    assert back.status is RunStatus.PARTIAL
    assert {*env.labels} == {key}
    rows = list(env.recorder.ledger)
    assert {row.rating_key for row in rows if row.confirmed and not row.removed_by_user} == {key}
    env.plex.broken_items.clear()
    await env.take_back(run, kind)
    assert env.labels == {}


# What somebody asks to take back


def busy_carriers(monkeypatch: pytest.MonkeyPatch, label: str) -> None:
    """Let nobody learn who carries a label."""
    carriers = PlexClient.carriers

    async def of_label(self: PlexClient, library: Library, one: StoredLabel) -> Iterable[str]:
        if fold(one.text) == label:
            raise ServiceError(Service.PLEX, Failure.BUSY, "the database is busy")
        return await carriers(self, library, one)

    monkeypatch.setattr(PlexClient, "carriers", of_label)


@pytest.mark.parametrize("kind", [RunKind.REMOVAL, RunKind.UNDO])
async def test_item_that_may_have_opted_out_is_left_alone_by_what_is_taken_back(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch, kind: RunKind
) -> None:
    env.plex.knobs = PlexKnobs(labels_on_items=False)
    title = env.spare()
    env.want("rosa", title)
    run = await env.sync()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.add_label(item.rating_key, "no-sync")
    labels = env.labels
    with monkeypatch.context() as patch:
        busy_carriers(patch, "no-sync")
        await env.take_back(run, kind)
    assert env.labels[item.rating_key] == labels[item.rating_key]
    await env.take_back(run, kind)
    assert env.labels == {item.rating_key: labels[item.rating_key]}


async def test_undo_brings_no_label_to_another_item_under_a_key_that_was_used_again(
    env: EngineEnv,
) -> None:
    title, other = env.spare(), env.spare(in_plex=False)
    env.want("rosa", title)
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    env.pulsarr.state.unwant(env.person("rosa"), title)
    run = await env.sync()
    env.plex.state.delete_item(item.rating_key)
    env.plex.state.add_item(other, rating_key=item.rating_key, added_at=item.added_at + 7)
    undone = await env.take_back(run)
    assert (undone.added, undone.skipped) == (0, 1)
    assert item.rating_key not in env.labels


async def test_undo_removes_no_label_from_another_item_under_a_key_that_was_used_again(
    env: EngineEnv,
) -> None:
    title, other = env.spare(), env.spare(in_plex=False)
    env.want("rosa", title)
    run = await env.sync()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.delete_item(item.rating_key)
    env.plex.state.add_item(other, rating_key=item.rating_key, added_at=item.added_at + 7)
    hand_label(env, [item.rating_key], "Rosa")
    undone = await env.take_back(run)
    assert (undone.removed, undone.skipped) == (run.added - 1, 1)
    assert env.labels[item.rating_key] == {"rosa"}


async def test_undo_leaves_an_item_alone_that_may_be_another_one_by_its_title(
    env: EngineEnv,
) -> None:
    title = env.spare()
    env.want("rosa", title)
    await env.sync()
    env.pulsarr.state.set_alias(env.person("rosa"), "Rosalind")
    env.settings = replace(env.settings, label_format="{alias}")
    run = await env.sync()
    (item,) = env.plex.state.items_of(title)
    assert env.labels[item.rating_key] == {"rosalind"}
    env.plex.state.rematch(
        item.rating_key, guid=item.guid, guids=item.guids, title=f"{item.title}, Restored"
    )
    undone = await env.take_back(run)
    # Neither half of the replacement: the item would end up with neither label.
    assert undone.skipped == 2
    assert env.labels[item.rating_key] == {"rosalind"}


async def test_label_that_shows_after_the_title_is_unwanted_is_own(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    env.plex.knobs = PlexKnobs(settle=60)
    assert (await env.sync()).changes == ()
    env.pulsarr.state.unwant(env.person("rosa"), title)
    await env.sync()
    env.plex.settle()
    env.plex.knobs = PlexKnobs()
    assert (await env.sync()).removed == 1
    (item,) = env.plex.state.items_of(title)
    assert item.rating_key not in env.labels
