"""What runs know of all wanted titles: their items, and the labels they lack. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from .changes import Action, Change, RowKey
from .missing import Unmatched
from .model import Item, MediaType, Person, SyncSettings, Title
from .person_id import PersonId
from .plan_view import View
from .readers import Found
from .run import Outcome
from .scope import Scope
from .wanted import TitleIndex, WantedTitle

_NOTHING: Final[frozenset[RowKey]] = frozenset()


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of all wanted titles as they were last read; unread parts keep their former state.

    `people` are those who get labels, by id; `items` maps the titles that were looked up to their
    items. Wanted labels are on their items, except those that are `absent` and those that were
    never read (`unknown`). Unread by the last run: the labels in `unread`, the lists of
    `unread_people`, libraries of `unread_types`; titles in `unsure` may be in one of these
    libraries. `doubted` are people whose lists are not believed: `wanted_titles` has their former titles,
    except for those in `without_list`, whose titles were not known before. Only if an overview is
    `conclusive` has a person who is not in it left.
    """

    settings: SyncSettings
    people: Mapping[PersonId, Person]
    wanted_titles: tuple[WantedTitle, ...]
    items: Mapping[Title, tuple[Item, ...]]
    absent: frozenset[RowKey] = _NOTHING
    unknown: frozenset[RowKey] = _NOTHING
    unread: frozenset[RowKey] = _NOTHING
    opted_out: frozenset[str] = frozenset()  # rating keys
    missing: Mapping[Title, Outcome] = field(default_factory=dict)  # the reason, if known
    unsure: frozenset[Title] = frozenset()
    unread_types: frozenset[MediaType] = frozenset()
    unread_people: frozenset[PersonId] = frozenset()
    doubted: frozenset[PersonId] = frozenset()
    without_list: frozenset[PersonId] = frozenset()
    conclusive: bool = False


def overview_after(
    before: Overview | None, scope: Scope, view: View, found: Found, *, held: bool
) -> Overview | None:
    """Return the overview after a run's reads, None while there is nothing to believe yet.

    `held` means that the safety check held something: then no one counts as gone.
    """
    doubts = scope.doubts
    if before is None and (doubts.lists or not scope.whole):
        return None
    known = frozenset() if before is None else before.people.keys() - before.without_list
    doubted = doubts.unread | doubts.shrunk | (known if doubts.lists else frozenset())
    wanted_titles = _merged(before, scope.wanted_titles, doubted)
    items = dict(_items(before, wanted_titles, scope, view, found))
    labels = _labels(before, items, view, whole=scope.whole)
    unread_types = _unread_types(before, scope, found)
    all_people = scope.roster.people
    people = {one: all_people[one] for one in scope.roster.labelled}
    conclusive = scope.whole and not held and not doubts.lists
    if before is not None:
        stay = before.people.keys() & doubted if conclusive else before.people.keys()
        people = {one: before.people[one] for one in stay} | people
    return replace(
        labels,
        settings=scope.settings,
        people=people,
        wanted_titles=wanted_titles,
        items=items,
        missing=_missing(before, items, found, whole=scope.whole),
        unsure=_unsure(before, items, unread_types),
        unread_types=unread_types,
        unread_people=doubts.unread - doubts.partial,
        doubted=doubted,
        without_list=doubted - known,
        conclusive=conclusive,
    )


def overview_changed(overview: Overview, changes: Iterable[Change]) -> Overview:
    """Return the overview after labels were written and read back."""
    absent, unknown, unread = set(overview.absent), set(overview.unknown), set(overview.unread)
    for change in changes:
        unknown.discard(change.key)
        unread.discard(change.key)
        if change.action is Action.ADD:
            absent.discard(change.key)
        else:
            absent.add(change.key)
    return replace(
        overview, absent=frozenset(absent), unknown=frozenset(unknown), unread=frozenset(unread)
    )


def _merged(
    before: Overview | None, wanted_titles: tuple[WantedTitle, ...], doubted: frozenset[PersonId]
) -> tuple[WantedTitle, ...]:
    """Return the wanted titles; for lists that are not believed, with the former titles."""
    if before is None or not doubted:
        return wanted_titles
    index = TitleIndex(wanted_title.title for wanted_title in wanted_titles)
    merged = list(wanted_titles)
    for wanted_title in before.wanted_titles:
        who = tuple(person for person in wanted_title.people if person.id in doubted)
        if not who:
            continue
        if places := index.find(wanted_title.title):
            known = merged[places[0]]
            people = {person.id: person for person in (*known.people, *who)}
            merged[places[0]] = replace(known, people=tuple(people.values()))
        else:
            merged.append(WantedTitle(wanted_title.title, who))
    return tuple(merged)


def _items(
    before: Overview | None,
    wanted_titles: Iterable[WantedTitle],
    scope: Scope,
    view: View,
    found: Found,
) -> Iterator[tuple[Title, tuple[Item, ...]]]:
    """Yield the titles that were looked up, now or before, with their items.

    A listing has everything in a library; a lookup of a few titles may miss some.
    """
    new = {wanted_title.title: some for wanted_title, some in found.matches}
    known = {} if before is None else before.items
    listed = found.totals.keys() if scope.complete else set()
    covered = {library.key for library in scope.libraries} if scope.whole else None
    # Items that no longer exist, or that Plex now matches to another title.
    lost = {key for key in view.evidence.items if key in view.items and not view.items[key].labels}
    lost |= view.evidence.absent
    for wanted_title in wanted_titles:
        now, then = new.get(wanted_title.title), known.get(wanted_title.title)
        if now is None:
            if then is not None:
                yield wanted_title.title, then
            continue
        some = {
            item.rating_key: item
            for item in then or ()
            if item.library not in listed and (covered is None or item.library in covered)
        }
        if some or not lost.isdisjoint(item.rating_key for item in now):
            some |= {item.rating_key: item for item in now}
            now = tuple(item for key, item in some.items() if key not in lost)
        yield wanted_title.title, now


def _labels(
    before: Overview | None, items: Mapping[Title, tuple[Item, ...]], view: View, *, whole: bool
) -> Overview:
    """Return an overview with labels only."""
    absent, unknown, unread, opted_out = _kept(before, items, view, whole=whole)
    opt_out = view.settings.opt_out_label
    for rating_key, entry in view.items.items():
        library = entry.item.library
        if (
            is_opted_out := view.present.carries_if_known(library, rating_key, opt_out)
        ) is not None:
            (opted_out.add if is_opted_out else opted_out.discard)(rating_key)
        for folded in entry.labels:
            key = rating_key, folded
            if (is_there := view.present.carries_if_known(library, rating_key, folded)) is None:
                unread.add(key)
            else:
                unknown.discard(key)
                (absent.discard if is_there else absent.add)(key)
    if unread:
        known = (
            {item.rating_key for some in before.items.values() for item in some}
            if before is not None
            else set()
        )
        unknown |= {key for key in unread if key[0] not in known}
    return Overview(
        view.settings,
        {},
        (),
        {},
        absent=frozenset(absent),
        unknown=frozenset(unknown),
        unread=frozenset(unread),
        opted_out=frozenset(opted_out),
    )


def _kept(
    before: Overview | None, items: Mapping[Title, tuple[Item, ...]], view: View, *, whole: bool
) -> tuple[set[RowKey], set[RowKey], set[RowKey], set[str]]:
    """Return what was known of the labels of items that are still wanted."""
    if before is None:
        return set(), set(), set(), set()
    there: set[str] | None = None
    if whole:
        there = {item.rating_key for some in items.values() for item in some}

    def stays(rating_key: str) -> bool:
        return there is None or rating_key in there

    return (
        {key for key in before.absent if stays(key[0])},
        {key for key in before.unknown if stays(key[0])},
        {key for key in before.unread if stays(key[0]) and key[0] not in view.items},
        {key for key in before.opted_out if stays(key)},
    )


def _unread_types(before: Overview | None, scope: Scope, found: Found) -> frozenset[MediaType]:
    if scope.whole or before is None:
        return frozenset(one.type for one in scope.libraries if one.key not in found.totals)
    return before.unread_types


def _unsure(
    before: Overview | None,
    items: Mapping[Title, tuple[Item, ...]],
    unread_types: frozenset[MediaType],
) -> frozenset[Title]:
    if not unread_types:
        return frozenset()
    return frozenset(
        title
        for title, some in items.items()
        if not some
        and title.type in unread_types
        and (before is None or title not in before.items or title in before.unsure)
    )


def _missing(
    before: Overview | None, items: Mapping[Title, tuple[Item, ...]], found: Found, *, whole: bool
) -> dict[Title, Outcome]:
    """Return why titles have no items, as far as known."""
    known = {} if before is None else dict(before.missing)
    if whole:
        unmatched = Unmatched(found.unmatched)
        known = {title: why for title, why in known.items() if why is Outcome.LIBRARY_EXCLUDED} | {
            title: Outcome.NOT_MATCHED_YET
            for title, some in items.items()
            if not some and unmatched.may_hold(title)
        }
    known |= found.missing
    return {title: why for title, why in known.items() if not items.get(title, ())}
