"""How much is asked of a Plex server at once, how long for, and how often again."""

from dataclasses import dataclass
from typing import Final

from ..transport import USUAL_RETRIES, Retries

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PlexLimits:
    """The limits of one client; times are in seconds.

    Pages of a listing have `page_rows` rows, and more where rows are short: as many as fit into
    `page_bytes`, at most `page_rows_max`. A page that took more than `page_seconds` was too large.
    `page_overlaps` says how many rows are read again where a library changed; after these all of
    it. `listing_extra` and `lookup_extra` are requests beyond those that are needed where nothing
    changes and nothing fails.
    """

    page_rows: int = 1000
    page_rows_max: int = 5000
    page_bytes: int = 3 * MIB  # unpacked; about ten times as much while it is parsed
    page_seconds: float = 10.0
    page_overlaps: tuple[int, ...] = (20, 400)
    listing_extra: int = 60
    lookup_extra: int = 100
    items_per_request: int = 200  # by their keys; 240 in one address were seen to work
    probe_timeout: float = 15.0  # while somebody waits at a form
    read_timeout: float = 45.0
    edit_timeout: float = 60.0
    retries: Retries = USUAL_RETRIES


USUAL: Final = PlexLimits()
