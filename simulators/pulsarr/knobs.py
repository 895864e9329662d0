"""Settings of a simulated Pulsarr: its version, its configuration, and uncertain behavior."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Self

EVENT_TYPES_FIRST = (
    "media.available",
    "watchlist.added",
    "watchlist.removed",
    "approval.created",
    "approval.resolved",
    "approval.auto",
    "delete_sync.completed",
    "user.created",
)
"""The eight events of the first Pulsarr version that had outgoing webhooks."""

EVENT_TYPES = (*EVENT_TYPES_FIRST, "quota.cap_reached")
"""The events of the newest Pulsarr version."""

type AuthMethod = Literal["required", "disabled", "requiredExceptLocal"]
type UserFields = Literal["newest", "late_2025", "oldest"]


@dataclass(slots=True, kw_only=True)
class PulsarrKnobs:
    """Settings of one simulated Pulsarr. They may change while it runs, as by a reconfiguration.

    The defaults are the newest version with its default settings, without delays that only slow
    tests down. Durations end in `_s` (seconds) or `_ms` (milliseconds).
    """

    # --- version ---
    version: str = "0.12.1"
    webhooks: bool = True
    """False: a version from before December 2025; every route under /v1/webhooks is a 404."""
    event_types: tuple[str, ...] = EVENT_TYPES
    with_counts_route: bool = True
    update_status: bool = True
    """False: an older version without /v1/system/update-status."""
    error_code_field: bool = False
    """True: error bodies carry a `code` as in older versions."""
    user_fields: UserFields = "newest"
    """`late_2025` lacks the digest and quiet-hours fields; `oldest` also lacks display_name, avatar,
    plex_uuid, friend_created_at and is_primary_token, and has Tautulli's fields instead of Plex mobile."""
    display_names: bool = True
    """False: display_name is absent, whatever the version."""

    # --- address ---
    base_path: str = ""
    """For example "/pulsarr": the API lives under {base_path}/v1."""
    bare_path: Literal["html", "redirect"] = "html"
    """Response to an unknown path outside /v1: the single-page app, or a redirect to its login."""

    # --- authentication and limits ---
    auth: AuthMethod = "required"
    client_ip: str | None = None
    """The address that every request seems to come from; None: the real one."""
    rate_limit: int = 500
    """Requests per window and client address."""
    probe_limit: int = 10
    """The same for the webhook test routes, which have their own bucket."""
    rate_window_s: float = 60.0
    latency_ms: float = 0.0

    # --- watchlists and announcements ---
    empty_users: bool = False
    """True: the user list is a well-formed, successful, empty list, as after a failed start."""
    empty_watchlists: bool = False
    """The same for every watchlist."""
    short_lists: dict[int, int] = field(default_factory=dict)
    """Rows to return of a user's watchlist, by user id; the count in the user list stays."""
    hidden_users: set[int] = field(default_factory=set)
    """Existing users that the user list omits."""
    odd_rows: dict[int | str, list[Any]] = field(default_factory=dict)
    """Invalid rows that Pulsarr appends to its own.

    They are on the watchlist of a user id, or among the "users", "endpoints" or "event-types".
    """
    thumb_needed: bool = True
    """Whether Pulsarr drops watchlist.added without a picture, as in December 2025."""
    removal_lag_s: float = 0.0
    """Seconds for which a row stays after watchlist.removed, while Pulsarr removes its labels."""
    renames: Literal["in_place", "new_id"] = "in_place"
    """Before September 2026 a renamed friend was a new user with a new id."""
    notify_on_availability: bool = True
    public_content: bool = False
    """A public channel is configured: titles are announced once even if no watcher has a channel."""
    pending_webhook_max_age_s: float = 600.0
    """How long an import that no one wants yet is parked."""
    pending_retry_s: float = 20.0
    queue_wait_s: float = 0.0
    """How long old episodes are collected per season (120 in a real Pulsarr; 0: sent at once)."""

    # --- deliveries ---
    delivery_timeout_s: float = 10.0
    delivery_parallel: int = 5

    @classmethod
    def realistic(cls) -> Self:
        """Return the pace of a small home server."""
        return cls(latency_ms=8.0)
