"""Invented details of an item (cast, media, texts), always the same for the same rating key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulators.plex.items import Item

type Row = dict[str, Any]

GENRES = ("Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "Mystery", "Thriller")  # fmt: skip
COUNTRIES = (
    "Denmark",
    "France",
    "Germany",
    "Iceland",
    "Japan",
    "Poland",
    "Spain",
    "United Kingdom",
)
NAMES = ("Abel", "Birgit", "Carla", "Dieter", "Elena", "Fabian", "Gudrun", "Henrik", "Ilse", "Jakob", "Katja", "Lennart")  # fmt: skip
SURNAMES = ("Andersen", "Brandt", "Castillo", "Dubois", "Eriksson", "Fontaine", "Grünwald", "Hoffmann", "Ivanova", "Jansen")  # fmt: skip
STUDIOS = ("Harbour Pictures", "Nordlicht Film", "Atelier Sept", "Lantern House", "Quarry Lane")
RATINGS = ("G", "PG", "PG-13", "R", "TV-14", "TV-MA")
CODECS = ("h264", "hevc", "av1")
SENTENCES = (
    "A letter arrives thirty years late and nobody in the village wants to open it.",
    "What began as a simple errand turns into the longest night of the year.",
    "Two sisters inherit a lighthouse, a debt and a very old argument.",
    "The last train has left, and somebody is still on the platform.",
    "An honest clerk finds a number that should not exist.",
)
LISTED_TAGS = 2  # listings truncate tag lists
LISTED_ROLES = 3
DETAILED_ROLES = 14
PART_BYTES = 37_121_337


def _mixed(item: Item) -> int:
    return (item.number * 2_654_435_761) & 0xFFFFFFFF  # Knuth's multiplicative hash


SUMMARIES = tuple(
    f"{first} {second} {third}"
    for first in SENTENCES
    for second in SENTENCES
    for third in SENTENCES
)
DAYS = tuple(f"-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29))


def thumb_of(item: Item) -> str:
    """Return the path of an item's poster."""
    return f"/library/metadata/{item.rating_key}/thumb/{item.updated_at}"


def texts(item: Item) -> Row:
    """Return the plain attributes that every row of an item has."""
    seed = _mixed(item)
    art = f"/library/metadata/{item.rating_key}"
    return {
        "studio": STUDIOS[seed % len(STUDIOS)],
        "contentRating": RATINGS[seed % len(RATINGS)],
        "summary": SUMMARIES[(seed >> 3) % len(SUMMARIES)],
        "audienceRating": 4 + seed % 59 / 10,
        "tagline": SENTENCES[(seed >> 5) % len(SENTENCES)],
        "thumb": thumb_of(item),
        "art": f"{art}/art/{item.updated_at}",
        "duration": 1_500_000 + seed % 6_000_000,
        "originallyAvailableAt": f"{item.year or 1970}{DAYS[seed % len(DAYS)]}",
        "audienceRatingImage": "themoviedb://image.rating",
    }


def media(item: Item, *, streams: bool) -> list[Row]:
    """Return the files of a film."""
    seed = _mixed(item)
    width, height, name = (3840, 2160, "4k") if item.section == "3" else (1920, 1080, "1080")
    codec = CODECS[seed % len(CODECS)]
    duration = 1_500_000 + seed % 6_000_000
    part: Row = {
        "id": item.number * 2 + 1,
        "key": f"/library/parts/{item.number * 2 + 1}/{item.added_at}/file.mkv",
        "duration": duration,
        "file": f"/media/films-{item.section}/{item.title} ({item.year})/{item.title} ({item.year}).mkv",
        "size": PART_BYTES * (20 + seed % 200),
        "container": "mkv",
        "videoProfile": "main 10" if codec == "hevc" else "high",
    }
    if streams:
        part["Stream"] = [
            {"id": item.number * 9, "streamType": 1, "default": True, "codec": codec, "index": 0, "bitrate": 9_000, "width": width, "height": height, "frameRate": 23.976, "displayTitle": f"{name}p ({codec.upper()})"},
            {"id": item.number * 9 + 1, "streamType": 2, "selected": True, "codec": "eac3", "index": 1, "channels": 6, "bitrate": 640, "language": "English", "languageCode": "eng", "displayTitle": "English (EAC3 5.1)"},
            {"id": item.number * 9 + 2, "streamType": 3, "codec": "srt", "index": 2, "language": "Deutsch", "languageCode": "deu", "displayTitle": "Deutsch (SRT)"},
        ]  # fmt: skip
    return [
        {
            "id": item.number * 2,
            "duration": duration,
            "bitrate": 9_640,
            "width": width,
            "height": height,
            "aspectRatio": 1.78,
            "audioChannels": 6,
            "audioCodec": "eac3",
            "videoCodec": codec,
            "videoResolution": name,
            "container": "mkv",
            "videoFrameRate": "24p",
            "videoProfile": part["videoProfile"],
            "Part": [part],
        }
    ]


def credits_of(item: Item, *, detailed: bool) -> dict[str, list[Row]]:
    """Return Genre, Country, Director, Writer and Role; truncated in listings."""
    seed = _mixed(item)
    genres = [GENRES[(seed >> shift) % len(GENRES)] for shift in (2, 9, 17)]
    found = {
        "Genre": _named(dict.fromkeys(genres), detailed),
        "Country": _named([COUNTRIES[seed % len(COUNTRIES)]], detailed),
        "Director": _named([_person(seed >> 4)], detailed),
        "Writer": _named([_person(seed >> 6), _person(seed >> 8)], detailed),
    }
    roles = DETAILED_ROLES if detailed else LISTED_ROLES
    found["Role"] = [_role(seed, number, detailed=detailed) for number in range(roles)]
    return found


def _named(names: Any, detailed: bool) -> list[Row]:  # noqa: ANN401
    names = list(names)
    if not detailed:
        return [{"tag": name} for name in names[:LISTED_TAGS]]
    return [
        {"id": 100 + len(name), "filter": f"tag={100 + len(name)}", "tag": name} for name in names
    ]


def _role(seed: int, number: int, *, detailed: bool) -> Row:
    who = _person(seed >> number)
    if not detailed:
        return {"tag": who}
    return {
        "id": 7_000 + (seed >> number) % 900,
        "filter": f"actor={7_000 + (seed >> number) % 900}",
        "tag": who,
        "tagKey": f"5d{(seed * (number + 3)) & 0xFFFFFFFFFFFFFFFFFFFFFF:022x}",
        "role": NAMES[(seed >> (number + 2)) % len(NAMES)],
        "thumb": f"https://metadata.example.org/people/{(seed * (number + 7)) & 0xFFFFFFFFFFFF:012x}.jpg",
    }


def _person(seed: int) -> str:
    return f"{NAMES[seed % len(NAMES)]} {SURNAMES[(seed >> 3) % len(SURNAMES)]}"
