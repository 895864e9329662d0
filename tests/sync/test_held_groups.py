"""What is held, by person and reason."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.sync.changes import Action, Change, Row
from custom_components.plex_label_sync.sync.held_groups import (
    TITLES_MAX,
    HeldGroup,
    held_groups,
)
from custom_components.plex_label_sync.sync.people import PeopleRefs
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.reasons import PersonRef, Reason, ReasonCode

from .builders import ANNA, BEN, ledger_rows, reasons, remove

KNOWN = PeopleRefs({pulsarr_id(1): ANNA, pulsarr_id(2): BEN})
REFS = (
    PersonRef(pulsarr_id(1), "anna"),
    PersonRef(pulsarr_id(2), "ben"),
    PersonRef(pulsarr_id(3), "carl"),
)

changes = st.builds(
    Change,
    action=st.sampled_from(Action),
    label=st.sampled_from(("anna", "Anna", "ben")),
    library=st.just("1"),
    rating_key=st.integers(1, 9).map(str),
    title=st.sampled_from(("", "Heat", "Dark", "Up", "Ran", "Alien", "Dune", "Tár")),
    reason=reasons,
    people=st.lists(st.sampled_from(REFS), max_size=2, unique=True).map(tuple),
)


def held(code: ReasonCode, *people: PersonRef, key: str = "11", title: str = "Heat") -> Change:
    """Return a removal that is held."""
    change = remove(people[0].name, key)
    since = int(key) if code is ReasonCode.NOT_WANTED else 0
    return replace(change, title=title, reason=Reason(code, since=since), people=people)


def test_people_who_left_are_one_group_and_people_who_want_less_are_several() -> None:
    anna, ben, _ = REFS
    groups = held_groups(
        [
            held(ReasonCode.PERSON_GONE, anna),
            held(ReasonCode.PERSON_GONE, ben, key="12", title="Dark"),
            held(ReasonCode.NOT_WANTED, anna, key="13"),
            held(ReasonCode.NOT_WANTED, anna, key="14"),
            held(ReasonCode.NOT_WANTED, anna, key="15"),
            held(ReasonCode.NOT_WANTED, ben, key="16"),
        ],
        [],
        KNOWN,
    )
    assert [(one.reason and one.reason.code, one.people, one.labels) for one in groups] == [
        (ReasonCode.NOT_WANTED, (anna,), 3),
        (ReasonCode.PERSON_GONE, (anna, ben), 2),
        (ReasonCode.NOT_WANTED, (ben,), 1),
    ]
    assert groups[1].titles == ("Heat", "Dark")


def test_labels_that_are_no_longer_in_plex_are_reported_by_person() -> None:
    rows = [Row("anna", "1", str(key), 0, (pulsarr_id(1),)) for key in range(3)]
    rows += [Row("ben", "1", "9", 0, (pulsarr_id(2),)), Row("dora", "1", "9", 0, (pulsarr_id(7),))]
    assert held_groups([], rows, KNOWN) == (
        HeldGroup(None, (PersonRef(pulsarr_id(1), "anna"),), 3),
        HeldGroup(None, (PersonRef(pulsarr_id(2), "ben"),), 1),
        HeldGroup(None, (PersonRef(pulsarr_id(7), "dora"),), 1),
    )


@given(st.lists(changes, max_size=12), st.lists(ledger_rows, max_size=5))
def test_groups_are_about_every_removal_and_nothing_else(
    some: Sequence[Change], rows: Sequence[Row]
) -> None:
    groups = held_groups(some, rows, KNOWN)
    removals = [one for one in some if one.action is Action.REMOVE]
    assert len({one.key for one in removals}) <= sum(one.labels for one in groups) - len(rows)
    assert sum(one.labels for one in groups) <= len(removals) + len(rows)
    assert {ref for one in removals for ref in one.people} <= {
        ref for group in groups for ref in group.people
    }
    titles = {title for group in groups for title in group.titles}
    assert titles <= {one.title for one in removals if one.title}
    assert all(len(group.titles) <= TITLES_MAX for group in groups)
    counts = [group.labels for group in groups]
    assert counts == sorted(counts, reverse=True)
    assert all(counts)


@given(st.lists(changes, max_size=12))
def test_order_of_the_changes_decides_about_no_number(some: list[Change]) -> None:
    mixed = sorted(some, key=lambda one: (one.rating_key, one.label, one.title))
    before, after = (held_groups(one, [], KNOWN) for one in (some, mixed))
    assert sorted(one.labels for one in before) == sorted(one.labels for one in after)
    assert len(before) == len({(one.reason, one.people) for one in before})
