"""Settings for Plex behavior that differs between versions or is uncertain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True, slots=True)
class PlexKnobs:
    """Settings of the simulated server; the defaults follow the best available evidence."""

    # Listings
    total_size_when_unpaged: bool = False  # PMS omits totalSize from unpaged responses
    max_page: int | None = None  # rows per response; no limit of PMS is known
    ignore_paging: bool = False  # return all rows although a size was given
    inline_labels: Literal["never", "always", "some"] = "never"  # PMS 1.43: never in listings
    labels_on_items: bool = (
        True  # responses about single items include their labels; expected, not confirmed
    )
    section_on_row: bool = True  # responses about several items include the section of each
    owner_sync: bool = True  # sections allow syncing for the owner, though not on all servers
    label_by: Literal["both", "id", "text"] = "both"  # what the `label` filter matches
    trimming: Literal["honored", "ignored"] = "honored"  # include/exclude arguments
    sorting: bool = True  # false: `sort=` is ignored, rows are sorted by title
    range_filters: Literal["ignored", "honored"] = "ignored"  # PMS 1.43.3 ignores `addedAt>>=`
    label_filter_broken: bool = False  # `label=` is ignored: every item seems to carry every label
    linger: bool = False  # a label without items stays in the label directory

    multi_get_max: int | None = None  # ids in one request; more are refused with 400
    change_counter: bool = True  # libraries have `contentChangedAt`

    # Edits
    edit_order: Literal["remove_first", "add_first"] = "remove_first"
    capitalize: Literal["first", "words", "none"] = (
        "first"  # how the spelling of a new label is changed
    )
    reuse_spelling: bool = True  # a label that exists in another spelling is reused
    remove_case: Literal["exact", "fold"] = "exact"
    label_fold: Literal["unicode", "ascii"] = "unicode"  # PMS likely: A to Z only
    metadata_put: Literal["replace", "merge"] = "replace"  # PUT /library/metadata/{id}
    bump: bool = False  # label edits update updatedAt and contentChangedAt
    bump_what: Literal["both", "item", "library"] = "both"  # which of the two is updated
    removal_decodes: bool = True  # each part of a removal is percent-decoded a second time
    label_max: int | None = None  # characters of a label; the rest is cut off
    settle: float = 0.0  # seconds until reads see an edit
    url_limit: int = 8192  # bytes of the request line; PMS takes about 30 kB, proxies 8 kB
    url_status: int = 414  # or 400

    # Pace, including the simulator's own computing time; zero keeps tests fast
    get_seconds: float = 0.0
    get_seconds_per_row: float = 0.0
    put_seconds: float = 0.0
    put_seconds_per_item: float = 0.0

    # Events
    socket_path: Literal["both", "websockets", "websocket"] = "both"  # paths of the event stream
    notifications: bool = True  # false: a proxy in front answers 404 to the event stream
    edit_events: bool = False  # label edits cause timeline events
    read_refreshes: bool = False  # reading items without `skipRefresh=1` causes events

    @classmethod
    def realistic(cls) -> Self:
        """Return a small home server's pace: 5 ms per read, 20 ms and 2 ms per item for an edit."""
        return cls(
            get_seconds=0.005,
            get_seconds_per_row=0.00005,
            put_seconds=0.020,
            put_seconds_per_item=0.002,
        )
