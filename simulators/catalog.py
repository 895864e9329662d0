"""An invented catalog of films and shows that both simulated servers share."""

from __future__ import annotations

from dataclasses import dataclass
import random
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

type TitleType = Literal["movie", "show"]

ROMAN = ("II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
FILM_WITH_TVDB_SHARE = 0.35  # films rarely have a TVDB id
SHARED_TMDB_SHARE = 0.05  # a film and a show with the same TMDB number
FIRST_YEAR, LAST_YEAR = 1931, 2026


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ADJECTIVES = _words(
    """Amber Ancient Bitter Black Blue Borrowed Brave Broken Burning Careless Cold Copper Crooked Crystal Daring
    Distant Double Drowned Eastern Electric Empty Endless Eternal Faded Fallen Final Forgotten Frozen Gentle
    Gilded Golden Green Hidden Hollow Honest Hungry Idle Infinite Iron Ivory Last Little Lonely Long Lost Loud
    Lucky Midnight Modern Narrow Northern Old Open Pale Paper Patient Perfect Polite Private Quiet Red Restless
    Sacred Scarlet Second Secret Seventh Silent Silver Simple Slow Small Southern Spare Stolen Stubborn Sudden
    Summer Tall Tender Thin Thirsty Twisted Unlikely Velvet Violet Wandering Western White Wild Winter Wooden
    Wrong Young Überlange Naïve Málaga Señorial"""
)
NOUNS = _words(
    """Academy Alibi Anchor Apprentice Archive Arrow Astronomer Atlas Avenue Baker Balcony Ballad Bargain Bell
    Bicycle Boundary Bridge Brother Candle Caravan Carnival Cartographer Cathedral Chapter Circle Clock Coast
    Colony Comet Compass Concert Confession Corridor Courier Crossing Crown Current Daughter Desert Detective
    Diary Divide Door Dream Drummer Echo Elevator Emperor Engine Estate Evening Expedition Falcon Farewell
    Festival Field Fire Fisherman Forecast Forest Fortune Fox Garden Gardener Gate Ghost Glacier Guest Harbour
    Harvest Heist Highway Holiday Horizon Horse Hotel Hour House Hunter Island Journey Judge Junction Kingdom
    Kitchen Ladder Lagoon Lantern Legacy Letter Library Lighthouse Lion Locksmith Machine Map Market Marriage
    Meadow Melody Memory Mirror Monument Moon Morning Motel Mountain Museum Musician Neighbour Night Oath
    Observer Ocean Orchard Orchestra Orphan Outlaw Painter Palace Passage Passenger Pilot Planet Postman Prairie
    Promise Quarry Queen Question Railway Rain Raven Reckoning Refuge River Road Rooftop Rumour Sailor Salt
    Season Shadow Shepherd Shore Signal Sister Sky Snow Soldier Song Station Stone Storm Stranger Street Summit
    Swimmer Tailor Theatre Thief Tide Tower Train Translator Treasure Trial Tunnel Valley Verdict Village Violin
    Voyage Waiter Watchman Wedding Whale Widow Wilderness Window Witness Wolf"""
)
FIRST_NAMES = _words(
    """Ada Agnès Alma Anders Anouk Bjørn Björk Camille Carlos Céline Chloé Dagmar Dario Edith Elif Émile Esther
    Eszter Felix Frida Gaspard Greta Hanna Hélène Hugo Ines Ingrid Iris Ivan Jürgen Jonas Judit Karin Kasimir
    Klara Laszlo Leonie Linnéa Lotte Ludwig Łukasz Maja Marguerite Mateo Mathilde Milo Mira Müller Nadia Nils
    Noémie Odile Oskar Otto Paulina Petra Quentin Rafael Rosa Ruth Samir Selma Signe Søren Sofia Tadeusz Thea
    Tomás Ulla Ursula Valentin Vera Viktor Wanda Xavier Yara Yusuf Zelda Zoë"""
)
PLACES = _words(
    """Aarhus Arles Bergen Bilbao Bordeaux Brno Bruges Cádiz Córdoba Dover Dresden Évora Faro Galway Gdańsk
    Ghent Graz Göteborg Haarlem Izmir Kaunas Köln København Lagos Leeds Lima Lisbon Ljubljana Lübeck Malmö Metz
    Minsk Montréal Nantes Odense Oran Ostrava Oulu Padua Porto Québec Quito Reims Riga Rouen Salzburg São-Paulo
    Siena Split Tallinn Tartu Tórshavn Trieste Tromsø Turku Uppsala Utrecht Valparaíso Vilnius Zadar Zürich"""
)
VERBS = _words(
    """Burning Calling Chasing Counting Crossing Drawing Escaping Feeding Finding Following Forgetting Guarding
    Hiding Inventing Keeping Leaving Losing Mending Naming Opening Painting Reading Remembering Saving Selling
    Stealing Teaching Trusting Waiting-for Watching"""
)


@dataclass(frozen=True, slots=True)
class CatalogTitle:
    """One film or show of the invented world, with its external ids."""

    type: TitleType
    title: str
    year: int
    key: str  # 24 hex digits: the id in Plex's online metadata
    imdb: str
    tmdb: int
    tvdb: int | None  # always for shows, sometimes for films

    @property
    def guids(self) -> tuple[str, ...]:
        """Return the external ids as Pulsarr writes them: `imdb:tt…`, `tmdb:…`, `tvdb:…`."""
        ids = (f"imdb:{self.imdb}", f"tmdb:{self.tmdb}")
        return ids if self.tvdb is None else (*ids, f"tvdb:{self.tvdb}")

    @property
    def plex_guid(self) -> str:
        """Return the primary guid of an item matched by Plex's own agent."""
        return f"plex://{self.type}/{self.key}"


def make_catalog(seed: int, movies: int, shows: int) -> tuple[CatalogTitle, ...]:
    """Return `movies` films followed by `shows` shows; the same arguments give the same titles.

    Titles and keys are unique in the whole catalog, external ids within their type.
    """
    rng = random.Random(f"catalogue-{seed}")
    names = _unique_names(rng)
    films = tuple(_numbered(rng, "movie", names, movies, taken_tmdb=()))
    film_tmdb = [film.tmdb for film in films]
    return films + tuple(_numbered(rng, "show", names, shows, taken_tmdb=film_tmdb))


def _numbered(
    rng: random.Random,
    kind: TitleType,
    names: Iterator[str],
    count: int,
    *,
    taken_tmdb: Sequence[int],
) -> Iterator[CatalogTitle]:
    imdb, tmdb, tvdb = (100_000, 90, 400) if kind == "movie" else (20_000_000, 1_000, 70_000)
    shared: set[int] = set()
    used: set[int] = set()
    for _ in range(count):
        imdb += _below(rng, 190) + 1
        tmdb += _below(rng, 15) + 1
        tvdb += _below(rng, 40) + 1
        number = tmdb
        if taken_tmdb and rng.random() < SHARED_TMDB_SHARE:
            number = _pick(rng, taken_tmdb)
            shared.add(number)
        while number in used or (number == tmdb and number in shared):
            tmdb += 1
            number = tmdb
        used.add(number)
        yield CatalogTitle(
            type=kind,
            title=next(names),
            year=FIRST_YEAR + _below(rng, LAST_YEAR - FIRST_YEAR + 1),
            key=f"5d{rng.getrandbits(88):022x}",
            imdb=f"tt{imdb:07d}",
            tmdb=number,
            tvdb=tvdb if kind == "show" or rng.random() < FILM_WITH_TVDB_SHARE else None,
        )


def _unique_names(rng: random.Random) -> Iterator[str]:
    taken: set[str] = set()
    while True:
        plain = _name(rng)
        name, sequel = plain, 0
        while name.casefold() in taken:
            name = f"{plain} {ROMAN[sequel]}" if sequel < len(ROMAN) else f"{plain}: {_name(rng)}"
            sequel += 1
        taken.add(name.casefold())
        yield name


PATTERNS = (  # weight, and pattern
    (16, "The {adjective} {noun}"),
    (16, "{adjective} {noun}"),
    (16, "The {noun} of {place}"),
    (10, "{first} and the {adjective} {noun}"),
    (8, "{verb} {first}"),
    (8, "The {noun}'s {other}"),
    (7, "{noun} & {other}"),
    (2, "{noun}, {other}, {adjective}"),
    (2, "{number}% {noun}"),
    (1, "{first}: A {adjective} {noun}"),
    (1, "Who Is {first}?"),
    (1, "Le Fabuleux {noun} de {first}"),
    (1, "Der {noun} von {place}"),
    (1, "Adiós, {first}!"),
    (1, "{noun} No. {number}"),
    (1, "«{adjective}» {noun}"),
    (1, "{place} +{number}°"),
)
PATTERN_DRAWER = tuple(pattern for weight, pattern in PATTERNS for _ in range(weight))


def _name(rng: random.Random) -> str:
    return _pick(rng, PATTERN_DRAWER).format(
        adjective=_pick(rng, ADJECTIVES),
        noun=_pick(rng, NOUNS),
        other=_pick(rng, NOUNS),
        first=_pick(rng, FIRST_NAMES),
        place=_pick(rng, PLACES),
        verb=_pick(rng, VERBS).replace("-", " "),
        number=2 + _below(rng, 98),
    )


def _below(rng: random.Random, bound: int) -> int:
    """Return an integer in 0 … bound - 1; faster than `randrange`, with a negligible bias."""
    return int(rng.random() * bound)


def _pick[T](rng: random.Random, choices: Sequence[T]) -> T:
    return choices[_below(rng, len(choices))]
