"""Records of a simulated Pulsarr: users, wishes and webhook endpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

type EntryStatus = Literal["pending", "requested", "grabbed", "notified"]


class AsInCatalog:
    """Stands for "as in the catalog" where None is a meaningful value."""


AS_IN_CATALOG: Final = AsInCatalog()


class UserDetails(TypedDict, total=False):
    """Rarely used fields of a user."""

    id: int
    requires_approval: bool
    plex_uuid: str | None
    discord_id: str | None
    apprise: str | None
    notify_apprise: bool
    notify_discord: bool
    notify_discord_mention: bool
    notify_plex_mobile: bool


class UserOptions(UserDetails, total=False):
    """Optional fields of a new user."""

    alias: str | None
    display_name: str | None
    can_sync: bool
    notify: bool
    primary: bool


class UserChanges(TypedDict, total=False):
    """Fields of a user that can change."""

    name: str
    alias: str | None
    display_name: str | None
    can_sync: bool
    requires_approval: bool
    plex_uuid: str | None
    discord_id: str | None
    notify_apprise: bool
    notify_discord: bool
    notify_discord_mention: bool
    notify_plex_mobile: bool
    created_at: str | None


class EntryFields(TypedDict, total=False):
    """Fields of a wish that may differ from the catalog."""

    guids: Sequence[object] | None
    key: str | AsInCatalog | None
    type: str | None
    status: EntryStatus
    thumb: str | None
    added: str | None


class EndpointFields(TypedDict, total=False):
    """Fields of a webhook endpoint that its owner chooses."""

    name: str
    url: str
    auth_header_name: str | None
    auth_header_value: str | None
    event_types: tuple[str, ...]
    enabled: bool


class UnknownUserError(LookupError):
    """No user has this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulsarrUser:
    """One Plex account that Pulsarr follows. Only its `id` never changes."""

    id: int
    name: str
    alias: str | None = None
    display_name: str | None = None
    can_sync: bool = True
    requires_approval: bool = False
    primary: bool = False
    plex_uuid: str | None = None
    discord_id: str | None = None
    apprise: str | None = None
    notify_apprise: bool = False
    notify_discord: bool = False
    notify_discord_mention: bool = False
    notify_plex_mobile: bool = False
    created_at: str | None = ""
    updated_at: str | None = ""

    @property
    def has_channel(self) -> bool:
        """Return whether this user would be notified that a title is available."""
        mentionable = self.notify_discord_mention and self.discord_id is not None
        return self.notify_discord or self.notify_apprise or self.notify_plex_mobile or mentionable


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchlistEntry:
    """One title on one user's watchlist, as Pulsarr stores it (possibly without ids)."""

    id: int
    user_id: int
    catalog_key: str
    title: str
    type: str
    kind: Literal["movie", "show"]
    key: str
    stored_guids: tuple[object, ...]
    genres: tuple[str, ...]
    thumb: str | None
    status: EntryStatus
    added: str | None

    @property
    def guids(self) -> tuple[str, ...]:
        """Return the ids that are strings, as all of them should be."""
        return tuple(guid for guid in self.stored_guids if isinstance(guid, str))

    @property
    def readable(self) -> bool:
        """Return whether it fits the response schema; one invalid row fails the whole response."""
        return len(self.guids) == len(self.stored_guids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One registered webhook endpoint. The header's value is secret and not part of the repr."""

    id: int
    name: str = ""
    url: str = ""
    auth_header_name: str | None = None
    auth_header_value: str | None = field(default=None, repr=False)
    event_types: tuple[str, ...] = ()
    enabled: bool = True
    created_at: str = ""
    updated_at: str = ""
