"""Finds people by names, labels or ids, and names them in changes. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from .changes import Row
from .model import Person, fold
from .person_id import PersonId, id_order, named_id, public_id
from .reasons import PersonRef


class UnknownPersonError(ValueError):
    """A name or id that matches no person; its text is the message."""


class AmbiguousPersonError(ValueError):
    """A text that matches several people equally well."""

    def __init__(self, text: str, people: Sequence[Person]) -> None:
        """Initialize with the text and the people that it matches."""
        super().__init__(text)
        self.text = text
        self.names = tuple(person.username for person in people)


def people_named(
    people: Iterable[Person],
    wanted: Iterable[str],
    labels: Iterable[tuple[str, PersonId]] = (),
) -> frozenset[PersonId]:
    """Return the ids of people given as names, labels or ids.

    A username takes precedence over an alias or display name, these over a label, and a number is
    an id only if no name matches. `labels` are label texts with the only person that each belongs
    to.

    Raises UnknownPersonError with the first text that matches no person, AmbiguousPersonError for
    one that matches two.
    """
    all_people = {person.id: person for person in people}
    people_by_label: dict[str, set[PersonId]] = {}
    for label, person_id in labels:
        people_by_label.setdefault(fold(label.strip()), set()).add(person_id)
    found: set[PersonId] = set()
    for text in wanted:
        ids = _named(all_people.values(), people_by_label, text.strip())
        if not ids:
            raise UnknownPersonError(text)
        if len(ids) > 1:
            known = [
                all_people.get(one) or Person(one, public_id(one))
                for one in sorted(ids, key=id_order)
            ]
            raise AmbiguousPersonError(text, known)
        found |= ids
    return frozenset(found)


def _named(
    people: Iterable[Person], people_by_label: dict[str, set[PersonId]], text: str
) -> set[PersonId]:
    """Return the people that a text matches best."""
    folded = text.casefold()
    tiers: tuple[Callable[[Person], tuple[str | None, ...]], ...] = (
        lambda person: (person.username,),
        lambda person: (person.alias, person.display_name),
    )
    some = tuple(people)
    for names_of in tiers:
        named = {
            person.id
            for person in some
            if folded in {(n or "").casefold() for n in names_of(person)}
        }
        # Two names that differ only in case are distinguished by it.
        exact = {person.id for person in some if text in names_of(person)}
        if folded and named:
            return exact if len(exact) == 1 else named
    if by_label := people_by_label.get(fold(text)):
        return by_label
    given = named_id(text)
    known = {person.id for person in some} | {
        one for ids in people_by_label.values() for one in ids
    }
    return {given} & known if given is not None else set()


class PeopleRefs:
    """People as named in changes. The same few groups want most titles: each is kept once."""

    def __init__(self, known: Mapping[PersonId, Person]) -> None:
        """Initialize with everyone known by id, including people who left Pulsarr."""
        self._known = known
        self._groups: dict[tuple[Person, ...], tuple[PersonRef, ...]] = {}
        self._of_rows: dict[tuple[tuple[PersonId, ...], str], tuple[PersonRef, ...]] = {}

    def of(self, people: tuple[Person, ...]) -> tuple[PersonRef, ...]:
        """Return the references to some people."""
        if people not in self._groups:
            self._groups[people] = tuple(map(_ref, people))
        return self._groups[people]

    def of_row(self, row: Row) -> tuple[PersonRef, ...]:
        """Return for whom a label was written; an unknown person is named by the label."""
        key = row.people, row.label
        if key not in self._of_rows:
            found = tuple(_ref(self._known[one]) for one in row.people if one in self._known)
            if not found and len(row.people) == 1:
                found = (PersonRef(row.people[0], row.label),)
            self._of_rows[key] = found
        return self._of_rows[key]


def _ref(person: Person) -> PersonRef:
    return PersonRef(person.id, person.username or public_id(person.id))
