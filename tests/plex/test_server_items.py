"""Single items: which are there, with all their labels, and those with a text in their title."""

from dataclasses import replace

import pytest

from custom_components.plex_label_sync.plex.limits import PlexLimits
from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.model import Failure, Gap, GapKind, ServiceError
from simulators.http import FaultKind
from simulators.plex import Fault, PlexKnobs, PlexSimulator
from simulators.plex.render import BrokenHow
from simulators.plex.server import LISTING_ROUTE, METADATA_ROUTE

from .conftest import MOVIES, MakeClient


def some_keys(plex: PlexSimulator, count: int) -> list[str]:
    """Return the rating keys of a few items of both libraries."""
    return sorted(plex.state.items, key=int)[:: len(plex.state.items) // count][:count]


async def test_items_are_reported_with_all_their_labels_and_ids(
    plex: PlexSimulator, client: PlexClient
) -> None:
    keys = some_keys(plex, 4)
    for label in ("Anna", "By hand"):
        plex.state.add_label(keys[0], label)

    found = {one.item.rating_key: one for one in await client.labelled(keys)}

    assert set(found) == set(keys)
    for key, one in found.items():
        item = plex.state.items[key]
        assert set(one.labels) == set(item.labels)
        assert (one.item.library, one.item.type, one.item.title) == (
            item.section,
            item.type,
            item.title,
        )
        assert any(some.startswith("plex:") for some in one.item.ids)
    assert len(found[keys[0]].labels) == 2


async def test_item_that_is_as_it_was_is_the_same_object(
    plex: PlexSimulator, client: PlexClient
) -> None:
    same, added_again, renamed = some_keys(plex, 3)
    known = {one.item.rating_key: one.item for one in await client.labelled([same, renamed])}
    (later,) = await client.labelled([added_again])
    known[added_again] = replace(later.item, added=later.item.added + 1)
    plex.state.add_label(same, "Anna")
    plex.state.items[renamed].title += "!"

    found = {
        one.item.rating_key: one
        for one in await client.labelled([same, added_again, renamed], None, known)
    }

    assert found[same].item is known[same]
    assert "Anna" in found[same].labels
    assert found[added_again] == later
    assert found[added_again].item.added == later.item.added
    assert found[renamed].item.title == known[renamed].title + "!"


@pytest.mark.parametrize("method", ["labelled", "rated"])
async def test_many_items_are_asked_for_in_few_requests(
    plex: PlexSimulator, make_client: MakeClient, method: str
) -> None:
    client = make_client(plex.url, limits=PlexLimits(items_per_request=3))
    keys = some_keys(plex, 7)
    plex.stats.reset()

    found = await getattr(client, method)([*keys, "999999"])

    assert len(found) == 7
    assert plex.stats.total == 3


@pytest.mark.parametrize("method", ["labelled", "rated"])
async def test_items_that_are_not_there_are_left_out(client: PlexClient, method: str) -> None:
    assert not await getattr(client, method)(["999998", "999999"])


@pytest.mark.parametrize("method", ["labelled", "rated"])
async def test_empty_answer_does_not_say_that_items_are_gone(
    plex: PlexSimulator, client: PlexClient, method: str
) -> None:
    keys = some_keys(plex, 4)
    plex.faults.add(Fault("empty", route=METADATA_ROUTE, times=None))
    gaps: list[Gap] = []
    assert await labelled(client, keys, gaps, method) == set()
    assert {gap.key for gap in gaps} == set(keys)
    with pytest.raises(ServiceError) as refused:
        await getattr(client, method)(keys)
    assert refused.value.failure is Failure.IMPLAUSIBLE


@pytest.mark.parametrize("method", ["labelled", "rated"])
@pytest.mark.parametrize("kind", ["truncated", "short_page"])
async def test_cut_answer_about_items_is_refused(
    plex: PlexSimulator, client: PlexClient, method: str, kind: FaultKind
) -> None:
    plex.faults.add(Fault(kind, route="/library/metadata/{ids}", times=None))
    with pytest.raises(ServiceError) as refused:
        await getattr(client, method)(some_keys(plex, 4))
    assert refused.value.failure is Failure.IMPLAUSIBLE


async def test_items_are_found_by_a_part_of_their_title_in_any_case(
    plex: PlexSimulator, client: PlexClient
) -> None:
    item = next(one for one in plex.state.items.values() if one.section == MOVIES.key)
    plex.stats.reset()

    found = await client.with_title(MOVIES, item.title.upper()[1:], 50)

    assert item.rating_key in {one.rating_key for one in found}
    assert plex.stats.total == 1


async def test_no_more_titles_are_returned_than_asked_for(client: PlexClient) -> None:
    assert await client.with_title(MOVIES, "no such title at all", 50) == ()
    assert len(await client.with_title(MOVIES, "e", 5)) == 5


# Items that cannot be read


async def labelled(
    client: PlexClient, keys: list[str], gaps: list[Gap], method: str = "labelled"
) -> set[str]:
    """Return the rating keys of what is told."""
    return {one.item.rating_key for one in await getattr(client, method)(keys, gaps.append)}


@pytest.mark.parametrize("method", ["labelled", "rated"])
@pytest.mark.parametrize("places", [(0,), (3,), (7,), (2, 6), (0, 1, 7), range(8)])
async def test_item_that_fails_for_ever_costs_no_other_one(
    plex: PlexSimulator, client: PlexClient, places: tuple[int, ...], method: str
) -> None:
    keys = some_keys(plex, 8)
    bad = [keys[place] for place in places]
    plex.broken_items |= dict.fromkeys(bad, "busy")
    gaps: list[Gap] = []
    plex.stats.reset()
    assert await labelled(client, keys, gaps, method) == set(keys) - set(bad)
    assert gaps == [Gap(GapKind.ITEM, key, key, Failure.BUSY) for key in bad]
    # Three tries, whether the server is there, and halves: two for each time that eight halve.
    assert plex.stats.total <= 3 + 1 + len(places) * 2 * 3
    with pytest.raises(ServiceError) as refused:
        await getattr(client, method)(keys)
    assert refused.value.failure is Failure.BUSY


@pytest.mark.parametrize("method", ["labelled", "rated"])
@pytest.mark.parametrize("how", ["wrong_types", "bad_guid"])
async def test_item_whose_row_cannot_be_understood_costs_no_other_one(
    plex: PlexSimulator, client: PlexClient, how: BrokenHow, method: str
) -> None:
    keys = some_keys(plex, 8)
    plex.broken_items[keys[3]] = how
    gaps: list[Gap] = []
    plex.stats.reset()
    assert await labelled(client, keys, gaps, method) == set(keys) - {keys[3]}
    assert gaps == [Gap(GapKind.ITEM, keys[3], keys[3], Failure.IMPLAUSIBLE)]
    assert plex.stats.total == 1
    with pytest.raises(ServiceError) as refused:
        await getattr(client, method)(keys)
    assert refused.value.failure is Failure.IMPLAUSIBLE


async def test_row_without_a_key_makes_unknown_whatever_it_may_be(
    plex: PlexSimulator, client: PlexClient
) -> None:
    keys = some_keys(plex, 8)
    plex.broken_items[keys[3]] = "no_key"
    gaps: list[Gap] = []
    assert await labelled(client, [*keys, "999999"], gaps) == set(keys) - {keys[3]}
    assert {gap.key for gap in gaps} == {keys[3], "999999"}


@pytest.mark.parametrize("kind", ["busy", "html", "truncated", "headless", "drop"])
async def test_that_no_item_can_be_read_is_found_out_in_few_requests(
    plex: PlexSimulator, make_client: MakeClient, kind: FaultKind
) -> None:
    client = make_client(plex.url, limits=PlexLimits(items_per_request=16))
    plex.faults.add(Fault(kind, route=METADATA_ROUTE, times=None))
    keys = some_keys(plex, 40)
    gaps: list[Gap] = []
    plex.stats.reset()
    assert await labelled(client, keys, gaps) == set()
    assert {gap.key for gap in gaps} == set(keys)
    assert plex.stats.total < 60


@pytest.mark.parametrize("kind", ["unauthorized", "unavailable", "throttled"])
async def test_server_that_answers_nothing_is_not_asked_item_by_item(
    plex: PlexSimulator, client: PlexClient, kind: FaultKind
) -> None:
    plex.faults.add(Fault(kind, times=None))
    gaps: list[Gap] = []
    with pytest.raises(ServiceError):
        await labelled(client, some_keys(plex, 8), gaps)
    assert not gaps
    assert plex.stats.total <= 4


async def test_only_so_much_is_spent_on_items_that_cannot_be_read(
    plex: PlexSimulator, make_client: MakeClient
) -> None:
    client = make_client(plex.url, limits=PlexLimits(lookup_extra=4))
    keys = some_keys(plex, 32)
    plex.broken_items |= dict.fromkeys(keys[::2], "busy")
    plex.broken_items.pop(keys[0])
    gaps: list[Gap] = []
    plex.stats.reset()
    found = await labelled(client, keys, gaps)
    assert found | {gap.key for gap in gaps} == set(keys)
    assert set(keys[2::2]) <= {gap.key for gap in gaps}
    assert plex.stats.total < 20


async def test_item_that_could_not_be_read_is_asked_for_by_itself_from_then_on(
    plex: PlexSimulator, client: PlexClient
) -> None:
    keys = some_keys(plex, 32)
    plex.broken_items[keys[5]] = "busy"
    await labelled(client, keys, [])
    assert client.unreadable == {keys[5]}
    for _ in range(2):
        gaps: list[Gap] = []
        plex.stats.reset()
        assert await labelled(client, keys, gaps) == {*keys} - {keys[5]}
        assert gaps == [Gap(GapKind.ITEM, keys[5], keys[5], Failure.BUSY)]
        assert plex.stats.count("GET", METADATA_ROUTE) == 2  # the others, and it
        assert plex.stats.total == 3  # and whether the server is there
    plex.broken_items.clear()
    for requests in (2, 1):
        plex.stats.reset()
        assert await labelled(client, keys, []) == {*keys}
        assert plex.stats.total == requests
    assert not client.unreadable


async def test_items_that_could_not_be_read_are_asked_for_in_turn(
    plex: PlexSimulator, make_client: MakeClient
) -> None:
    client = make_client(plex.url, limits=PlexLimits(lookup_again=3))
    keys = some_keys(plex, 16)
    bad = keys[:8]
    plex.broken_items |= dict.fromkeys(bad, "busy")
    await labelled(client, keys, [])
    assert client.unreadable == {*bad}
    asked: set[str] = set()
    for _ in range(3):
        gaps: list[Gap] = []
        plex.stats.reset()
        assert await labelled(client, keys, gaps) == {*keys} - {*bad}
        assert {gap.key for gap in gaps} == {*bad}
        assert plex.stats.total <= 1 + 1 + 3
        asked |= {one.path.rpartition("/")[2] for one in plex.stats.log}
    assert {*bad} <= asked
    plex.broken_items.clear()
    plex.stats.reset()
    assert await labelled(client, keys, []) == {*keys}
    assert plex.stats.total <= 1 + 4  # 1, 2, 4 and the last one


async def test_item_that_is_gone_is_no_longer_asked_for_by_itself(
    plex: PlexSimulator, client: PlexClient
) -> None:
    keys = some_keys(plex, 4)
    plex.broken_items[keys[0]] = "busy"
    await labelled(client, keys, [])
    plex.broken_items.clear()
    plex.state.delete_item(keys[0])
    gaps: list[Gap] = []
    assert await labelled(client, keys, gaps) == {*keys[1:]}
    assert not gaps
    assert not client.unreadable


async def test_items_are_asked_for_without_checking_their_files(
    plex: PlexSimulator, client: PlexClient
) -> None:
    keys = some_keys(plex, 4)
    await client.labelled(keys)
    await client.rated(keys)
    asked = [entry.query for entry in plex.stats.log if entry.route == METADATA_ROUTE]
    assert len(asked) == 2
    assert all("skipRefresh=1" in query for query in asked)


async def test_row_that_was_not_asked_for_is_not_reported(
    plex: PlexSimulator, client: PlexClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = some_keys(plex, 2)
    monkeypatch.setattr(plex.state.items[other], "rating_key", "424242")
    assert [found.item.rating_key for found in await client.labelled([one, other])] == [one]
    monkeypatch.undo()


@pytest.mark.parametrize("places", [(0,), (7,), (20,), (0, 19)])
async def test_unreadable_row_costs_no_other_one_of_the_newest(
    plex: PlexSimulator, client: PlexClient, places: tuple[int, ...]
) -> None:
    rows, total = await client.newest(MOVIES, 50)
    bad = {rows[place].rating_key for place in places}
    plex.broken_items |= dict.fromkeys(bad, "busy")
    gaps: list[Gap] = []
    plex.stats.reset()
    found = tuple(row for row in rows if row.rating_key not in bad)
    assert await client.newest(MOVIES, 50, gaps.append) == (found, total)
    # The rows as a whole listing counts them.
    assert {gap.key for gap in gaps} == {f"{MOVIES.key}:{total - 1 - place}" for place in places}
    assert all(gap.kind is GapKind.PAGE for gap in gaps)
    assert plex.stats.total <= 3 + 1 + 2 * 6 * len(places)
    # From then on they are read by themselves.
    plex.stats.reset()
    assert (await client.newest(MOVIES, 50, gaps.append))[0] == found
    assert plex.stats.total <= 1 + 1 + 2 * len(places)
    assert {gap.key for gap in gaps} == {f"{MOVIES.key}:{total - 1 - place}" for place in places}
    with pytest.raises(ServiceError) as refused:
        await client.newest(MOVIES, 50)
    assert refused.value.failure is Failure.BUSY
    assert await client.newest(MOVIES, 0) == ((), total)


async def test_newest_rows_that_all_fail_are_given_up_in_few_requests(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.faults.add(Fault("busy", route=LISTING_ROUTE, times=None))
    gaps: list[Gap] = []
    plex.stats.reset()
    with pytest.raises(ServiceError) as refused:
        await client.newest(MOVIES, 200, gaps.append)
    assert refused.value.failure is Failure.BUSY
    assert not gaps
    assert plex.stats.total <= 40


# Items whose rows do not tell where they are


async def test_library_of_an_item_is_found_where_rows_do_not_report_it(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.knobs = PlexKnobs(section_on_row=False)
    keys = some_keys(plex, 8)
    sections = {key: plex.state.items[key].section for key in keys}

    async def places() -> dict[str, str]:
        found = await client.labelled(keys)
        return {one.item.rating_key: one.item.library for one in found}

    assert len(set(sections.values())) == 2
    assert await places() == sections  # by asking again in parts
    assert await places() == sections
    await client.libraries()
    plex.stats.reset()
    assert await places() == sections  # one library of each type
    assert plex.stats.total == 1


async def test_library_of_an_item_is_remembered_from_the_listing_where_rows_do_not_report_it(
    plex: PlexSimulator, client: PlexClient
) -> None:
    for key in list(plex.state.items)[::2]:
        if plex.state.items[key].section == "1":
            title = plex.state.items[key].origin
            assert title is not None
            other = plex.state.libraries.get("9") or plex.state.add_library(
                replace(plex.state.libraries["1"], key="9", title="More")
            )
            plex.state.add_item(title, other.key)
    plex.knobs = PlexKnobs(section_on_row=False)
    keys = [key for key, item in plex.state.items.items() if item.type == "movie"]
    libraries = await client.libraries()
    gaps: list[Gap] = []
    await client.labelled(keys, gaps.append)
    for library in libraries:
        async for _ in client.pages(library, len):
            pass
    plex.stats.reset()
    found = await client.labelled(keys)
    assert {one.item.rating_key: one.item.library for one in found} == {
        key: plex.state.items[key].section for key in keys
    }
    assert plex.stats.total == 1
