"""Which person gets which label, before any is written, and which labels have a problem."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .model import MediaType, Person, SyncSettings, fold
from .naming import is_changed, label_of
from .wanted import gets_labels


class LabelProblem(StrEnum):
    """Why a label will not serve its purpose, or is not as expected."""

    SHARED = "shared"  # other people get the same label, so they see each other's titles
    CASE = "case"  # the same label, in a different spelling
    CHANGED = "changed"  # the names cannot be used in a label as they are
    RESERVED = "reserved"  # the label has another meaning in the settings


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A person with labels: one for movies and one for shows, or one if they are the same."""

    person: Person
    labels: tuple[str, ...]
    shares_with: tuple[Person, ...]
    problems: frozenset[LabelProblem]


def label_preview(people: Iterable[Person], settings: SyncSettings) -> tuple[NamedPerson, ...]:
    """Return everyone who gets labels by these settings: troubles first, then by label."""
    labels = {
        person: tuple(dict.fromkeys(label_of(person, one, settings) for one in MediaType))
        for person in people
        if gets_labels(person, settings)
    }
    owners: dict[str, list[Person]] = defaultdict(list)
    for person, texts in labels.items():
        for label in dict.fromkeys(map(fold, texts)):
            owners[label].append(person)

    def named(person: Person) -> NamedPerson:
        own = labels[person]
        others = tuple(
            dict.fromkeys(
                other for label in own for other in owners[fold(label)] if other != person
            )
        )
        problems = set()
        if others:
            is_alike = all(set(own) & set(labels[other]) for other in others)
            problems.add(LabelProblem.SHARED if is_alike else LabelProblem.CASE)
        if any(is_changed(person, one, settings) for one in MediaType):
            problems.add(LabelProblem.CHANGED)
        if not settings.reserved_labels.isdisjoint(map(fold, own)):
            problems.add(LabelProblem.RESERVED)
        return NamedPerson(person, own, others, frozenset(problems))

    return tuple(
        sorted(map(named, labels), key=lambda one: (not one.problems, fold(one.labels[0])))
    )
