"""The reads of a run, where a real server cannot show what may happen."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

import pytest

from custom_components.plex_label_sync.sync.failures import FAILURES
from custom_components.plex_label_sync.sync.gaps import Gaps
from custom_components.plex_label_sync.sync.label_reader import LabelReader
from custom_components.plex_label_sync.sync.list_reader import PULSARR_READERS, read_watchlists
from custom_components.plex_label_sync.sync.model import (
    Failure,
    Gap,
    GapKind,
    Library,
    Person,
    Service,
    ServiceError,
    StoredLabel,
    Title,
)
from custom_components.plex_label_sync.sync.person_id import PersonId, own_id, pulsarr_id

from .builders import ANNA, BEN, MOVIE, movie, texts

if TYPE_CHECKING:
    from custom_components.plex_label_sync.sync.ports import PlexPort

MOVIES = Library("1", MOVIE, "Movies")
ANNAS = StoredLabel("20481", "Anna")


class Lists:
    """A Pulsarr whose answers a test writes; counts what is asked at the same time."""

    def __init__(self, *people: Person, broken: Mapping[PersonId, Failure] | None = None) -> None:
        self._people = people
        self._broken = broken or {}
        self._under_way = 0
        self.peak = 0
        self.answered: list[PersonId] = []

    async def people(self, *, on_gap: Callable[[Gap], object] | None = None) -> tuple[Person, ...]:
        """Return everybody."""
        assert on_gap is not None
        return self._people

    async def watchlist(
        self, person_id: PersonId, *, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[Title, ...]:
        """Return one movie for each person, after a while."""
        assert on_gap is not None
        self._under_way += 1
        self.peak = max(self.peak, self._under_way)
        try:
            if person_id in self._broken:
                raise ServiceError(Service.PULSARR, self._broken[person_id], f"no list {person_id}")
            await asyncio.sleep(0.001)
        finally:
            self._under_way -= 1
        self.answered.append(person_id)
        return (movie(f"tmdb:{own_id(person_id)}"),)


def crowd(count: int) -> tuple[Person, ...]:
    """Return many people."""
    return tuple(Person(pulsarr_id(number), f"person {number}") for number in range(1, count + 1))


async def test_everybodys_watchlist_is_read() -> None:
    lists = await read_watchlists(Lists(ANNA, BEN), lambda: 70.0)
    assert lists.people == (ANNA, BEN)
    assert dict(lists.titles) == {
        pulsarr_id(1): (movie("tmdb:1"),),
        pulsarr_id(2): (movie("tmdb:2"),),
    }
    assert lists.read_at == 70.0


async def test_no_one_has_no_watchlists() -> None:
    lists = await read_watchlists(Lists(), lambda: 0.0)
    assert (lists.people, lists.titles) == ((), {})


async def test_no_more_than_a_few_watchlists_are_read_at_a_time() -> None:
    pulsarr = Lists(*crowd(20))
    lists = await read_watchlists(pulsarr, lambda: 0.0)
    assert lists.titles.keys() == set(map(pulsarr_id, range(1, 21)))
    assert pulsarr.peak == PULSARR_READERS


async def test_watchlists_are_as_old_as_the_first_question() -> None:
    times = iter((10.0, 20.0, 30.0))
    assert (await read_watchlists(Lists(ANNA), lambda: next(times))).read_at == 10.0


async def test_person_who_is_listed_twice_cannot_be_true() -> None:
    with pytest.raises(ServiceError, match="listed twice") as caught:
        await read_watchlists(Lists(ANNA, BEN, Person(pulsarr_id(1), "anna again")), lambda: 0.0)
    assert caught.value.failure is Failure.IMPLAUSIBLE


async def test_watchlist_that_cannot_be_read_is_unread_and_the_others_are_read() -> None:
    lists = await read_watchlists(
        Lists(*crowd(40), broken={pulsarr_id(6): Failure.BUSY}), lambda: 0.0
    )
    assert lists.titles.keys() == set(map(pulsarr_id, range(1, 41))) - {pulsarr_id(6)}
    assert lists.unread == {pulsarr_id(6): Failure.BUSY}


async def test_not_one_watchlist_that_can_be_read_is_a_failure() -> None:
    with pytest.raises(ServiceError, match="no list"):
        await read_watchlists(
            Lists(ANNA, BEN, broken={pulsarr_id(1): Failure.BUSY, pulsarr_id(2): Failure.BUSY}),
            float,
        )


@pytest.mark.parametrize(
    "failure",
    [failure for failure, one in FAILURES.items() if one.ends_run and not one.reauth],
)
async def test_pulsarr_that_is_away_stops_the_others(failure: Failure) -> None:
    pulsarr = Lists(*crowd(40), broken=dict.fromkeys(map(pulsarr_id, range(6, 12)), failure))
    with pytest.raises(ServiceError, match="no list"):
        await read_watchlists(pulsarr, lambda: 0.0)
    assert len(pulsarr.answered) < 20
    before = len(pulsarr.answered)
    await asyncio.sleep(0.02)
    assert len(pulsarr.answered) == before


@pytest.mark.parametrize(
    "failure", [Failure.CANNOT_CONNECT, Failure.RATE_LIMITED, Failure.INVALID_AUTH]
)
async def test_list_that_is_refused_alone_is_no_pulsarr_that_refuses_everything(
    failure: Failure,
) -> None:
    broken = dict.fromkeys(map(pulsarr_id, (6, 20, 30)), failure)
    lists = await read_watchlists(Lists(*crowd(40), broken=broken), lambda: 0.0)
    assert lists.unread == broken
    assert len(lists.titles) == 37
    with pytest.raises(ServiceError) as caught:
        await read_watchlists(
            Lists(ANNA, BEN, broken={pulsarr_id(1): failure, pulsarr_id(2): failure}), float
        )
    assert caught.value.failure is failure


async def test_list_of_someone_without_a_name_is_not_read() -> None:
    pulsarr = Lists(ANNA, Person(pulsarr_id(2), ""))
    lists = await read_watchlists(pulsarr, lambda: 0.0)
    assert pulsarr.answered == [pulsarr_id(1)]
    assert lists.unread == {pulsarr_id(2): Failure.IMPLAUSIBLE}


async def test_people_without_any_name_cannot_be_true() -> None:
    with pytest.raises(ServiceError, match="no user has a name") as caught:
        await read_watchlists(
            Lists(Person(pulsarr_id(1), ""), Person(pulsarr_id(2), "")), lambda: 0.0
        )
    assert caught.value.failure is Failure.IMPLAUSIBLE


async def test_list_of_someone_to_skip_is_not_read() -> None:
    pulsarr = Lists(ANNA, BEN, broken={pulsarr_id(2): Failure.BUSY})
    lists = await read_watchlists(pulsarr, lambda: 0.0, skip=lambda _: {pulsarr_id(2)})
    assert lists.titles.keys() == {pulsarr_id(1)}
    assert not lists.unread


class Labelled:
    """A Plex library with one label, whose counts need not fit together."""

    def __init__(self, carriers: int, without: int) -> None:
        self._carriers = carriers
        self._without = without

    async def labels(
        self, _library: Library, _on_gap: Callable[[Gap], object]
    ) -> tuple[StoredLabel, ...]:
        """Return the one label."""
        return (ANNAS,)

    async def carriers(self, _library: Library, _label: StoredLabel) -> frozenset[str]:
        """Return so many items."""
        return frozenset(map(str, range(self._carriers)))

    async def count_without(self, _library: Library, _label: StoredLabel) -> int:
        """Return how many other items there are said to be."""
        return self._without


@pytest.mark.parametrize(
    ("carriers", "without", "believed"),
    [
        (0, 5, True),
        (4, 1, True),
        (5, 0, True),  # everything carries it, and nothing lacks it
        (5, 5, False),  # the filter was ignored, both ways
        (5, 1, False),
        (6, 0, False),  # more than the library holds
    ],
)
async def test_that_everything_carries_a_label_is_believed_only_when_nothing_lacks_it(
    carriers: int, without: int, believed: bool
) -> None:
    gaps = Gaps()
    reader = LabelReader(cast("PlexPort", Labelled(carriers, without)), [MOVIES], {"1": 5}, gaps)
    present = await reader.read([("1", "anna")])
    assert present.knows("1", "7", "Anna") is believed
    assert len(texts(present)) == (carriers if believed else 0)
    gap = Gap(GapKind.LABEL, "1/Anna", "Anna", Failure.IMPLAUSIBLE)
    assert list(gaps) == ([] if believed else [gap])
