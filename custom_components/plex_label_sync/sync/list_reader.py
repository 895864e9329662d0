"""Reads everyone's watchlist, so that an unreadable one does not affect the others."""

from collections.abc import Callable, Container, Iterable
from typing import Final

from .failures import FAILURES
from .jobs import gather_fail_fast
from .model import ROW, Failure, Gap, GapKind, Person, Service, ServiceError, Title, Watchlists
from .person_id import PersonId
from .ports import PulsarrPort
from .watchlist_changes import either

PULSARR_READERS: Final = 4  # requests in flight; Pulsarr limits them per address
UNAVAILABLE_AFTER: Final = 3  # consecutive lists that are refused, or break the connection


class Refusals:
    """Distinguishes single lists that are refused from a server that refuses everything.

    Pulsarr has just returned its users, so one refusal may be about one list.
    """

    def __init__(self) -> None:
        """Start without any refusal."""
        self._in_a_row = 0

    def answered(self) -> None:
        """Record that a list could be read."""
        self._in_a_row = 0

    def may_be_the_list(self, err: ServiceError) -> bool:
        """Record a failure; return whether it may be about this list only."""
        known = FAILURES[err.failure]
        if not known.ends_run or known.reauth:
            return True  # trying the others costs one request each
        if not known.passes:
            return False
        self._in_a_row += 1
        return self._in_a_row < UNAVAILABLE_AFTER


async def read_watchlists(
    pulsarr: PulsarrPort,
    clock: Callable[[], float],
    on_people: Callable[[tuple[Person, ...]], object] = lambda _: None,
    skip: Callable[[tuple[Person, ...]], Container[PersonId]] = lambda _: frozenset(),
    *,
    known: Watchlists | None = None,
    missing: Callable[[tuple[Person, ...]], Iterable[Person]] = lambda _: (),
) -> Watchlists:
    """Return everyone's watchlist, except those of people to `skip`.

    A list that cannot be read is `unread`, as is that of a person without a name; one that can be
    read in part is completed with its titles in `known`. `on_people` receives the people as soon as
    they are known. Each of the people who are `missing` among them is requested by id: one who
    still exists was left out of the response.

    Raises ServiceError when Pulsarr cannot be read, returns no usable people, or none of their
    lists.
    """
    read_at = clock()
    people, gaps = await _read_people(pulsarr)
    on_people(people)
    gaps += [
        Gap(GapKind.PERSON, f"{ROW}{one.username}", one.username, Failure.IMPLAUSIBLE)
        for one in missing(people)
        if not await is_gone(pulsarr, one)
    ]
    titles: dict[PersonId, tuple[Title, ...]] = {}
    failures: dict[PersonId, ServiceError] = {
        person.id: ServiceError(Service.PULSARR, Failure.IMPLAUSIBLE, "a user has no name")
        for person in people
        if not person.username
    }
    skipped = skip(people)
    waiting = iter([one for one in people if one.id not in skipped and one.id not in failures])

    refusals = Refusals()
    bad_rows: dict[PersonId, int] = {}

    async def read_some() -> None:
        for person in waiting:
            bad: list[Gap] = []
            try:
                titles[person.id] = await pulsarr.watchlist(person.id, on_gap=bad.append)
                refusals.answered()
            except ServiceError as err:
                if not refusals.may_be_the_list(err):
                    raise
                failures[person.id] = err
            else:
                bad_rows.update((person.id, gap.rows) for gap in bad)

    await gather_fail_fast(read_some() for _ in range(min(PULSARR_READERS, len(people))))
    if failures and not titles:
        raise next(iter(failures.values()))
    unread = {number: err.failure for number, err in failures.items()}
    unread |= dict.fromkeys(bad_rows, Failure.IMPLAUSIBLE)
    for one in bad_rows:
        titles[one] = either(titles[one], () if known is None else known.titles.get(one, ()))
    return Watchlists(people, titles, read_at, unread, gaps=tuple(gaps), bad_rows=bad_rows)


async def _read_people(pulsarr: PulsarrPort) -> tuple[tuple[Person, ...], list[Gap]]:
    """Return all people, and the rows of people that could not be read. Raises ServiceError."""
    gaps: list[Gap] = []
    people = await pulsarr.people(on_gap=gaps.append)
    if len({person.id for person in people}) != len(people):
        raise ServiceError(Service.PULSARR, Failure.IMPLAUSIBLE, "a user is listed twice")
    if (people or gaps) and not any(person.username for person in people):
        raise ServiceError(Service.PULSARR, Failure.IMPLAUSIBLE, "no user has a name")
    return people, gaps


async def is_gone(pulsarr: PulsarrPort, person: Person) -> bool:
    """Return whether Pulsarr reports by id that a person no longer exists."""
    try:
        await pulsarr.watchlist(person.id, on_gap=lambda _: None)
    except ServiceError as err:
        return err.failure is Failure.NOT_FOUND
    return False
