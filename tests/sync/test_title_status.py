"""What titles are to people, over made-up overviews."""

from __future__ import annotations

from collections import Counter
from typing import Final

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.summary import Summary, with_figures
from custom_components.plex_label_sync.sync.changes import Action, Change, Row
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    Item,
    MediaType,
    Person,
    SyncSettings,
    Title,
)
from custom_components.plex_label_sync.sync.overview import Overview, overview_changed
from custom_components.plex_label_sync.sync.person_id import PersonId, pulsarr_id
from custom_components.plex_label_sync.sync.queue import Queue, QueueSettings, announce
from custom_components.plex_label_sync.sync.reasons import Reason, ReasonCode
from custom_components.plex_label_sync.sync.title_status import (
    Figures,
    PersonFigures,
    Standings,
    Times,
    TitleQuery,
    TitleStatus,
    figures,
    find_titles,
)
from custom_components.plex_label_sync.sync.wanted import WantedTitle

NEVER: Final = Times({}, {}, {})
PEOPLE: Final = tuple(
    Person(pulsarr_id(number), name) for number, name in enumerate(("rosa", "tim", "nina"))
)


def title(number: int) -> Title:
    """Return one of a few titles."""
    return Title(MediaType.MOVIE, f"Title {number}", frozenset({f"tmdb:{number + 1}"}))


def item(number: int) -> Item:
    """Return the item of a title."""
    one = title(number)
    return Item(str(number), "1", one.type, one.name, one.ids)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Overview, Ledger, Queue]:
    """Draw an overview with a ledger and a queue that may belong to it."""
    numbers = range(draw(st.integers(0, 6)))
    wanted_titles = tuple(
        WantedTitle(title(one), tuple(draw(st.sets(st.sampled_from(PEOPLE), min_size=1))))
        for one in numbers
    )
    listed = draw(st.sets(st.sampled_from(numbers))) if numbers else set()
    there = draw(st.sets(st.sampled_from(numbers))) if numbers else set()
    keys = [(str(one), person.username) for one in numbers for person in PEOPLE]
    some = st.frozensets(st.sampled_from(keys)) if keys else st.just(frozenset())
    off = draw(some)
    overview = Overview(
        SyncSettings(),
        {person.id: person for person in PEOPLE},
        wanted_titles,
        {title(one): (item(one),) if one in there else () for one in listed},
        absent=draw(some),
        unknown=draw(some),
        unread=draw(some),
        opted_out=frozenset(draw(st.sets(st.sampled_from([str(one) for one in numbers]))))
        if numbers
        else frozenset(),
        unread_types=draw(st.frozensets(st.just(MediaType.MOVIE))),
        unread_people=draw(st.frozensets(st.sampled_from([0, 1, 2]))),
        conclusive=draw(st.booleans()),
    )
    ledger = Ledger(Row(label, "1", key, 1, removed_by_user=True) for key, label in off)
    waits = [title(one) for one in numbers if draw(st.booleans())]
    return overview, ledger, announce((), waits, 5.0, QueueSettings(30, 1800))


@given(worlds())
def test_every_wanted_title_of_everyone_is_in_one_row_and_in_one_status(
    world: tuple[Overview, Ledger, Queue],
) -> None:
    standings = Standings(*world, frozenset())
    rows, total = find_titles(standings, TitleQuery(limit=1000), NEVER)
    counted = Counter((row.title, person.id) for row in rows for person in row.people)
    wanted = {
        (wanted_title.title, person.id)
        for wanted_title in world[0].wanted_titles
        for person in wanted_title.people
    }
    assert counted.keys() == wanted
    assert set(counted.values()) <= {1}
    assert total == len(rows)
    parts = [
        find_titles(standings, TitleQuery(statuses=frozenset({one})), NEVER)[1]
        for one in TitleStatus
    ]
    assert sum(parts) == total
    for row in rows:
        assert bool(row.labels) is (row.standing.status is TitleStatus.LABELLED)
        if row.standing.status is TitleStatus.MISSING:
            assert row.items == ()


@given(worlds())
def test_figures_are_what_the_rows_say_where_everything_could_be_read(
    world: tuple[Overview, Ledger, Queue],
) -> None:
    standings = Standings(*world, frozenset())
    counted = figures(standings).people
    for person in PEOPLE:
        last = Counter(
            standings.last_known(wanted_title, person).status
            for wanted_title in world[0].wanted_titles
            if person in wanted_title.people
        )
        shown = counted[person.id]
        assert shown.wanted == sum(last.values())
        if last[TitleStatus.UNKNOWN]:
            assert (shown.labelled, shown.missing, shown.waiting) == (None, None, None)
        else:
            assert shown.labelled == last[TitleStatus.LABELLED]
            assert shown.missing == last[TitleStatus.MISSING]
            assert shown.waiting == last[TitleStatus.WAITING]


@given(worlds(), st.sampled_from(PEOPLE), st.integers(0, 5), st.sampled_from(Action))
def test_label_that_was_written_counts_at_once(
    world: tuple[Overview, Ledger, Queue], person: Person, number: int, action: Action
) -> None:
    overview, _, queue = world
    change = Change(
        action, person.username.upper(), "1", str(number), "", Reason(ReasonCode.WANTED)
    )
    standings = Standings(overview_changed(overview, [change]), Ledger(), queue, frozenset())
    for wanted_title in overview.wanted_titles:
        if (
            wanted_title.title == title(number)
            and person in wanted_title.people
            and overview.items.get(wanted_title.title)
        ):
            status = standings.last_known(wanted_title, person).status
            assert (status is TitleStatus.LABELLED) is (action is Action.ADD)


person_figures = st.builds(
    PersonFigures, st.sampled_from(["a", "b"]), st.just("l"), *[st.none() | st.integers(0, 9)] * 4
)
ids = st.integers(0, 3).map(pulsarr_id)
by_person = st.dictionaries(ids, person_figures)


totals = st.tuples(*[st.none() | st.integers(0, 9)] * 3)


@given(by_person, by_person, st.none() | st.frozensets(ids), totals)
def test_what_is_not_known_stays_as_it_was_and_no_one_leaves_without_a_conclusion(
    before: dict[PersonId, PersonFigures],
    now: dict[PersonId, PersonFigures],
    staying: frozenset[PersonId] | None,
    counts: tuple[int | None, int | None, int | None],
) -> None:
    known = Summary(titles=1, missing=2, wanting=3, people=before)
    after = with_figures(known, Figures(now, *counts, staying))
    people = after.people or {}
    assert (after.titles, after.missing, after.wanting) == tuple(
        old if new is None else new for old, new in zip((1, 2, 3), counts, strict=True)
    )
    assert people.keys() == now.keys() | {
        one for one in before if staying is None or one in staying
    }
    for one, shown in people.items():
        if one in before and (one not in now or now[one].labelled is None):
            assert shown.labelled == before[one].labelled
        elif one in now:
            assert shown == now[one]
