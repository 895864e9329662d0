"""Pulsarr's notification decisions as pure functions."""

from __future__ import annotations

from dataclasses import dataclass
import ipaddress
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .knobs import AuthMethod

type ArrKind = Literal["radarr", "sonarr"]

PUBLIC_PATHS = frozenset({"/v1/users/login", "/v1/users/create-admin", "/v1/notifications/webhook"})
"""Paths below the base path that need no key; compared exactly."""

_LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(net)
    for net in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


@dataclass(frozen=True, slots=True)
class Import:
    """One Radarr or Sonarr import: a movie, a season, or an episode.

    `season` without `episode` is a batch of old episodes (a "bulk release"); a movie has neither.
    """

    kind: Literal["movie", "show"]
    guid: str
    season: int | None = None
    episode: int | None = None

    @property
    def what(self) -> str:
        """Return the key under which Pulsarr remembers that a user was notified of it."""
        season = "" if self.season is None else f":S{self.season}"
        episode = "" if self.episode is None else f"E{self.episode}"
        return f"{self.kind}:{self.guid}{season}{episode}"

    @property
    def bulk(self) -> bool:
        """Return whether it is a whole season (or all of it that arrived) at once."""
        return self.kind == "show" and self.episode is None


@dataclass(frozen=True, slots=True)
class Watcher:
    """One user with the imported title on the watchlist, with the fields the decision needs."""

    user_id: int
    has_channel: bool
    already_notified: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether media.available is sent, and who is in its `watchlistedBy`.

    `parked`: no one wants the title yet, so Pulsarr checks again later.
    """

    send: bool
    listed: tuple[int, ...] = ()
    parked: bool = False


def judge_import(
    watchers: Sequence[Watcher],
    *,
    subscribed: bool,
) -> Verdict:
    """Decide on media.available for one import.

    It is sent only if an endpoint subscribes, a user wants the title, and at least one notification
    was produced: for a watcher with a channel who was not notified before. Only these are listed.
    """
    if not watchers:
        return Verdict(send=False, parked=True)
    listed = tuple(
        watcher.user_id
        for watcher in watchers
        if watcher.has_channel and not watcher.already_notified
    )
    return Verdict(send=subscribed and bool(listed), listed=listed)


def import_guid(kind: str, guids: Iterable[str]) -> str | None:
    """Return the one id by which an arr identifies a title: tmdb in Radarr, tvdb in Sonarr."""
    provider = "tmdb:" if kind == "movie" else "tvdb:"
    return next((guid for guid in guids if guid.startswith(provider)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """What Pulsarr checks before it passes a new wish to Radarr or Sonarr and announces it.

    `needed_id` is the one id that the arr app uses; `announced` means that the same person was
    notified of a title with the same text before; `thumb` may be missing in the newest versions.
    """

    can_sync: bool = True
    requires_approval: bool = False
    needed_id: bool = True
    in_arr: bool = False
    announced: bool = False
    thumb: bool = True

    @property
    def routed(self) -> bool:
        """Return whether an arr app accepts the title now."""
        free = self.can_sync and not self.requires_approval
        return free and self.needed_id and not self.in_arr

    @property
    def notified(self) -> bool:
        """Return whether watchlist.added is sent: only for what was just routed, once per text."""
        return self.routed and self.thumb and not self.announced


type Access = Literal["allowed", "bad_key", "no_credentials"]


def judge_access(
    path: str, offered_key: str | None, key: str, *, method: AuthMethod, client_ip: str
) -> Access:
    """Decide on the authentication of one request; `path` is relative to the base path.

    A key that is sent must be right: there is no fallback to the bypasses. An empty header counts
    as no key.
    """
    if path in PUBLIC_PATHS:
        return "allowed"
    if offered_key:
        return "allowed" if offered_key == key else "bad_key"
    if method == "disabled" or (method == "requiredExceptLocal" and is_local(client_ip)):
        return "allowed"
    return "no_credentials"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def is_local(client_ip: str) -> bool:
    """Return whether this address is private, loopback or link-local (also mapped into IPv6)."""
    address = _address(client_ip)
    return any(address.version == net.version and address in net for net in _LOCAL_NETWORKS)


def limit_bucket(client_ip: str) -> str:
    """Return the key of a client's rate limit: its IPv4 address, or its IPv6 /64."""
    address = _address(client_ip)
    if address.version == 4:  # noqa: PLR2004  (IP version)
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def arr_of(kind: str) -> ArrKind:
    """Return the arr app that handles this type of title."""
    return "radarr" if kind == "movie" else "sonarr"
