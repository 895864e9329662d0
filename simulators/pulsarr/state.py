"""The data of a simulated Pulsarr: users, their watchlists, webhook endpoints, settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
import hashlib
from typing import TYPE_CHECKING, Any, Unpack

from .records import (
    AS_IN_CATALOG,
    AsInCatalog,
    Endpoint,
    PulsarrUser,
    UnknownUserError,
    WatchlistEntry,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from simulators.catalog import CatalogTitle

    from .records import EndpointFields, EntryStatus, UserChanges, UserDetails


def _now() -> datetime:
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds and a Z, as JavaScript writes it."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


class PulsarrState:
    """The data of a simulated Pulsarr. Changing it sends nothing; the simulator does that."""

    def __init__(self, *, clock: Callable[[], datetime] = _now) -> None:
        """Initialize empty, with a clock for created_at, added and similar fields."""
        self.clock = clock
        self.endpoints: dict[int, Endpoint] = {}
        self.config: dict[str, Any] = default_config()
        self.syncing: set[str] = set()
        """Guids of titles that are being copied between arr instances: their imports are dropped."""
        self.notified: set[tuple[int, str]] = set()
        """Past notifications: (user id, "tmdb:949" or "tvdb:370139:S4" or "…:S4E1")."""
        self.in_arrs: set[str] = set()
        """Keys of titles in Radarr or Sonarr: an entry for one of them is not routed again."""
        self.announced: set[tuple[int, str]] = set()
        """Announced wishes: (user id, title text). They are not announced again."""
        self.left: set[tuple[int, str]] = set()
        """Removals on Plex that the full reconciliation has not found yet: (user id, key)."""
        self._users: dict[int, PulsarrUser] = {}
        self._watchlists: dict[int, dict[str, WatchlistEntry]] = {}
        self._last_user = 0
        self._last_entry = 0
        self._last_endpoint = 0

    # --- users ---

    def users(self) -> tuple[PulsarrUser, ...]:
        """Return all users, in the order in which they were added."""
        return tuple(self._users.values())

    def user(self, user_id: int) -> PulsarrUser:
        """Return the user with this id. Raises UnknownUserError."""
        try:
            return self._users[user_id]
        except KeyError:
            raise UnknownUserError(user_id) from None

    def find_user(self, who: str | int) -> PulsarrUser:
        """Return the user with this id, name, alias or display name. Raises UnknownUserError."""
        if isinstance(who, int):
            return self.user(who)
        for spelling in (str, str.casefold):
            for user in self._users.values():
                names = (user.name, user.alias or "", user.display_name or "", str(user.id))
                if spelling(who) in map(spelling, names):
                    return user
        raise UnknownUserError(who)

    def add_user(
        self,
        name: str,
        *,
        alias: str | None = None,
        display_name: str | None = None,
        can_sync: bool = True,
        notify: bool = True,
        primary: bool = False,
        **more: Unpack[UserDetails],
    ) -> PulsarrUser:
        """Store a new user.

        `notify` enables the Plex mobile channel; `more` are PulsarrUser fields.
        """
        user_id = more.pop("id", self._last_user + 1)
        if user_id in self._users:
            msg = f"user id {user_id} is taken"
            raise ValueError(msg)
        moment = timestamp(self.clock())
        fields: dict[str, Any] = {
            "plex_uuid": hashlib.sha256(f"user {user_id}".encode()).hexdigest()[:16],
            "notify_plex_mobile": notify,
            "created_at": moment,
            "updated_at": moment,
            **more,
        }
        user = PulsarrUser(
            id=user_id,
            name=name,
            alias=alias,
            display_name=display_name,
            can_sync=can_sync,
            primary=primary,
            **fields,
        )
        self._users[user_id] = user
        self._watchlists[user_id] = {}
        self._last_user = max(self._last_user, user_id)
        return user

    def change_user(self, user_id: int, **changes: Unpack[UserChanges]) -> PulsarrUser:
        """Change fields of a user, as the admin or Plex would. Raises UnknownUserError."""
        user = replace(self.user(user_id), updated_at=timestamp(self.clock()), **changes)
        self._users[user_id] = user
        return user

    def rename(self, user_id: int, name: str) -> PulsarrUser:
        """Rename a friend's Plex account. A name that another user has is not applied."""
        user = self.user(user_id)
        if any(other.name == name and other.id != user_id for other in self._users.values()):
            return user
        return self.change_user(user_id, name=name)

    def rename_as_new(self, user_id: int, name: str) -> PulsarrUser:
        """Rename as before September 2026: add a new user, delete the old one with all wishes."""
        old = self.user(user_id)
        new = self.add_user(name, can_sync=old.can_sync, plex_uuid=old.plex_uuid)
        self.remove_user(user_id)
        return self.change_user(new.id, notify_plex_mobile=old.notify_plex_mobile)

    def set_alias(self, user_id: int, alias: str | None) -> PulsarrUser:
        """Set or clear the alias of a user, as the admin does."""
        return self.change_user(user_id, alias=alias)

    def remove_user(self, user_id: int) -> None:
        """Delete a user and their watchlist; no event is sent. Raises UnknownUserError."""
        self.user(user_id)
        del self._users[user_id]
        del self._watchlists[user_id]

    # --- watchlists ---

    def watchlist(self, user_id: int) -> tuple[WatchlistEntry, ...]:
        """Return the user's watchlist, oldest first. Raises UnknownUserError."""
        self.user(user_id)
        return tuple(self._watchlists[user_id].values())

    def watchlist_count(self, user_id: int) -> int:
        """Return the size of the user's watchlist. Raises UnknownUserError."""
        self.user(user_id)
        return len(self._watchlists[user_id])

    def entries(self) -> Iterator[WatchlistEntry]:
        """Yield every entry of every user."""
        for entries in self._watchlists.values():
            yield from entries.values()

    def want(
        self,
        user_id: int,
        title: CatalogTitle,
        *,
        guids: Sequence[object] | None = None,
        key: str | AsInCatalog | None = AS_IN_CATALOG,
        type: str | None = None,  # noqa: A002  (the name of the field in the answer)
        status: EntryStatus = "requested",
        thumb: str | None = "",
        added: str | None = "",
    ) -> WatchlistEntry:
        """Put a title on a user's watchlist, or update it there. Raises UnknownUserError.

        `guids=()` is a fresh item whose ids are not known yet, `guids=[949]` an unreadable row,
        `key=None` an item without a Plex key, which is stored empty; `thumb` and `added` may be
        None; the defaults are plausible values.
        """
        self.user(user_id)
        old = self._watchlists[user_id].get(title.key)
        if old is None:
            self._last_entry += 1
        entry = WatchlistEntry(
            id=old.id if old else self._last_entry,
            user_id=user_id,
            catalog_key=title.key,
            title=title.title,
            type=title.type if type is None else type,
            kind=title.type,
            key=title.key if isinstance(key, AsInCatalog) else key or "",
            stored_guids=tuple(title.guids if guids is None else guids),
            genres=_genres(title.key),
            thumb=f"https://metadata-static.plex.tv/{title.key}.jpg" if thumb == "" else thumb,
            status=status,
            added=timestamp(self.clock()) if added == "" else added,
        )
        self._watchlists[user_id][title.key] = entry
        self.left.discard((user_id, title.key))
        return entry

    def unwant(self, user_id: int, title: CatalogTitle) -> WatchlistEntry | None:
        """Remove and return a entry; None if there was none. Raises UnknownUserError."""
        self.user(user_id)
        return self.forget(user_id, title.key)

    def forget(self, user_id: int, catalog_key: str) -> WatchlistEntry | None:
        """Delete and return a row; None if there is no such row or user."""
        self.left.discard((user_id, catalog_key))
        return self._watchlists.get(user_id, {}).pop(catalog_key, None)

    def set_status(self, entry: WatchlistEntry, status: EntryStatus) -> None:
        """Set the status of a entry (pending, requested, grabbed, notified)."""
        entries = self._watchlists.get(entry.user_id, {})
        if entry.catalog_key in entries:
            entries[entry.catalog_key] = replace(entries[entry.catalog_key], status=status)

    def watchers(self, kind: str, guid: str) -> list[WatchlistEntry]:
        """Return the wishes of this type that have this external id."""
        return [entry for entry in self.entries() if entry.kind == kind and guid in entry.guids]

    # --- webhook endpoints ---

    def add_endpoint(self, **fields: Unpack[EndpointFields]) -> Endpoint:
        """Store a webhook endpoint; `fields` are those of Endpoint except id and times."""
        self._last_endpoint += 1
        moment = timestamp(self.clock())
        endpoint = Endpoint(id=self._last_endpoint, created_at=moment, updated_at=moment, **fields)
        self.endpoints[endpoint.id] = endpoint
        return endpoint

    def change_endpoint(self, endpoint_id: int, **changes: Unpack[EndpointFields]) -> Endpoint:
        """Change a webhook endpoint. Raises KeyError."""
        old = self.endpoints[endpoint_id]
        endpoint = replace(old, updated_at=timestamp(self.clock()), **changes)
        self.endpoints[endpoint_id] = endpoint
        return endpoint


_GENRES = ("Action", "Comedy", "Crime", "Drama", "Fantasy", "Mystery", "Romance", "Thriller")


def _genres(key: str) -> tuple[str, ...]:
    first, second = int(key[:2], 16) % len(_GENRES), int(key[2:4], 16) % len(_GENRES)
    return (_GENRES[first],) if first == second else (_GENRES[first], _GENRES[second])


def default_config() -> dict[str, Any]:
    """Return Pulsarr's public settings; the route adds the secrets."""
    return {
        "plexLabelSync": {
            "enabled": False,
            "labelPrefix": "pulsarr",
            "labelNamingSource": "username",
            "cleanupOrphanedLabels": False,
            "removedLabelMode": "remove",
            "removedLabelPrefix": "pulsarr:removed",
            "autoResetOnScheduledSync": False,
            "tagSync": {"enabled": False, "syncRadarrTags": True, "syncSonarrTags": True},
        },
        "publicContentNotifications": {"enabled": False},
        "deleteSyncNotify": "none",
        "plexServerUrl": "http://127.0.0.1:32400",
    }
