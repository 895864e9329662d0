"""Fetch posters from the Plex server itself, never from elsewhere and never exposing the token."""

from dataclasses import dataclass
import re
from typing import Final

from ..sync.model import Failure, Service, ServiceError
from ..transport import SMALL_MAX, Transport
from .parse import container

PICTURE_MAX: Final = 8 * 1024 * 1024  # bytes
PICTURE_TIMEOUT: Final = 15.0  # seconds, while the user looks at a dashboard
# Signatures of the allowed formats, whatever content type the answer states; none that a browser
# would execute, such as SVG.
_BEGINNINGS: Final = (
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
)

# A picture on this server. Plex may name a URL elsewhere, which is ignored.
_OWN_PICTURE: Final = re.compile(r"/library/metadata/[0-9]+/(?:thumb|poster)(?:/[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as received."""

    content_type: str
    body: bytes


class Pictures:
    """Requests pictures from one server."""

    def __init__(self, http: Transport) -> None:
        """Initialize with `http`, which sends the token in a header and never in a URL."""
        self._http = http

    async def poster(self, rating_key: str) -> Picture | None:
        """Return the poster of an item, None if it has none. Raises ServiceError."""
        try:
            path = await self._http.read(
                f"/library/metadata/{rating_key}",
                _poster_path,
                seconds=PICTURE_TIMEOUT,
                tries=1,
                bytes_max=SMALL_MAX,
            )
            if path is None:
                return None
            answer = await self._http.send(
                "GET", path, seconds=PICTURE_TIMEOUT, tries=1, bytes_max=PICTURE_MAX
            )
        except ServiceError as err:
            if err.failure is Failure.NOT_FOUND:
                return None
            raise
        for content_type, beginning in _BEGINNINGS:
            if beginning.match(answer.body):
                return Picture(content_type, answer.body)
        raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, "the poster is not an image")


def _poster_path(answer: object) -> str | None:
    """Return the path of an item's poster on the server. Raises ValueError."""
    rows = container(answer).get("Metadata")
    row = rows[0] if isinstance(rows, list) and rows else None
    thumb = row.get("thumb") if isinstance(row, dict) else None
    return thumb if isinstance(thumb, str) and _OWN_PICTURE.fullmatch(thumb) else None
