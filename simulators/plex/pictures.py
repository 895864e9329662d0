"""Posters, generated from an item's number."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final
import zlib

from aiohttp import web

if TYPE_CHECKING:
    from simulators.plex.backend import PlexBackend
    from simulators.plex.users import Viewer

WIDTH: Final = 240  # pixels
HEIGHT: Final = 360


class Pictures:
    """The GET routes that return images."""

    def __init__(self, sim: PlexBackend) -> None:
        self._sim = sim

    async def poster(self, request: web.Request, _viewer: Viewer) -> web.Response:
        """Answer `/library/metadata/{key}/thumb/{at}` with the current poster, whatever `at` is."""
        item = self._sim.state.items.get(request.match_info["key"])
        if item is None:
            return web.Response(status=404)
        return web.Response(body=poster(int(item.rating_key)), content_type="image/png")


def poster(seed: int) -> bytes:
    """Return a PNG with a gradient between two colors that depend on the number."""
    top = tuple((seed * step + 60) % 200 for step in (37, 67, 97))
    bottom = tuple((seed * step + 20) % 120 for step in (53, 71, 29))
    rows = bytearray()
    for y in range(HEIGHT):
        mixed = bytes(
            (a * (HEIGHT - y) + b * y) // HEIGHT for a, b in zip(top, bottom, strict=True)
        )
        rows += b"\0" + mixed * WIDTH
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
