"""A world of matching data: one catalog, a Plex library and Pulsarr's watchlists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import random
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from simulators.catalog import FIRST_NAMES, CatalogTitle, make_catalog
from simulators.plex.generator import make_plex_state
from simulators.pulsarr import PulsarrState
from simulators.pulsarr.imports import import_of
from simulators.pulsarr.records import UserOptions
from simulators.pulsarr.state import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from simulators.plex.state import PlexState

WANTED_SHARE: Final = 0.10
"""Share of the library that is on a watchlist."""
MISSING_SHARE: Final = 0.10
"""Wanted titles that are not in Plex, as a share of the wanted ones that are."""
FANS: Final = ((1, 0.62), (2, 0.22), (3, 0.11), (4, 0.05))
"""How many people want the same title, and how often."""
ODD_EVERY: Final = 25
"""One in this many wanted titles has no external ids yet, another one no Plex key."""
HISTORY_DAYS: Final = 400
TODAY: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""The world's present; its past covers HISTORY_DAYS."""
type Person = tuple[str, UserOptions]

HOUSEHOLD: Final[tuple[Person, ...]] = (
    ("rosa", {"alias": "Rosa", "display_name": "Rosa", "primary": True}),
    ("tim", {"alias": "Tim", "display_name": "Tim"}),
    ("Jürgen", {"alias": "Opa Jürgen", "display_name": "Jürgen"}),
    ("nina", {"display_name": "Nina"}),
    ("sam", {"alias": "Sam", "display_name": "Sam", "notify": False}),
    ("marta", {"alias": "Marta", "display_name": "Marta", "can_sync": False}),
)
"""The first six people: plain names, one not in ASCII, one without channels, one not synced."""

NEIGHBORS: Final[tuple[Person, ...]] = (
    ("Kim, Lou & Max", {"alias": "The flat upstairs"}),
    ("🍿 100% film", {"display_name": "Popcorn"}),
)
"""The next two, whose names break naive code: a comma, an ampersand, a percent sign, an emoji."""

AWKWARD: Final[tuple[Person, ...]] = (
    ("rosa", {"alias": "Rosa", "display_name": "Rosa", "primary": True}),
    ("Rosa", {"display_name": "Another Rosa"}),
    ("Kim, Lou & Max", {"alias": "The flat upstairs"}),
    ("🍿 100% film", {"display_name": "Popcorn"}),
    ("Jürgen", {"alias": "Tim"}),
    ("tim", {"alias": "tim", "notify": False}),
    ("STRASSE", {"can_sync": False}),
    ("straße", {"alias": "  spaces  "}),
    ("4711", {"alias": ""}),
    ("=1+1; DROP", {"display_name": "x" * 120}),
)
"""People whose names differ by case only, fold together, look like numbers, or need escaping."""


class PlexOptions(TypedDict, total=False):
    """The optional arguments of `make_plex_state`."""

    missing: float
    editions: float
    uhd_library: bool
    legacy: float
    legacy_library: bool
    music_library: bool
    unmatched: float
    foreign_labels: bool
    collections: int


@dataclass(frozen=True, slots=True)
class World:
    """Both servers' states over one catalog."""

    catalog: tuple[CatalogTitle, ...]
    plex: PlexState
    pulsarr: PulsarrState

    def wanted(self) -> tuple[CatalogTitle, ...]:
        """Return the titles on at least one watchlist, in the catalog's order."""
        keys = {entry.catalog_key for entry in self.pulsarr.entries()}
        return tuple(title for title in self.catalog if title.key in keys)

    def missing(self) -> tuple[CatalogTitle, ...]:
        """Return the wanted titles that Plex does not have (yet)."""
        missing_keys = {title.key for title in self.plex.missing()}
        return tuple(title for title in self.wanted() if title.key in missing_keys)


def make_world(
    seed: int = 1,
    movies: int = 300,
    shows: int = 80,
    people: int = 6,
    *,
    wanted_in_plex: int | None = None,
    wanted_missing: int | None = None,
    awkward: bool = False,
    **plex: Unpack[PlexOptions],
) -> World:
    """Return a world; the same arguments make the same one.

    The catalog is `make_catalog(seed, movies, shows)`, Plex is `make_plex_state(catalog,
    seed, **plex)`. `wanted_in_plex` is the number of wanted titles in Plex (a tenth of the library by
    default), each wanted by one to four people; `wanted_missing` more are wanted and not in Plex.
    """
    catalog = make_catalog(seed, movies, shows)
    server = make_plex_state(catalog, seed, **plex)
    missing_keys = {title.key for title in server.missing()}
    present = [title for title in catalog if title.key not in missing_keys]
    absent = [title for title in catalog if title.key in missing_keys]
    rng = random.Random(f"watchlists-{seed}")
    count = round(len(present) * WANTED_SHARE) if wanted_in_plex is None else wanted_in_plex
    more = max(round(count * MISSING_SHARE), 4) if wanted_missing is None else wanted_missing
    wanted = rng.sample(present, min(count, len(present)))
    pulsarr = _pulsarr(
        rng,
        _people(people, awkward=awkward),
        wanted,
        rng.sample(absent, min(more, len(absent))),
    )
    # Titles in Plex came through the arr apps, and wanted ones are on their way there.
    pulsarr.in_arrs.update(title.key for title in present)
    pulsarr.in_arrs.update(entry.catalog_key for entry in pulsarr.entries())
    return World(catalog=catalog, plex=server, pulsarr=pulsarr)


def _pulsarr(
    rng: random.Random,
    people: Iterable[Person],
    wanted: Sequence[CatalogTitle],
    absent: Sequence[CatalogTitle],
) -> PulsarrState:
    """Return Pulsarr's state, with a clock that shows the real time once the past is written."""
    state = PulsarrState(clock=lambda: TODAY - timedelta(days=HISTORY_DAYS))
    for name, fields in people:
        state.add_user(name, **fields)
    if state.users():
        _fill(state, rng, wanted, absent)
    state.clock = lambda: datetime.now(UTC)
    return state


def _people(count: int, *, awkward: bool) -> list[Person]:
    first = AWKWARD if awkward else HOUSEHOLD + NEIGHBORS
    return [*first[:count], *_crowd(count - len(first), {name for name, _ in first})]


def _crowd(count: int, taken: set[str]) -> Iterator[Person]:
    """Yield `count` more people: names, then names with a number."""
    for index in range(max(count, 0)):
        plain, turn = FIRST_NAMES[index % len(FIRST_NAMES)], index // len(FIRST_NAMES)
        name = plain.lower() if turn == 0 else f"{plain.lower()}{turn + 1}"
        if name in taken:
            name = f"{name}_home"
        yield name, {"alias": plain if index % 3 else None, "notify": index % 4 != 0}


def _fill(
    state: PulsarrState,
    rng: random.Random,
    wanted: Sequence[CatalogTitle],
    absent: Sequence[CatalogTitle],
) -> None:
    """Give everyone a watchlist: of different sizes, with titles in common."""
    ids = [user.id for user in state.users()]
    weights = [0.3 + rng.random() for _ in ids]
    for index, title in enumerate((*wanted, *absent)):
        first = ids[index] if index < len(ids) else rng.choices(ids, weights)[0]
        fans = rng.choices([fans for fans, _ in FANS], [share for _, share in FANS])[0]
        others = [other for other in rng.sample(ids, min(fans, len(ids))) if other != first]
        for user_id in (first, *others[: fans - 1]):
            _add_entry(state, rng, user_id, title, index, in_plex=index < len(wanted))


def _add_entry(
    state: PulsarrState,
    rng: random.Random,
    user_id: int,
    title: CatalogTitle,
    index: int,
    *,
    in_plex: bool,
) -> None:
    notified = in_plex and state.user(user_id).has_channel
    without_guids = in_plex and index % ODD_EVERY == ODD_EVERY // 2
    without_key = in_plex and index % ODD_EVERY == ODD_EVERY - 1
    arrived = import_of(title, season=None, episode=None)
    if notified and arrived is not None:
        state.notified.add((user_id, arrived.what))
    added = TODAY - timedelta(minutes=rng.randrange(HISTORY_DAYS * 24 * 60))
    state.want(
        user_id,
        title,
        guids=() if without_guids else title.guids,
        key=None if without_key else title.key,
        status="notified" if notified else "grabbed" if in_plex else "requested",
        added=timestamp(added),
    )
