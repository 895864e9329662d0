"""Fills a Plex server with a share of the catalog, oddities of grown libraries included."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from simulators.plex.items import SEED_TIME, Library, LibraryType
from simulators.plex.state import PlexState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.catalog import CatalogTitle

FOREIGN_LABELS = (
    "Kids",
    "Family",
    "Documentary, short",
    "100% Fun",
    "Feel-good 🎉",
    "Été",
    "Watch & Go",
    "4K HDR",
)
EDITIONS = ("Director's Cut", "Extended", "Theatrical")
FOREIGN_LABEL_SHARE = 0.12
UHD_SHARE = 0.12
OLDEST_SECONDS = 5 * 365 * 86_400  # how long before SEED_TIME the first item was added

AGENTS = {
    "movie": ("tv.plex.agents.movie", "Plex Movie", "/media/films"),
    "show": ("tv.plex.agents.series", "Plex TV Series", "/media/shows"),
    "artist": ("tv.plex.agents.music", "Plex Music", "/media/music"),
}
LEGACY_AGENTS = {"movie": "com.plexapp.agents.imdb", "show": "com.plexapp.agents.thetvdb"}


def make_plex_state(
    catalog: Sequence[CatalogTitle],
    seed: int,
    *,
    missing: float = 0.1,
    editions: float = 0.03,
    uhd_library: bool = True,
    legacy: float = 0.05,
    legacy_library: bool = False,
    music_library: bool = False,
    unmatched: float = 0.01,
    foreign_labels: bool = True,
    collections: int = 0,
) -> PlexState:
    """Return a server with the libraries `1` Movies and `2` TV Shows.

    Optional ones are `3` Movies 4K, `4` Old Movies and `5` Music. `missing`, `editions`, `legacy`
    and `unmatched` are shares of the catalog: not in Plex; present twice in one library; with the
    guid of an old agent; not matched by Plex. The same arguments give the same server.
    """
    rng = random.Random(f"plex-{seed}")
    state = PlexState(machine_identifier=f"{rng.getrandbits(160):040x}")
    state.catalog = tuple(catalog)
    _add_libraries(state, rng, uhd=uhd_library, old=legacy_library, music=music_library)
    for title in catalog:
        if rng.random() < missing:
            continue
        _add_title(state, rng, title, editions=editions, legacy=legacy, unmatched=unmatched)
        if uhd_library and title.type == "movie" and rng.random() < UHD_SHARE:
            state.add_item(title, "3", added_at=_moment(rng))
        if legacy_library and title.type == "movie" and rng.random() < legacy:
            state.add_item(title, "4", guid=_legacy_guid(rng, title), added_at=_moment(rng))
    for number in range(collections):
        state.add_collection("1", f"Collection {number + 1}", size=rng.randint(2, 12))
    if foreign_labels:
        for rating_key in state.items:
            if rng.random() < FOREIGN_LABEL_SHARE:
                state.add_label(rating_key, rng.choice(FOREIGN_LABELS))
    return state


def _add_libraries(
    state: PlexState, rng: random.Random, *, uhd: bool, old: bool, music: bool
) -> None:
    plan: list[tuple[str, LibraryType, str, bool]] = [
        ("1", "movie", "Movies", True),
        ("2", "show", "TV Shows", True),
        ("3", "movie", "Movies 4K", uhd),
        ("4", "movie", "Old Movies", old),
        ("5", "artist", "Music", music),
    ]
    for key, kind, title, wanted in plan:
        if wanted:
            agent, scanner, location = AGENTS[kind]
            if key == "4":
                agent, scanner = LEGACY_AGENTS[kind], "Plex Movie Scanner"
            uuid = f"{rng.getrandbits(128):032x}"
            state.add_library(
                Library(key, kind, title, agent, scanner, _dashed(uuid), f"{location}-{key}")
            )


def _dashed(text: str) -> str:
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _add_title(
    state: PlexState,
    rng: random.Random,
    title: CatalogTitle,
    *,
    editions: float,
    legacy: float,
    unmatched: float,
) -> None:
    pick = rng.random()
    guid = None
    if pick < unmatched:
        guid = _unmatched_guid(rng)
    elif pick < unmatched + legacy:
        guid = _legacy_guid(rng, title)
    seasons = rng.randint(1, 6)
    episodes = seasons * rng.randint(4, 12)
    state.add_item(title, guid=guid, added_at=_moment(rng), seasons=seasons, episodes=episodes)
    if title.type == "movie" and guid is None and rng.random() < editions:
        state.add_item(title, edition=rng.choice(EDITIONS), added_at=_moment(rng))


def _moment(rng: random.Random) -> int:
    return SEED_TIME - 1 - int(rng.random() * OLDEST_SECONDS)


def _unmatched_guid(rng: random.Random) -> str:
    if rng.random() < 0.75:  # noqa: PLR2004  # most unmatched items sit in libraries with an agent
        return f"local://{rng.randint(1, 999_999)}"
    return f"com.plexapp.agents.none://{rng.getrandbits(160):040x}?lang=xn"


def _legacy_guid(rng: random.Random, title: CatalogTitle) -> str:
    if title.type == "movie":
        return rng.choice(
            (
                f"com.plexapp.agents.imdb://{title.imdb}?lang=en",
                f"com.plexapp.agents.themoviedb://{title.tmdb}?lang=en",
            )
        )
    return rng.choice(
        (
            f"com.plexapp.agents.thetvdb://{title.tvdb}?lang=en",
            f"com.plexapp.agents.thetvdb://{title.tvdb}?lang=de",
            f"com.plexapp.agents.themoviedb://{title.tmdb}?lang=en",
            f"com.plexapp.agents.hama://tvdb-{title.tvdb}?lang=en",
            f"com.plexapp.agents.hama://anidb-{rng.randint(1, 18_000)}?lang=en",
        )
    )
