"""Limits of requests to a Plex server: sizes, timeouts and retries."""

from dataclasses import dataclass
from typing import Final

from ..transport import USUAL_RETRIES, Retries

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PlexLimits:
    """The limits of one client; times are in seconds.

    A page of a listing has `page_rows` rows, and more where rows are short: as many as fit into
    `page_bytes`, at most `page_rows_max`. A page that took longer than `page_seconds` was too
    large. `page_overlaps` are the numbers of rows to read again where a library changed; after the
    last one, all of it is read again. `listing_extra` and `lookup_extra` are the requests allowed
    beyond those needed when nothing changes and nothing fails, `lookup_again` those that may fail
    for items that could not be read before.
    """

    page_rows: int = 1000
    page_rows_max: int = 5000
    page_bytes: int = 3 * MIB  # uncompressed; parsing takes about ten times as much
    page_seconds: float = 10.0
    page_overlaps: tuple[int, ...] = (20, 400)
    listing_extra: int = 60
    lookup_extra: int = 100
    lookup_again: int = 12
    items_per_request: int = 200  # by rating key; 240 in one URL are known to work
    probe_timeout: float = 15.0  # while the user waits at a form
    read_timeout: float = 45.0
    edit_timeout: float = 60.0
    # Between pings of the notifications; a socket that is silent for longer is dead.
    heartbeat: float | None = 15.0
    retries: Retries = USUAL_RETRIES


USUAL: Final = PlexLimits()
