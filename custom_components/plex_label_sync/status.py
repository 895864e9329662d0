"""The status shown by the entities, built from the stored summary and the live state."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .summary import LastLabelled, Summary
from .sync.changes import Row
from .sync.model import SyncSettings
from .sync.person_id import PersonId
from .sync.retention import removal_due_at
from .sync.title_status import PersonFigures


class State(StrEnum):
    """What the integration is doing, as the status sensor shows it."""

    IDLE = "idle"
    SYNCING = "syncing"
    WAITING_FOR_PLEX = "waiting_for_plex"
    WAITING_FOR_PULSARR = "waiting_for_pulsarr"
    HELD = "held"
    ERROR = "error"


class Activity(StrEnum):
    """The types of activities, as the activity event reports them."""

    LABELS_CHANGED = "labels_changed"
    SYNC_FINISHED = "sync_finished"
    PENDING_ADDED = "pending_added"
    PENDING_RESOLVED = "pending_resolved"
    PENDING_EXPIRED = "pending_expired"
    RUN_HELD = "run_held"
    RUN_RELEASED = "run_released"  # held changes were decided about or are obsolete
    RUN_UNDONE = "run_undone"
    LABELS_REMOVED = "labels_removed"
    GAP_OPENED = "gap_opened"  # something cannot be read
    GAP_CLOSED = "gap_closed"
    VISIBLE = "visible"  # people can now see a title that they want


@dataclass(frozen=True, slots=True)
class LedgerFigures:
    """Counts of the ledger; `next_leaving` is the next removal, in seconds since the epoch."""

    labelled_items: int = 0
    overrides: int = 0
    next_leaving: float | None = None


def count_rows(rows: Collection[Row], settings: SyncSettings, now: float) -> LedgerFigures:
    """Return the counts of the ledger's rows; `now` is in seconds since the epoch.

    Takes a tenth of a second for tens of thousands of rows: call it in a thread, with rows that do
    not change.
    """
    leaving = (removal_due_at(row, settings) for row in rows if row.unwanted_since)
    return LedgerFigures(
        labelled_items=len({row.rating_key for row in rows if not row.removed_by_user}),
        overrides=sum(row.removed_by_user for row in rows),
        next_leaving=min((when for when in leaving if when and when > now), default=None),
    )


@dataclass(frozen=True, slots=True)
class Live:
    """The part of the status that is not in the summary."""

    state: State = State.IDLE
    pending: int = 0
    labelled_items: int = 0
    overrides: int = 0
    progress: int | None = None  # percent, during a run
    held: bool = False
    unsaved: bool = False
    plex_connected: bool = True
    pulsarr_connected: bool = True
    live_updates: bool = False
    sharing_warnings: int | None = None
    last_sharing_check: datetime | None = None
    sharing_status: str = ""
    sharing_page_key: str | None = None  # of the text that says why something is unknown


@dataclass(frozen=True, slots=True)
class Status(Live):
    """The status shown by the entities; None means not known yet.

    `by_person` holds people's figures by id, None before the first full sync.
    """

    last_sync: datetime | None = None
    labels_added: int | None = None
    labels_removed: int | None = None
    labels_added_total: int = 0
    labels_removed_total: int = 0
    titles_wanted: int | None = None
    titles_missing: int | None = None
    people: int | None = None
    sync_duration: float | None = None  # seconds
    problem: bool = False
    by_person: Mapping[PersonId, PersonFigures] | None = None
    last_labelled: LastLabelled | None = None


def status_of(summary: Summary, live: Live, excluded: frozenset[PersonId]) -> Status:
    """Return the status, without figures for `excluded` people."""
    people = summary.people
    return Status(
        **{one.name: getattr(live, one.name) for one in fields(Live)},
        last_sync=None
        if summary.last_sync is None
        else dt_util.utc_from_timestamp(summary.last_sync),
        labels_added=summary.added,
        labels_removed=summary.removed,
        labels_added_total=summary.added_total,
        labels_removed_total=summary.removed_total,
        titles_wanted=summary.titles,
        titles_missing=summary.missing,
        people=summary.wanting,
        sync_duration=summary.duration,
        problem=summary.incomplete or live.held or live.unsaved,
        by_person=None
        if people is None
        else {one: some for one, some in people.items() if one not in excluded},
        last_labelled=summary.last_labelled,
    )


def activity_signal(entry_id: str) -> str:
    """Return the dispatcher signal of an entry's activities."""
    return f"{DOMAIN}_{entry_id}_activity"
