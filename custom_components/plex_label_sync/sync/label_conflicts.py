"""Labels that come to mean two things: who may have which, and who keeps the former one. Pure.

A name may change at any time. If a person's new label already belongs to another person, or has
another meaning in the settings, the person keeps the names confirmed before; a person without
confirmed names gets no label. So nothing is written that was not agreed to, and nothing is removed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from .model import MediaType, Person, SyncSettings, fold
from .naming import label_of
from .stored import MALFORMED, listed, person_id, text, texts
from .wanted import gets_labels

RESERVED: Final = "options"  # stands for the settings among the owners of a label
PEOPLE_MAX: Final = 2000  # whose names are remembered; the most recent are kept

type Keys = frozenset[str]


def key_of(person: Person) -> str:
    """Return what identifies a person, whatever their names are."""
    return person.uuid or person.id


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What was agreed to: names by person, and labels (folded) that people may share.

    `left` are conflicts that the user decided to leave as they are.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    meant: Mapping[str, Keys] = field(default_factory=dict)
    left: Mapping[str, Keys] = field(default_factory=dict)

    def names_of(self, person: Person) -> Person | None:
        """Return a person under the confirmed names, known by uuid or id; None without any."""
        known = self.people.get(key_of(person)) or self.people.get(person.id)
        if known is None:
            return None
        return replace(
            person,
            username=known.username,
            alias=known.alias,
            display_name=known.display_name,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "people": [
                [one.id, one.uuid, one.username, one.alias, one.display_name]
                for one in self.people.values()
            ],
            "meant": {label: sorted(keys) for label, keys in self.meant.items()},
            "left": {label: sorted(keys) for label, keys in self.left.items()},
        }

    @classmethod
    def from_dict(cls, data: object) -> "Confirmed | None":
        """Read the output of `as_dict`; None for anything else."""
        try:
            if not isinstance(data, Mapping):
                return None
            people = [
                Person(
                    person_id(known_as), text(username), _name(alias), _name(shown), uuid=text(uuid)
                )
                for known_as, uuid, username, alias, shown in listed(data["people"])
            ]
            return cls(
                {key_of(person): person for person in people},
                {label: frozenset(texts(keys)) for label, keys in data["meant"].items()},
                {label: frozenset(texts(keys)) for label, keys in data["left"].items()},
            )
        except MALFORMED:
            return None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A label that some people would get now, and that already means something else."""

    label: str
    newcomers: tuple[Person, ...]
    others: tuple[Person, ...]
    reserved: bool

    @property
    def keys(self) -> Keys:
        """Everything that the label would mean."""
        people = frozenset(map(key_of, (*self.newcomers, *self.others)))
        return people | {RESERVED} if self.reserved else people


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who gets labels under which names, the conflicts, and what is confirmed by now."""

    people: tuple[Person, ...]
    conflicts: tuple[Conflict, ...]
    confirmed: Confirmed

    @property
    def undecided(self) -> tuple[Conflict, ...]:
        """The conflicts that are not decided."""
        left = self.confirmed.left
        return tuple(
            one for one in self.conflicts if not one.keys <= left.get(fold(one.label), frozenset())
        )


def resolve(
    people: Iterable[Person],
    confirmed: Confirmed | None,
    settings: SyncSettings,
    *,
    unlisted: Iterable[Person] = (),
) -> Resolution:
    """Return people under the names by which they get labels, and the conflicts.

    Without anything confirmed (an entry of an older version) everything stays as it is. People who
    are `unlisted`, but not known to be gone, keep their confirmed names.
    """
    people = tuple(people)
    if confirmed is None:
        confirmed = with_meant(Confirmed(), sharing(people, settings))
        confirmed = replace(confirmed, people={key_of(one): one for one in people})
    conflicts = _conflicts(people, confirmed, settings, unlisted)
    held = {key_of(person) for one in conflicts for person in one.newcomers}
    # The names that they return to cannot have been taken: these count as theirs all the time.
    served = _served(people, confirmed, held)
    # A person whose label another one would get keeps the claim to it, even after renaming.
    claims = {key_of(person) for one in conflicts for person in one.others}
    names = {
        key: one
        for one in served
        if gets_labels(one, settings)
        and not ((key := key_of(one)) in claims and key in confirmed.people)
    }
    kept = {key: one for key, one in confirmed.people.items() if key not in names} | names
    newest = dict(list(kept.items())[-PEOPLE_MAX:])
    return Resolution(served, conflicts, replace(confirmed, people=newest))


def claimants(
    people: Iterable[Person], confirmed: Confirmed | None, settings: SyncSettings
) -> tuple[Person, ...]:
    """Return people who are not listed, but whose confirmed label another one would get now."""
    if confirmed is None:
        return ()
    there, taken = set[str](), set[str]()
    for person in people:
        there |= {key_of(person), person.id}
        if gets_labels(person, settings):
            before = confirmed.names_of(person)
            had = frozenset[str]() if before is None else _labels(before, settings)
            taken |= _labels(person, settings) - had
    return tuple(
        known
        for key, known in confirmed.people.items()
        if there.isdisjoint((key, known.id))
        and gets_labels(known, settings)
        and not taken.isdisjoint(_labels(known, settings))
    )


def sharing(people: Iterable[Person], settings: SyncSettings) -> dict[str, Keys]:
    """Return the labels, folded, that mean more than one person, with everything they mean."""
    reserved = settings.reserved_labels
    owners: dict[str, set[str]] = defaultdict(set)
    for person in people:
        if gets_labels(person, settings):
            for label in _labels(person, settings):
                owners[label].add(key_of(person))
    return {
        label: frozenset(keys | {RESERVED} if label in reserved else keys)
        for label, keys in owners.items()
        if len(keys) > 1 or label in reserved
    }


def with_meant(confirmed: Confirmed, meant: Mapping[str, Keys]) -> Confirmed:
    """Return the confirmation with labels that may have all these meanings."""
    more = {label: confirmed.meant.get(label, frozenset()) | keys for label, keys in meant.items()}
    return replace(confirmed, meant={**confirmed.meant, **more})


def with_left(confirmed: Confirmed, left: Mapping[str, Keys]) -> Confirmed:
    """Return the confirmation with conflicts that are not to be reported again."""
    more = {label: confirmed.left.get(label, frozenset()) | keys for label, keys in left.items()}
    return replace(confirmed, left={**confirmed.left, **more})


def _served(
    people: Iterable[Person], confirmed: Confirmed, held: Collection[str]
) -> tuple[Person, ...]:
    """Return all people, held ones under their confirmed names, or without any left out."""
    named = (confirmed.names_of(person) if key_of(person) in held else person for person in people)
    return tuple(person for person in named if person is not None)


def _conflicts(
    people: Collection[Person],
    confirmed: Confirmed,
    settings: SyncSettings,
    unlisted: Iterable[Person],
) -> tuple[Conflict, ...]:
    """Return the labels that are new to a person and belong to another one, or to the settings."""
    reserved = settings.reserved_labels
    labelled = [person for person in people if gets_labels(person, settings)]
    now: dict[str, list[Person]] = defaultdict(list)
    before: dict[str, list[Person]] = defaultdict(list)
    for person in labelled:
        for label in _labels(person, settings):
            now[label].append(person)
        if (known := confirmed.names_of(person)) is not None:
            for label in _labels(known, settings):
                before[label].append(person)
    for known in unlisted:
        for label in _labels(known, settings):
            before[label].append(known)
    found = []
    for label, owners in now.items():
        had = before.get(label, [])
        newcomers = [one for one in owners if one not in had]
        others = [one for one in dict.fromkeys((*owners, *had)) if one not in newcomers]
        conflict = Conflict(
            _spelling(label, owners, settings),
            tuple(newcomers),
            tuple(others),
            label in reserved,
        )
        is_meant = conflict.keys <= confirmed.meant.get(label, frozenset())
        if newcomers and len(conflict.keys) > 1 and not is_meant:
            found.append(conflict)
    return tuple(found)


def _labels(person: Person, settings: SyncSettings) -> frozenset[str]:
    return frozenset(fold(label_of(person, one, settings)) for one in MediaType)


def _spelling(folded: str, owners: Iterable[Person], settings: SyncSettings) -> str:
    """Return a label as one of its owners has it."""
    texts_of = (label_of(person, one, settings) for person in owners for one in MediaType)
    return next(label for label in texts_of if fold(label) == folded)


def _name(value: object) -> str | None:
    return None if value is None else text(value)
