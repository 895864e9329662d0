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
    rate_limit: int = 500
    """Requests per minute and client address."""
    probe_limit: int = 10
    """The same for the webhook test routes, which have their own bucket."""
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
    renames: Literal["in_place", "new_id"] = "in_place"
    """Before September 2026 a renamed friend was a new user with a new id."""
    pending_webhook_max_age_s: float = 600.0
    """How long an import that no one wants yet is parked."""
    pending_retry_s: float = 20.0

    # --- deliveries ---
    delivery_timeout_s: float = 10.0

    @classmethod
    def realistic(cls) -> Self:
        """Return the pace of a small home server."""
        return cls(latency_ms=8.0)
