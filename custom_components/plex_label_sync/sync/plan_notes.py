"""Notes made while planning: people without a list, contradictions between two reads."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from .change_detection import QuickCheck
from .ledger import Ledger
from .model import Failure, Gap, GapKind, Person, SyncSettings, Title, Watchlists, fold
from .person_id import public_id
from .ports import Recorder
from .protection import Evidence, ListMemory, contradicts_count
from .readers import Found
from .request import PreparedPlan
from .scope import Scope, labels_needed
from .wanted import TitleIndex
from .wanted_labels import WantedItem


def following(
    settings: SyncSettings, people: tuple[Person, ...], ledger: Ledger, memory: ListMemory
) -> SyncSettings:
    """Return the settings for the current people.

    An excluded person stays excluded under a new id.
    """
    excluded = ledger.ids_now(settings.exclude_people, people)
    memory.follow(ledger.moved(people))
    ledger.follow(people)
    return (
        settings
        if excluded == settings.exclude_people
        else replace(settings, exclude_people=excluded)
    )


def note_failed(prepared: PreparedPlan, quick_check: QuickCheck) -> None:
    """Note the changes that failed before and are not due again, with the gaps that they left.

    Those that were made since, or that nobody wants any more, are none.
    """
    unproven = prepared.plan.unproven
    failed = [one for one in quick_check.failed if one.change.rating_key in unproven]
    prepared.failed = tuple(failed)
    concerned = {one.change.rating_key for one in failed}
    concerned |= {f"{one.change.library}/{one.change.label}" for one in failed}
    for gap in quick_check.failed_gaps:
        if gap.key in concerned:
            prepared.gaps.add(gap)


def any_unlisted(titles: Iterable[Title], watchlists: Watchlists) -> bool:
    """Return whether one of the titles is on no watchlist."""
    wanted = TitleIndex(title for some in watchlists.titles.values() for title in some)
    return any(title not in wanted for title in titles)


def note_unread(prepared: PreparedPlan, watchlists: Watchlists) -> None:
    """Note people whose row or list could not be read, or whose list contradicts its own count."""
    for gap in watchlists.gaps:
        prepared.gaps.add(gap)
    for person in watchlists.people:
        name = person.username or public_id(person.id)
        if (failure := watchlists.unread.get(person.id)) is not None:
            rows = watchlists.bad_rows.get(person.id, 0)
            prepared.gaps.add(Gap(GapKind.PERSON, person.id, name, failure, rows))
        elif person.id in prepared.doubts.shrunk and contradicts_count(
            person, titles := watchlists.titles.get(person.id, ())
        ):
            rows = (person.wanted or 0) - len(titles)
            gap = Gap(GapKind.PERSON, person.id, name, Failure.IMPLAUSIBLE, rows)
            prepared.gaps.add(gap)


def pairs_of(
    rating_keys: frozenset[str], items: Mapping[str, WantedItem], scope: Scope
) -> list[tuple[str, str]]:
    """Return the libraries and folded labels that matter for some items."""
    some = {key: items[key] for key in rating_keys if key in items}
    rows = [row for row in scope.ledger if row.rating_key in rating_keys]
    needed = labels_needed(some, rows, scope.settings)
    missing = {(row.library, fold(row.label)) for row in rows if row.rating_key not in items}
    return sorted({*needed, *missing})


def note_contradictions(
    scope: Scope, items: Mapping[str, WantedItem], evidence: Evidence, found: Found
) -> None:
    """Note libraries whose listing left out existing items, and items that only a listing has."""
    by_key = {library.key: library for library in scope.libraries}
    for key, one in evidence.items.items():
        library = by_key.get(one.item.library)
        if scope.complete and key not in items and library is not None:
            gap = Gap(GapKind.LIBRARY, library.key, library.name, Failure.IMPLAUSIBLE)
            found.left_out[key] = gap
            found.gaps.add(gap)
    # An item found a moment ago and missing by its key may exist all the same.
    for key in evidence.absent & items.keys():
        name = items[key].item.title or key
        found.gaps.add(Gap(GapKind.ITEM, key, name, Failure.IMPLAUSIBLE))


def items_with_own_labels(recorder: Recorder) -> set[str]:
    """Return the rating keys of items with labels of the integration, now or lately."""
    rating_keys = {row.rating_key for row in recorder.ledger}
    return rating_keys | {key for key, _ in recorder.recently_removed()}
