"""Builders of the payloads that Radarr and Sonarr post to a "Connect → Webhook" address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.catalog import CatalogTitle

RADARR: Final = "Radarr"
SONARR: Final = "Sonarr"

SONARR_TEST_TVDB: Final = 1234
"""The dummy id in Sonarr's test payload."""


def radarr_download(
    title: CatalogTitle,
    *,
    upgrade: bool = False,
    imdb: bool = True,
    tags: Sequence[str | int] | None = (),
) -> dict[str, Any]:
    """Return Radarr's import of a movie file (with `upgrade`, a replacement).

    `tags=None` gives the payload of an older Radarr.
    """
    folder = f"/movies/{title.title} ({title.year})"
    name = f"{title.title}.mkv"
    payload = _radarr("Download", title, imdb=imdb, tags=tags)
    payload |= {
        "movieFile": {
            "id": _number(title, 1),
            "relativePath": name,
            "path": f"{folder}/{name}",
            "quality": "WEBDL-1080p",
            "size": 4_000_000_000,
        },
        "isUpgrade": upgrade,
        "downloadId": title.key.upper(),
    }
    if upgrade:
        payload["deletedFiles"] = [{"relativePath": f"old {name}", "path": f"{folder}/old {name}"}]
    return payload


def sonarr_download(
    title: CatalogTitle,
    season: int = 1,
    episodes: Sequence[int] = (1,),
    *,
    complete: bool = False,
    tags: Sequence[str | int] | None = (),
) -> dict[str, Any]:
    """Return Sonarr's import of episodes of a season; `complete` is "import complete"."""
    payload = _sonarr("Download", title, tags=tags)
    files = [
        {"id": number, "relativePath": f"Season {season:02d}/S{season:02d}E{number:02d}.mkv"}
        for number in episodes
    ]
    payload |= {
        "episodes": [_episode(title, season, number) for number in episodes],
        "downloadId": title.key.upper(),
    }
    if complete:
        payload |= {
            "episodeFiles": files,
            "fileCount": len(files),
            "release": {"releaseType": "seasonPack"},
        }
    else:
        payload |= {"episodeFile": files[0] if files else {}, "isUpgrade": False}
    return payload


def radarr_test() -> dict[str, Any]:
    """Return what Radarr's Test button sends: it contains no real id."""
    return {
        "eventType": "Test",
        "instanceName": RADARR,
        "movie": {
            "id": 1,
            "title": "Test Title",
            "year": 1970,
            "tmdbId": 0,
            "folderPath": "C:\\testpath",
            "releaseDate": "1970-01-01",
            "tags": ["test-tag"],
        },
        "remoteMovie": {"tmdbId": 1234, "imdbId": "5678", "title": "Test title", "year": 1970},
    }


def sonarr_test() -> dict[str, Any]:
    """Return what Sonarr's Test button sends: it contains a dummy tvdb id."""
    return {
        "eventType": "Test",
        "instanceName": SONARR,
        "series": {
            "id": 1,
            "title": "Test Title",
            "path": "C:\\testpath",
            "tvdbId": SONARR_TEST_TVDB,
            "type": "standard",
            "tags": ["test-tag"],
        },
        "episodes": [
            {"id": 123, "episodeNumber": 1, "seasonNumber": 1, "title": "Test title"},
        ],
    }


def radarr_event(event_type: str, title: CatalogTitle, **more: object) -> dict[str, Any]:
    """Return another Radarr event about a movie, such as Grab, Rename or MovieDelete."""
    return _radarr(event_type, title, imdb=True, tags=()) | more


def sonarr_event(event_type: str, title: CatalogTitle, **more: object) -> dict[str, Any]:
    """Return another Sonarr event about a series, such as Grab, Rename or SeriesDelete."""
    return _sonarr(event_type, title, tags=()) | more


def arr_notice(event_type: str, *, instance: str = RADARR, **more: object) -> dict[str, Any]:
    """Return an event about the app itself, such as Health or ApplicationUpdate."""
    payload: dict[str, Any] = {"eventType": event_type, "instanceName": instance}
    if event_type.startswith("Health"):
        payload |= {
            "level": "warning",
            "message": "Indexers unavailable due to failures",
            "type": "IndexerStatusCheck",
        }
    return payload | more


def _radarr(
    event_type: str, title: CatalogTitle, *, imdb: bool, tags: Sequence[str | int] | None
) -> dict[str, Any]:
    movie: dict[str, Any] = {
        "id": _number(title),
        "title": title.title,
        "year": title.year,
        "tmdbId": title.tmdb,
        "folderPath": f"/movies/{title.title} ({title.year})",
        "releaseDate": f"{title.year}-06-01",
    }
    if imdb:
        movie["imdbId"] = title.imdb
    if tags is not None:
        movie["tags"] = list(tags)
    return {"eventType": event_type, "instanceName": RADARR, "movie": movie}


def _sonarr(
    event_type: str, title: CatalogTitle, *, tags: Sequence[str | int] | None
) -> dict[str, Any]:
    series: dict[str, Any] = {
        "id": _number(title),
        "title": title.title,
        "tvdbId": title.tvdb or 0,
        "imdbId": title.imdb,
        "path": f"/tv/{title.title}",
        "type": "standard",
    }
    if tags is not None:
        series["tags"] = list(tags)
    return {"eventType": event_type, "instanceName": SONARR, "series": series}


def _episode(title: CatalogTitle, season: int, number: int) -> dict[str, Any]:
    return {
        "id": _number(title, season * 100 + number),
        "seasonNumber": season,
        "episodeNumber": number,
        "title": f"Episode {number}",
        "airDate": f"{title.year}-09-04",
        "airDateUtc": f"{title.year}-09-04T00:00:00Z",
    }


def _number(title: CatalogTitle, more: int = 0) -> int:
    """Return an arr's own id for a title: stable, and unrelated to any id in Plex or Pulsarr."""
    return int(title.key[-5:], 16) + more
