"""What the entities show: the state, the figures, and what just happened."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from .const import DOMAIN


class State(StrEnum):
    """What the integration is doing, as the status sensor shows it."""

    IDLE = "idle"
    SYNCING = "syncing"
    WAITING_FOR_PLEX = "waiting_for_plex"
    WAITING_FOR_PULSARR = "waiting_for_pulsarr"
    HELD = "held"
    ERROR = "error"


class Activity(StrEnum):
    """What happened, as the activity event tells it."""

    LABELS_CHANGED = "labels_changed"
    SYNC_FINISHED = "sync_finished"
    PENDING_ADDED = "pending_added"
    PENDING_RESOLVED = "pending_resolved"
    PENDING_EXPIRED = "pending_expired"
    RUN_HELD = "run_held"
    RUN_RELEASED = "run_released"  # what was held was decided, or is over
    RUN_UNDONE = "run_undone"
    LABELS_REMOVED = "labels_removed"
    GAP_OPENED = "gap_opened"  # something cannot be read
    GAP_CLOSED = "gap_closed"
    VISIBLE = "visible"  # a title that somebody wants can be seen by them now


@dataclass(frozen=True, slots=True)
class Status:
    """What the entities show. None means that it is not known yet."""

    state: State = State.IDLE
    pending: int = 0
    last_sync: datetime | None = None
    labels_added: int | None = None
    labels_removed: int | None = None
    labelled_items: int = 0
    titles_wanted: int | None = None
    titles_missing: int | None = None
    overrides: int = 0
    people: int | None = None
    sync_duration: float | None = None  # seconds
    progress: int | None = None  # percent, while a run is on
    problem: bool = False
    plex_connected: bool = True
    pulsarr_connected: bool = True
    live_updates: bool = False
    sharing_warnings: int | None = None
    last_sharing_check: datetime | None = None


class SharingStatus(TypedDict):
    """What the entities show of the sharing side."""

    sharing_warnings: int | None
    last_sharing_check: datetime | None


def activity_signal(entry_id: str) -> str:
    """Return the name of the signal that carries one entry's activities."""
    return f"{DOMAIN}_{entry_id}_activity"
