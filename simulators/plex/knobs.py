"""Behaviour of a Plex server that differs between versions or is not known for sure: every doubt is a knob."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True, slots=True)
class PlexKnobs:
    """Settings of the simulated server; the defaults follow the best evidence there is."""

    # Listings
    total_size_when_unpaged: bool = False  # PMS leaves totalSize out of answers that were not paged
    max_page: int | None = None  # rows per answer, whatever was asked; no maximum is known of PMS
    ignore_paging: bool = False  # the whole set although a size was given
    inline_labels: Literal["never", "always", "some"] = "never"  # PMS 1.43: never in listings
    labels_on_items: bool = (
        True  # answers about single items tell their labels; expected, never recorded
    )
    section_on_row: bool = True  # answers about several items tell the section of each
    owner_sync: bool = True  # the owner's sections allow syncing; on some servers they do not
    label_by: Literal["both", "id", "text"] = "both"  # what the `label` filter understands
    trimming: Literal["honoured", "ignored"] = "honoured"  # include/exclude arguments are wishes
    sorting: bool = True  # false: `sort=` is ignored, everything comes by title
    range_filters: Literal["ignored", "honoured"] = "ignored"  # PMS 1.43.3 ignores `addedAt>>=`
    label_filter_broken: bool = False  # `label=` ignored: every item seems to carry every label
    linger: bool = False  # a label without carriers stays in the label directory

    multi_get_max: int | None = None  # ids in one request; more are refused with 400
    change_counter: bool = True  # libraries tell `contentChangedAt`

    # Edits
    edit_order: Literal["remove_first", "add_first"] = "remove_first"
    capitalise: Literal["first", "words", "none"] = (
        "first"  # what becomes of a new label's spelling
    )
    reuse_spelling: bool = True  # a label that exists in another spelling is reused
    remove_case: Literal["exact", "fold"] = "exact"
    label_fold: Literal["unicode", "ascii"] = "unicode"  # PMS likely: A to Z only
    metadata_put: Literal["replace", "merge"] = "replace"  # PUT /library/metadata/{id}
    bump: bool = False  # label edits move updatedAt and contentChangedAt
    bump_what: Literal["both", "item", "library"] = "both"  # which of the two moves
    removal_decodes: bool = True  # each part of a removal is percent-decoded a second time
    label_max: int | None = None  # characters of a label; the rest is cut off
    settle: float = 0.0  # seconds until reads see an edit
    url_limit: int = 8192  # bytes of the request line; PMS takes about 30 kB, proxies 8 kB
    url_status: int = 414  # or 400

    # Pace, what the simulator itself computes included; zero keeps tests quick
    get_seconds: float = 0.0
    get_seconds_per_row: float = 0.0
    put_seconds: float = 0.0
    put_seconds_per_item: float = 0.0

    # Events
    socket_path: Literal["both", "websockets", "websocket"] = "both"  # where the events are
    notifications: bool = True  # false: a proxy in front answers 404 to the event streams
    edit_events: bool = False  # label edits fire timeline events
    read_refreshes: bool = False  # reading items without `skipRefresh=1` is announced
    done_state: Literal["", "created"] = ""  # the `metadataState` of items that are processed
    ping_seconds: float = 10.0  # between pings on the server-sent event stream

    @classmethod
    def realistic(cls) -> Self:
        """The pace of a small home server: 5 ms per read, 20 ms and 2 ms per item for an edit."""
        return cls(
            get_seconds=0.005,
            get_seconds_per_row=0.00005,
            put_seconds=0.020,
            put_seconds_per_item=0.002,
        )
