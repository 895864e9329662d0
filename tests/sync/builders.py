"""Concise builders of people, titles and items, and strategies that draw them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from custom_components.plex_label_sync.sync.changes import Action, Change, Row
from custom_components.plex_label_sync.sync.current_labels import CurrentLabels
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    Item,
    LabelledItem,
    MediaType,
    Person,
    StoredLabel,
    Title,
    Watchlists,
    fold,
)
from custom_components.plex_label_sync.sync.person_id import NO_ID, pulsarr_id
from custom_components.plex_label_sync.sync.plan_view import View
from custom_components.plex_label_sync.sync.protection import Evidence
from custom_components.plex_label_sync.sync.reasons import PersonRef, Reason, ReasonCode
from custom_components.plex_label_sync.sync.wanted import WantedTitle
from custom_components.plex_label_sync.sync.wanted_labels import WantedItem, wanted_items

MOVIE, SHOW = MediaType.MOVIE, MediaType.SHOW

ANNA = Person(pulsarr_id(1), "anna")
BEN = Person(pulsarr_id(2), "ben")
CARL = Person(pulsarr_id(3), "carl")


def movie(*ids: str, name: str = "Heat") -> Title:
    """Return a wanted movie."""
    return Title(MOVIE, name, frozenset(ids))


def show(*ids: str, name: str = "Dark") -> Title:
    """Return a wanted show."""
    return Title(SHOW, name, frozenset(ids))


def item(
    rating_key: str, *ids: str, library: str = "1", type_: MediaType = MOVIE, title: str = "Heat"
) -> Item:
    """Return an entry of a library."""
    return Item(rating_key, library, type_, title, frozenset(ids))


def watchlists(wanted: Mapping[Person, Sequence[Title]]) -> Watchlists:
    """Return everybody's watchlist."""
    return Watchlists(
        tuple(wanted), {person.id: tuple(some) for person, some in wanted.items()}, read_at=0.0
    )


def wanted_title(title: Title, *people: Person) -> WantedTitle:
    """Return one title and who wants it."""
    return WantedTitle(title, people)


def add(label: str, rating_key: str, library: str = "1") -> Change:
    """Return the addition of a label."""
    return Change(Action.ADD, label, library, rating_key, "Heat", Reason(ReasonCode.WANTED))


def remove(label: str, rating_key: str, library: str = "1") -> Change:
    """Return the removal of a label."""
    return Change(Action.REMOVE, label, library, rating_key, "Heat", Reason(ReasonCode.NOT_WANTED))


def present(labels: dict[str, Sequence[str]], *, library: str = "1") -> CurrentLabels:
    """Return what one library holds: stored labels by rating key."""
    result = CurrentLabels()
    texts = list(dict.fromkeys(text for some in labels.values() for text in some))
    stored = [StoredLabel(str(20_000 + number), text) for number, text in enumerate(texts)]
    result.add_directory(library, stored)
    for label in stored:
        result.add_carriers(label, [key for key, some in labels.items() if label.text in some])
    return result


def ledger(*rows: tuple[str, str], library: str = "1") -> Ledger:
    """Return a ledger of (rating key, label) rows."""
    return Ledger(Row(label, library, rating_key, 0) for rating_key, label in rows)


def evidence(items: Iterable[WantedItem]) -> Evidence:
    """Return the evidence of a run that has read all of these items by rating key."""
    return Evidence({one.item.rating_key: LabelledItem(one.item, ()) for one in items})


def proven(view: View) -> View:
    """Return a view for which every item itself was read."""
    return replace(view, evidence=evidence(view.items.values()))


names = st.sampled_from(("anna", "ben", "", "Zoë & Co")) | st.text(max_size=5)
reasons = st.builds(
    Reason,
    code=st.sampled_from(ReasonCode),
    label=names,
    title=names,
    since=st.integers(0, 2**32),
    run_id=names,
)
person_ids = st.integers(1, 5).map(pulsarr_id)
person_refs = st.builds(PersonRef, id=st.just(NO_ID) | person_ids, name=names)

# Few names that fold together in many ways, so that drawn worlds have many collisions.
GUIDS = ("", "plex://movie/1", "plex://movie/2")
LABELS = ("anna", "Anna", "ANNA", "ben", "Ben", "straße", "STRASSE", "Kids", "kids", "\u0131pek")
NUMBERS = st.integers(1, 4)

people = st.builds(
    Person,
    id=person_ids,
    username=st.sampled_from(("anna", "Anna", "ben", "straße", "STRASSE", "Kids", "a,b & c")),
    alias=st.sampled_from((None, "", "Anna", "Opa")),
    can_sync=st.booleans(),
)
households = st.lists(people, max_size=5, unique_by=lambda person: person.id)

ids = st.one_of(
    NUMBERS.map(lambda number: f"plex:{number:024x}"),
    NUMBERS.map(lambda number: f"tmdb:{number}"),
    NUMBERS.map(lambda number: f"imdb:tt{number:07d}"),
    NUMBERS.map(lambda number: f"tvdb:{number}"),
)

ledger_rows = st.builds(
    Row,
    label=st.sampled_from(LABELS) | st.text(min_size=1, max_size=8),
    library=st.sampled_from("12"),
    rating_key=st.integers(1, 6).map(str),
    written=st.integers(0, 2**32),
    people=st.lists(person_ids, max_size=3, unique=True).map(lambda some: tuple(sorted(some))),
    title_id=st.just("") | ids,
    unwanted_since=st.just(0) | st.integers(1, 2**32),
    removed_by_user=st.booleans(),
    pinned=st.booleans(),
    is_removed_marker=st.booleans(),
    confirmed=st.booleans(),
    uuid=st.sampled_from(("", "", "uuid-1", "uuid-2")),
    type=st.sampled_from(("", "movie", "show")),
    guid=st.sampled_from(GUIDS),
    ids=st.frozensets(ids, max_size=3),
    added=st.just(0) | st.integers(1, 2**32),
)


def _one_plex_id(some: Iterable[str]) -> frozenset[str]:
    """Return the ids with only the first of several Plex keys, as nothing has two of them."""
    keys = sorted(one for one in some if one.startswith("plex:"))
    return frozenset(some) - frozenset(keys[1:])


id_sets = st.frozensets(ids, max_size=4).map(_one_plex_id)
titles = st.builds(Title, type=st.sampled_from(MediaType), name=st.just("Heat"), ids=id_sets)


@st.composite
def all_watchlists(draw: st.DrawFn) -> Watchlists:
    """Draw people with their watchlists."""
    open_env = draw(households)
    return watchlists({person: draw(st.lists(titles, max_size=5)) for person in open_env})


@st.composite
def library_items(draw: st.DrawFn, *, limit: int = 8) -> list[Item]:
    """Draw items of two movie libraries and one of shows."""
    return [
        Item(
            str(100 + number),
            library,
            SHOW if library == "2" else MOVIE,
            draw(st.sampled_from(("Heat", "Dark", "Up"))),
            draw(id_sets),
            guid=draw(st.sampled_from(GUIDS)),
            added=draw(st.integers(0, 2)),
        )
        for number, library in enumerate(draw(st.lists(st.sampled_from("123"), max_size=limit)))
    ]


@st.composite
def labels_in_plex(
    draw: st.DrawFn, items: Sequence[Item], *, more: Sequence[str] = ()
) -> dict[str, dict[str, list[str]]]:
    """Draw the items' labels: library → rating key → stored spellings."""
    carried: dict[str, dict[str, list[str]]] = {}
    for one in items:
        some = draw(st.lists(st.sampled_from([*LABELS, *more]), max_size=3, unique=True))
        carried.setdefault(one.library, {})[one.rating_key] = some
    return carried


def picture(carried: dict[str, dict[str, list[str]]]) -> CurrentLabels:
    """Return drawn labels in the form in which a run reads them."""
    result = CurrentLabels()
    for library, items in carried.items():
        result.directory.update(present(dict(items), library=library).directory)
        for key, labels in items.items():
            result.add_item(key, labels)
    return result


def texts(there: CurrentLabels) -> set[tuple[str, str]]:
    """Return the labels on items: rating keys and spellings."""
    return {
        (key, text)
        for forms in there.carriers.values()
        for text, keys in forms.items()
        for key in keys
    }


def folded(labels: Iterable[str]) -> set[str]:
    """Return labels in the form in which they are compared."""
    return {fold(label) for label in labels}


__all__ = [
    "ANNA",
    "BEN",
    "CARL",
    "GUIDS",
    "LABELS",
    "MOVIE",
    "SHOW",
    "WantedItem",
    "add",
    "all_watchlists",
    "evidence",
    "folded",
    "id_sets",
    "ids",
    "item",
    "labels_in_plex",
    "ledger",
    "ledger_rows",
    "library_items",
    "movie",
    "people",
    "person_refs",
    "picture",
    "present",
    "proven",
    "reasons",
    "remove",
    "show",
    "titles",
    "wanted_items",
    "wanted_title",
    "watchlists",
]
