"""Which watchlists are read when, and what is taken over: nothing is missed, nothing is overdone."""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.sync.model import MediaType, Person, Title, Watchlists
from custom_components.plex_label_sync.sync.person_id import PersonId, pulsarr_id
from custom_components.plex_label_sync.sync.watchlist_changes import (
    LISTS_MAX,
    NEVER,
    POLL_INTERVAL,
    ROUND,
    ROUND_WITHOUT_COUNTS,
    SHRUNK_MIN,
    Turn,
    UncoveredTitles,
    changed_titles,
    is_doubtful,
    lists_to_read,
    merged,
    moved,
)

TITLES = [Title(MediaType.MOVIE, f"t{n}", frozenset({f"tmdb:{n}"})) for n in range(1, 31)]
ids = st.integers(1, 8).map(pulsarr_id)
lists_of = st.dictionaries(
    ids, st.lists(st.sampled_from(TITLES), unique=True).map(tuple), max_size=6
)


def people(lists: Mapping[PersonId, tuple[Title, ...]]) -> tuple[Person, ...]:
    return tuple(Person(n, f"p{n}", uuid=f"u{n}", wanted=len(some)) for n, some in lists.items())


def watchlists(lists: Mapping[PersonId, tuple[Title, ...]]) -> Watchlists:
    return Watchlists(people(lists), lists, 0.0)


def crowd(count: int, *, counted: bool = True) -> Watchlists:
    some = [
        Person(pulsarr_id(n), f"p{n}", wanted=3 if counted else None) for n in range(1, count + 1)
    ]
    return Watchlists(tuple(some), {one.id: () for one in some}, 0.0)


@given(st.integers(1, 150), st.booleans())
def test_every_list_is_read_in_its_turn_and_a_quiet_minute_costs_few_requests(
    count: int, counted: bool
) -> None:
    known = crowd(count, counted=counted)
    time_for_all = ROUND if counted else ROUND_WITHOUT_COUNTS
    turns = {person.id: Turn(0.0) for person in known.people}
    for poll in range(1, 60):
        now = poll * POLL_INTERVAL
        requested = lists_to_read(known.people, known, turns, now)
        assert len(requested) == min(ceil(count * POLL_INTERVAL / time_for_all), LISTS_MAX)
        turns |= {one: Turn(now) for one in requested}
        assert all(now - turn.requested <= time_for_all for turn in turns.values())


def test_twenty_people_cost_two_requests_a_minute() -> None:
    known = crowd(20)
    turns = {person.id: Turn(0.0) for person in known.people}
    assert len(lists_to_read(known.people, known, turns, POLL_INTERVAL)) == 1


@given(lists_of, st.data())
def test_list_of_another_length_or_of_a_newcomer_is_read_at_once(
    lists: dict[PersonId, tuple[Title, ...]], data: st.DataObject
) -> None:
    known = watchlists(lists)
    now = [
        replace(person, wanted=data.draw(st.sampled_from([person.wanted, 99])))
        for person in known.people
    ]
    new = [Person(pulsarr_id(50 + n), "new", wanted=n) for n in range(data.draw(st.integers(0, 3)))]
    turns = {person.id: Turn(0.0) for person in known.people}
    requested = lists_to_read([*now, *new], known, turns, 1.0)
    changed = {one.id for one in now if one.wanted == 99} | {one.id for one in new}
    assert changed <= set(requested)
    assert len(set(requested) - changed) <= 1
    assert len(set(requested)) == len(requested)


@given(lists_of, st.sets(ids))
def test_urgent_lists_are_read_in_any_case_and_first(
    lists: dict[PersonId, tuple[Title, ...]], urgent: set[PersonId]
) -> None:
    known = watchlists(lists)
    requested = lists_to_read(known.people, known, {}, 0.0, urgent)
    first = urgent & lists.keys()
    assert set(requested[: len(first)]) == first


@given(st.integers(1, 40))
def test_list_that_cannot_be_read_rests_longer_each_time_but_not_for_ever(failures: int) -> None:
    assert Turn(0.0).is_ready(0.0)
    assert NEVER.is_ready(0.0)
    turn, later = Turn(0.0, failures), Turn(0.0, failures + 1)
    assert not turn.is_ready(POLL_INTERVAL - 1)
    assert turn.is_ready(ROUND)
    assert all(turn.is_ready(now) for now in (POLL_INTERVAL * 4, ROUND) if later.is_ready(now))


def test_many_changes_at_once_are_read_in_parts() -> None:
    known = crowd(LISTS_MAX * 2)
    now = [replace(person, wanted=7) for person in known.people]
    assert len(lists_to_read(now, known, {}, 0.0)) == LISTS_MAX


@given(lists_of, lists_of)
def test_merging_takes_over_what_was_read_and_leaves_people_to_the_full_sync(
    lists: dict[PersonId, tuple[Title, ...]], read: dict[PersonId, tuple[Title, ...]]
) -> None:
    known = watchlists(lists)
    renamed = [replace(one, username="other", can_sync=False) for one in people({**lists, **read})]
    merge = merged(known, renamed, read, 5.0)
    after = merge.watchlists
    assert after.read_at == 5.0
    assert {one.id for one in after.people} == lists.keys() | read.keys()
    for person in after.people:
        if person.id in lists:
            assert person in known.people, "names and rights are as they were"
        if person.id in read and person.id not in merge.doubted:
            assert after.titles[person.id] == read[person.id]
        else:
            assert after.titles[person.id] == lists[person.id]
    for person_id in merge.doubted:
        assert len(lists[person_id]) >= SHRUNK_MIN
        assert 2 * len(read[person_id]) < len(lists[person_id])


@given(lists_of, lists_of)
def test_no_change_of_a_list_gets_lost_but_for_what_is_doubted(
    before: dict[PersonId, tuple[Title, ...]], after: dict[PersonId, tuple[Title, ...]]
) -> None:
    changed = set(changed_titles(watchlists(before), watchlists(after)))
    came = {
        title
        for person_id, some in after.items()
        for title in some
        if title not in before.get(person_id, ())
    }
    left = {
        title
        for person_id, some in before.items()
        for title in some
        if person_id in after
        and title not in after[person_id]
        and not (len(some) >= SHRUNK_MIN and 2 * len(after[person_id]) < len(some))
    }
    assert changed == came | left


def test_answer_with_less_than_half_of_the_people_is_doubtful() -> None:
    known = crowd(4)
    assert is_doubtful((), known)
    assert is_doubtful(known.people[:1], known)
    assert not is_doubtful(known.people[:2], known)
    assert not is_doubtful((), Watchlists((), {}, 0.0))


def test_person_under_a_new_id_is_known_by_the_account() -> None:
    known = watchlists({pulsarr_id(1): (), pulsarr_id(2): ()})
    now = (
        replace(known.people[0], id=pulsarr_id(9)),
        known.people[1],
        Person(pulsarr_id(10), "new", uuid="u10"),
    )
    assert moved(now, known) == {pulsarr_id(9)}
    assert moved((Person(pulsarr_id(11), "no account"),), known) == frozenset()


def test_what_was_checked_is_not_new_any_more() -> None:
    uncovered = UncoveredTitles()
    uncovered.add(tuple(TITLES[:4]))
    same = replace(TITLES[0], name="by another name", ids=TITLES[0].ids | {"imdb:tt1"})
    assert uncovered.take([same]) == (TITLES[0],)
    assert uncovered.take() == tuple(TITLES[1:4])
    assert uncovered.take() == ()
