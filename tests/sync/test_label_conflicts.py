"""Labels that come to mean two things: whoever takes one that belongs to somebody else is held."""

from collections.abc import Iterable
from dataclasses import replace
import json

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.label_conflicts import (
    PEOPLE_MAX,
    RESERVED,
    Confirmed,
    Resolution,
    key_of,
    resolve,
    sharing,
    with_left,
    with_meant,
)
from custom_components.plex_label_sync.sync.model import (
    MediaType,
    Person,
    RemovedLabelMode,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.naming import label_of
from custom_components.plex_label_sync.sync.person_id import PersonId, pulsarr_id
from custom_components.plex_label_sync.sync.wanted import gets_labels

from .builders import ANNA, BEN, CARL, households, people as persons

PLAIN = SyncSettings()


def confirmed(*people: Person, settings: SyncSettings = PLAIN) -> Confirmed:
    """Return what is confirmed once these people were served."""
    return resolve(people, None, settings).confirmed


def labels(people: Iterable[Person], settings: SyncSettings = PLAIN) -> dict[PersonId, set[str]]:
    """Return everybody's labels, folded."""
    return {
        person.id: {fold(label_of(person, one, settings)) for one in MediaType}
        for person in people
        if gets_labels(person, settings)
    }


def test_people_whose_labels_are_their_own_are_served_as_they_are() -> None:
    result = resolve((ANNA, BEN), confirmed(ANNA, BEN), PLAIN)
    assert result == Resolution((ANNA, BEN), (), confirmed(ANNA, BEN))


def test_new_name_that_no_one_has_is_taken_over() -> None:
    renamed = replace(BEN, username="benny")
    result = resolve((ANNA, renamed), confirmed(ANNA, BEN), PLAIN)
    assert (result.people, result.conflicts) == ((ANNA, renamed), ())
    assert result.confirmed.people["pulsarr:2"] == renamed


def test_who_takes_anothers_name_keeps_the_former_label() -> None:
    thief = replace(BEN, username="Anna")
    result = resolve((ANNA, thief), confirmed(ANNA, BEN), PLAIN)
    assert result.people == (ANNA, BEN)
    (conflict,) = result.undecided
    assert (conflict.label, conflict.newcomers, conflict.others) == ("anna", (thief,), (ANNA,))
    assert result.confirmed.people["pulsarr:2"] == BEN
    # It is the same at every later look.
    assert resolve((ANNA, thief), result.confirmed, PLAIN) == result


def test_newcomer_with_anothers_name_gets_no_label() -> None:
    newcomer = Person(pulsarr_id(7), "anna")
    result = resolve((ANNA, newcomer), confirmed(ANNA), PLAIN)
    assert result.people == (ANNA,)
    assert [one.newcomers for one in result.undecided] == [(newcomer,)]


def test_people_who_swap_names_both_keep_their_labels() -> None:
    swapped = replace(ANNA, username="ben"), replace(BEN, username="anna")
    result = resolve(swapped, confirmed(ANNA, BEN), PLAIN)
    assert result.people == (ANNA, BEN)
    assert {one.label for one in result.undecided} == {"anna", "ben"}


def test_name_of_someone_who_is_held_cannot_be_taken() -> None:
    people = ANNA, replace(BEN, username="anna"), replace(CARL, username="ben")
    result = resolve(people, confirmed(ANNA, BEN, CARL), PLAIN)
    assert result.people == (ANNA, BEN, CARL)


@pytest.mark.parametrize(
    "settings",
    [
        SyncSettings(opt_out_label="Carl"),
        SyncSettings(exclude_labels=frozenset({"carl"})),
        SyncSettings(removed_label="carl", removed_label_mode=RemovedLabelMode.MARK),
    ],
)
def test_name_that_means_something_else_in_the_settings_is_not_taken(
    settings: SyncSettings,
) -> None:
    renamed = replace(BEN, username="carl")
    result = resolve((ANNA, renamed), confirmed(ANNA, BEN, settings=settings), settings)
    assert result.people == (ANNA, BEN)
    (conflict,) = result.undecided
    assert conflict.reserved
    assert conflict.keys == {"pulsarr:2", RESERVED}


def test_conflict_that_is_meant_is_none_until_someone_else_comes() -> None:
    thief = replace(BEN, username="anna")
    result = resolve((ANNA, thief), confirmed(ANNA, BEN), PLAIN)
    meant = with_meant(result.confirmed, {fold(one.label): one.keys for one in result.undecided})

    result = resolve((ANNA, thief), meant, PLAIN)
    assert (result.people, result.conflicts) == ((ANNA, thief), ())
    third = replace(CARL, username="anna")
    result = resolve((ANNA, thief, third), result.confirmed, PLAIN)
    assert result.people == (ANNA, thief)
    assert [one.newcomers for one in result.undecided] == [(third,)]


def test_conflict_that_is_left_is_not_asked_again_and_stays_held() -> None:
    thief = replace(BEN, username="anna")
    result = resolve((ANNA, thief), confirmed(ANNA, BEN), PLAIN)
    left = with_left(result.confirmed, {fold(one.label): one.keys for one in result.undecided})

    result = resolve((ANNA, thief), left, PLAIN)
    assert (result.people, result.undecided) == ((ANNA, BEN), ())
    third = replace(CARL, username="anna")
    assert resolve((ANNA, thief, third), left, PLAIN).undecided


def test_person_with_a_new_id_is_known_by_the_account() -> None:
    old = Person(pulsarr_id(1), "anna", uuid="a" * 16)
    new = replace(old, id=pulsarr_id(9))
    result = resolve((new, BEN), confirmed(old, BEN), PLAIN)
    assert (result.people, result.conflicts) == ((new, BEN), ())


def test_person_whose_account_is_reported_only_now_is_known_by_the_id() -> None:
    thief = replace(BEN, username="anna", uuid="b" * 16)
    result = resolve((ANNA, thief), confirmed(ANNA, BEN), PLAIN)
    assert result.people == (ANNA, replace(BEN, uuid="b" * 16))


def test_names_are_remembered_within_bounds() -> None:
    many = tuple(Person(pulsarr_id(number), f"person {number}") for number in range(PEOPLE_MAX + 5))
    known = resolve(many, None, PLAIN).confirmed
    assert len(known.people) == PEOPLE_MAX


@given(households)
def test_everything_stays_as_it_is_where_nothing_was_confirmed_yet(people: list[Person]) -> None:
    result = resolve(people, None, PLAIN)
    assert (result.people, result.conflicts) == (tuple(people), ())
    again = resolve(people, result.confirmed, PLAIN)
    assert (again.people, again.conflicts) == (tuple(people), ())


def settings_of(draw: st.DrawFn) -> SyncSettings:
    """Draw settings with labels that people may come to have."""
    some = st.sampled_from(("anna", "ben", "kids", "no-sync", "removed"))
    return SyncSettings(
        label_format=draw(st.sampled_from(("{username}", "{alias}", "{username} {type}"))),
        exclude_labels=frozenset(draw(st.sets(some, max_size=1))),
        opt_out_label=draw(some),
        removed_label=draw(some),
        removed_label_mode=draw(st.sampled_from(RemovedLabelMode)),
        sync_disabled_people=draw(st.booleans()),
    )


@given(st.data())
def test_no_label_ever_comes_to_mean_more_than_was_agreed_to(data: st.DataObject) -> None:
    settings = data.draw(st.composite(settings_of)())
    first = data.draw(households)
    known = resolve(first, None, settings).confirmed
    agreed = sharing(first, settings)
    for _ in range(3):
        drawn = data.draw(st.lists(persons, max_size=5, unique_by=lambda person: person.id))
        result = resolve(drawn, known, settings)

        for label, keys in sharing(result.people, settings).items():
            # Either agreed to, or everybody had the label under confirmed names.
            had = {
                key_of(one)
                for one in known.people.values()
                if label in labels([replace(one, can_sync=True)], settings).get(one.id, ())
            }
            assert keys - {RESERVED} <= agreed.get(label, frozenset()) | had, label
        # Whoever is served has the own names, or the confirmed ones; nobody is made up.
        by_id = {person.id: person for person in drawn}
        for person in result.people:
            assert person in (by_id[person.id], known.names_of(by_id[person.id]))
        # A label that means something in the settings is nobody's who had it not before.
        for number, own in labels(result.people, settings).items():
            before = known.people.get(str(number))
            for label in own & settings.reserved_labels:
                assert before is not None or label in agreed
        left_out = set(by_id) - {person.id for person in result.people}
        assert left_out <= {one.id for conflict in result.conflicts for one in conflict.newcomers}
        assert resolve(drawn, result.confirmed, settings).people == result.people
        known = result.confirmed


@given(households, st.dictionaries(st.text(max_size=4), st.frozensets(st.text(max_size=4))))
def test_what_is_confirmed_survives_being_written(
    people: list[Person], more: dict[str, frozenset[str]]
) -> None:
    known = with_left(with_meant(confirmed(*people), more), more)
    read = Confirmed.from_dict(json.loads(json.dumps(known.as_dict())))
    assert read is not None
    assert (read.meant, read.left) == (known.meant, known.left)
    for person in people:
        assert read.names_of(person) == known.names_of(person)


@pytest.mark.parametrize(
    "data", [None, [], "?", {}, {"people": [[1]], "meant": {}, "left": {}}, {"people": 7}]
)
def test_what_makes_no_sense_is_nothing_confirmed(data: object) -> None:
    assert Confirmed.from_dict(data) is None
