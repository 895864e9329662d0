"""What a simulated Pulsarr knows: users, their watchlists, webhook endpoints, settings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
import hashlib
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from simulators.catalogue import CatalogueTitle

type WishStatus = Literal["pending", "requested", "grabbed", "notified"]


class _Same:
    """Stands for "as in the catalogue" where None is a meaningful value."""


AS_IN_CATALOGUE: Final = _Same()


class UserDetails(TypedDict, total=False):
    """Seldom needed fields of a user."""

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
    """Everything that a new user may have besides the name."""

    alias: str | None
    display_name: str | None
    can_sync: bool
    notify: bool
    primary: bool


class UserChanges(TypedDict, total=False):
    """Everything about a user that can change."""

    name: str
    alias: str | None
    display_name: str | None
    can_sync: bool
    requires_approval: bool
    discord_id: str | None
    notify_apprise: bool
    notify_discord: bool
    notify_discord_mention: bool
    notify_plex_mobile: bool
    plex_uuid: str | None


class WishFields(TypedDict, total=False):
    """What a wish may have otherwise than the catalogue says."""

    guids: Sequence[str] | None
    key: str | _Same | None
    type: str | None
    status: WishStatus
    thumb: str | None
    added: str | None


class EndpointFields(TypedDict, total=False):
    """Everything about a webhook endpoint that its owner chooses."""

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
    """One Plex account that Pulsarr follows. `id` is the only thing about it that never changes."""

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
    created_at: str = ""
    updated_at: str = ""

    @property
    def has_channel(self) -> bool:
        """Would this user be told that a title is available?"""
        mentionable = self.notify_discord_mention and self.discord_id is not None
        return self.notify_discord or self.notify_apprise or self.notify_plex_mobile or mentionable


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One title on one user's watchlist, as Pulsarr stores it (perhaps without ids)."""

    id: int
    user_id: int
    catalogue_key: str
    title: str
    type: str
    kind: Literal["movie", "show"]
    key: str | None
    guids: tuple[str, ...]
    genres: tuple[str, ...]
    thumb: str | None
    status: WishStatus
    added: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One registered webhook endpoint. The header's value is a secret, so it is not in the repr."""

    id: int
    name: str = ""
    url: str = ""
    auth_header_name: str | None = None
    auth_header_value: str | None = field(default=None, repr=False)
    event_types: tuple[str, ...] = ()
    enabled: bool = True
    created_at: str = ""
    updated_at: str = ""


def _now() -> datetime:
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a Z, as JavaScript writes it."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


class PulsarrState:
    """Everything a simulated Pulsarr remembers. Changing it sends nothing; the simulator does that."""

    def __init__(self, *, clock: Callable[[], datetime] = _now) -> None:
        """Start empty. `clock` tells the time for created_at, added and the like."""
        self.clock = clock
        self.endpoints: dict[int, Endpoint] = {}
        self.config: dict[str, Any] = default_config()
        self.syncing: set[str] = set()
        """Guids of titles that are being copied between arr instances: their imports are swallowed."""
        self.told: set[tuple[int, str]] = set()
        """Who was already told of what: (user id, "tmdb:949" or "tvdb:370139:S4" or "…:S4E1")."""
        self.told_public: set[str] = set()
        self._users: dict[int, PulsarrUser] = {}
        self._wishes: dict[int, dict[str, Wish]] = {}
        self._last_user = 0
        self._last_wish = 0
        self._last_endpoint = 0

    # --- users ---

    def users(self) -> tuple[PulsarrUser, ...]:
        """All users, in the order in which they came."""
        return tuple(self._users.values())

    def user(self, user_id: int) -> PulsarrUser:
        """The user with this id. Raises UnknownUserError."""
        try:
            return self._users[user_id]
        except KeyError:
            raise UnknownUserError(user_id) from None

    def find_user(self, who: str | int) -> PulsarrUser:
        """The user with this id, username, alias or display name. Raises UnknownUserError."""
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
        """Store a new user. `notify` switches the Plex mobile channel on; `more` are PulsarrUser fields."""
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
        self._wishes[user_id] = {}
        self._last_user = max(self._last_user, user_id)
        return user

    def change_user(self, user_id: int, **changes: Unpack[UserChanges]) -> PulsarrUser:
        """Change fields of a user, as the admin or Plex would. Raises UnknownUserError."""
        user = replace(self.user(user_id), updated_at=timestamp(self.clock()), **changes)
        self._users[user_id] = user
        return user

    def rename(self, user_id: int, name: str) -> PulsarrUser:
        """The friend renamed their Plex account. A name that another user holds is not taken over."""
        user = self.user(user_id)
        if any(other.name == name and other.id != user_id for other in self._users.values()):
            return user
        return self.change_user(user_id, name=name)

    def set_alias(self, user_id: int, alias: str | None) -> PulsarrUser:
        """The admin gave the user another alias, or none."""
        return self.change_user(user_id, alias=alias)

    def remove_user(self, user_id: int) -> None:
        """Forget a user and their watchlist; no event tells anybody. Raises UnknownUserError."""
        self.user(user_id)
        del self._users[user_id]
        del self._wishes[user_id]

    # --- watchlists ---

    def watchlist(self, user_id: int) -> tuple[Wish, ...]:
        """What this user wants, oldest first. Raises UnknownUserError."""
        self.user(user_id)
        return tuple(self._wishes[user_id].values())

    def watchlist_count(self, user_id: int) -> int:
        """How many titles this user wants. Raises UnknownUserError."""
        self.user(user_id)
        return len(self._wishes[user_id])

    def wishes(self) -> Iterator[Wish]:
        """Every wish of every user."""
        for wishes in self._wishes.values():
            yield from wishes.values()

    def wish(
        self,
        user_id: int,
        title: CatalogueTitle,
        *,
        guids: Sequence[str] | None = None,
        key: str | _Same | None = AS_IN_CATALOGUE,
        type: str | None = None,  # noqa: A002  (the name of the field in the answer)
        status: WishStatus = "requested",
        thumb: str | None = "",
        added: str | None = "",
    ) -> Wish:
        """Put a title on a user's watchlist (again: updates it). Raises UnknownUserError.

        `guids=()` is a fresh item whose ids are not known yet, `key=None` one without a Plex key; `thumb`
        and `added` may be None; the defaults are believable values.
        """
        self.user(user_id)
        old = self._wishes[user_id].get(title.key)
        if old is None:
            self._last_wish += 1
        entry = Wish(
            id=old.id if old else self._last_wish,
            user_id=user_id,
            catalogue_key=title.key,
            title=title.title,
            type=title.type if type is None else type,
            kind=title.type,
            key=title.key if isinstance(key, _Same) else key,
            guids=tuple(title.guids if guids is None else guids),
            genres=_genres(title.key),
            thumb=f"https://metadata-static.plex.tv/{title.key}.jpg" if thumb == "" else thumb,
            status=status,
            added=timestamp(self.clock()) if added == "" else added,
        )
        self._wishes[user_id][title.key] = entry
        return entry

    def unwish(self, user_id: int, title: CatalogueTitle) -> Wish | None:
        """Take a title off a user's watchlist; None if it was not on it. Raises UnknownUserError."""
        self.user(user_id)
        return self._wishes[user_id].pop(title.key, None)

    def set_status(self, wish: Wish, status: WishStatus) -> None:
        """Move a wish along (pending, requested, grabbed, notified)."""
        wishes = self._wishes.get(wish.user_id, {})
        if wish.catalogue_key in wishes:
            wishes[wish.catalogue_key] = replace(wishes[wish.catalogue_key], status=status)

    def watchers(self, kind: str, guid: str) -> list[Wish]:
        """The wishes of this type that carry this external id."""
        return [wish for wish in self.wishes() if wish.kind == kind and guid in wish.guids]

    # --- webhook endpoints ---

    def add_endpoint(self, **fields: Unpack[EndpointFields]) -> Endpoint:
        """Store a webhook endpoint; `fields` are those of Endpoint without id and times."""
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
    """Pulsarr's settings row as far as a client may look at it (the secrets are added by the route)."""
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
