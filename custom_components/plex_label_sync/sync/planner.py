"""Wanted and present labels make a plan. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .ledger import Ledger
from .model import Action, Change, Item, Person, Plan, StoredLabel, SyncSettings, fold
from .naming import label_of
from .wanted import Wish


@dataclass(frozen=True, slots=True)
class WantedLabel:
    """One label that an item should have, and for whom."""

    text: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class WantedItem:
    """An item with all labels that it should have, by folded text."""

    item: Item
    labels: Mapping[str, WantedLabel]


@dataclass(slots=True)
class Present:
    """The labels in Plex as they were read.

    `directory` maps library → folded label → its stored forms: Plex may hold several that
    differ only in case. `carried` maps rating key → folded label → stored spellings.
    """

    directory: dict[str, dict[str, list[StoredLabel]]] = field(default_factory=dict)
    carried: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def add_directory(self, library: str, labels: Iterable[StoredLabel]) -> None:
        """Take in one library's label directory, in place of an older one."""
        forms: dict[str, list[StoredLabel]] = {}
        for label in labels:
            forms.setdefault(fold(label.text), []).append(label)
        self.directory[library] = forms

    def add_carriers(self, label: StoredLabel, rating_keys: Iterable[str]) -> None:
        """Take in who carries one label."""
        for rating_key in rating_keys:
            self.carried.setdefault(rating_key, {}).setdefault(fold(label.text), set()).add(
                label.text
            )

    def carries(self, rating_key: str, label: str) -> bool:
        """Tell whether an item carries a label in any spelling."""
        return fold(label) in self.carried.get(rating_key, {})

    def spelling(self, library: str, text: str) -> str:
        """Return the text as Plex stores it, or as it is when Plex does not have it yet.

        What the library does not have is spelled as in another one: Plex keeps one list of
        labels for the whole server.
        """
        for forms in (self.directory.get(library, {}), *self.directory.values()):
            if stored := [form.text for form in forms.get(fold(text), [])]:
                return text if text in stored else stored[0]
        return text


def wanted_items(
    matches: Iterable[tuple[Wish, Sequence[Item]]], settings: SyncSettings
) -> dict[str, WantedItem]:
    """Return every item that somebody wants, by rating key, with its wanted labels.

    Labels that are the same are spelled alike on all items.
    """
    items: dict[str, Item] = {}
    spellings: dict[str, str] = {}
    people: dict[str, dict[str, tuple[str, dict[int, Person]]]] = {}
    for wish, found in matches:
        for item in found:
            items[item.rating_key] = item
            labels = people.setdefault(item.rating_key, {})
            for person in wish.people:
                text = label_of(person, item.type, settings.label_format)
                folded = fold(text)
                if folded not in settings.exclude_labels:
                    text = spellings.setdefault(folded, text)
                    labels.setdefault(folded, (text, {}))[1][person.id] = person
    return {
        key: WantedItem(
            item,
            {
                folded: WantedLabel(text, tuple(who.values()))
                for folded, (text, who) in people[key].items()
            },
        )
        for key, item in items.items()
    }


def make_plan(
    wanted: Mapping[str, WantedItem],
    present: Present,
    ledger: Ledger,
    settings: SyncSettings,
    *,
    whole: bool,
) -> Plan:
    """Return the changes that turn what is present into what is wanted.

    `whole` says that `wanted` and `present` cover all people and all labels. Only then may
    labels that somebody else wrote be taken off, where the settings want that.
    """
    changes: list[Change] = []
    unchanged = 0
    for rating_key, entry in wanted.items():
        for folded, label in entry.labels.items():
            if present.carries(rating_key, folded):
                unchanged += 1
            else:
                text = present.spelling(entry.item.library, label.text)
                changes.append(_change(Action.ADD, text, entry.item, _wants(label.people)))
        if whole and not settings.preserve_existing_labels:
            changes += _foreign(entry, present, ledger, settings)
    changes.sort(key=lambda one: (one.library, one.title, one.rating_key, one.action, one.label))
    return Plan(tuple(changes), unchanged, len(wanted))


def _foreign(
    entry: WantedItem, present: Present, ledger: Ledger, settings: SyncSettings
) -> list[Change]:
    """Return the removal of an item's labels that neither the ledger nor the options protect."""
    rating_key = entry.item.rating_key
    return [
        _change(Action.REMOVE, text, entry.item, "not ours, and existing labels are not preserved")
        for folded, spellings in present.carried.get(rating_key, {}).items()
        if folded not in entry.labels
        and folded not in settings.exclude_labels
        and (rating_key, folded) not in ledger
        for text in sorted(spellings)
    ]


def _change(action: Action, label: str, item: Item, reason: str) -> Change:
    return Change(action, label, item.library, item.rating_key, item.title, reason)


def _wants(people: Sequence[Person]) -> str:
    names = [person.username for person in people]
    if len(names) == 1:
        return f"{names[0]} wants it"
    return f"{', '.join(names[:-1])} and {names[-1]} want it"


@dataclass(frozen=True, slots=True)
class EditGroup:
    """Items of one library that get exactly the same change."""

    library: str
    rating_keys: tuple[str, ...]
    add: tuple[str, ...]
    remove: tuple[str, ...]


def edit_groups(changes: Iterable[Change]) -> tuple[EditGroup, ...]:
    """Group changes by identical effect, so that one request serves many items."""
    by_item: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for change in changes:
        adds, removes = by_item.setdefault((change.library, change.rating_key), (set(), set()))
        (adds if change.action is Action.ADD else removes).add(change.label)
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (library, rating_key), (adds, removes) in by_item.items():
        effect = (library, tuple(sorted(adds)), tuple(sorted(removes)))
        groups.setdefault(effect, []).append(rating_key)
    return tuple(
        EditGroup(library, tuple(keys), add, remove)
        for (library, add, remove), keys in groups.items()
    )
