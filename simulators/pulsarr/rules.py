"""Who is told what, and whether: Pulsarr's decisions as pure functions."""

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
    """One thing that Radarr or Sonarr has imported: a movie, a season, or an episode.

    `season` without `episode` is a batch of old episodes (a "bulk release"); a movie has neither.
    """

    kind: Literal["movie", "show"]
    guid: str
    season: int | None = None
    episode: int | None = None

    @property
    def what(self) -> str:
        """The name under which Pulsarr remembers that somebody was told of it."""
        season = "" if self.season is None else f":S{self.season}"
        episode = "" if self.episode is None else f"E{self.episode}"
        return f"{self.kind}:{self.guid}{season}{episode}"

    @property
    def bulk(self) -> bool:
        """Is it a whole season (or what arrived of it) at once?"""
        return self.kind == "show" and self.episode is None


@dataclass(frozen=True, slots=True)
class Watcher:
    """One user who has the imported title on the watchlist, as far as the decision needs it."""

    user_id: int
    has_channel: bool
    already_told: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Does media.available go out, and who stands in its `watchlistedBy`?

    `parked`: nobody wants the title yet, so Pulsarr looks again later.
    """

    send: bool
    listed: tuple[int, ...] = ()
    public: bool = False
    parked: bool = False


def judge_import(
    watchers: Sequence[Watcher],
    *,
    subscribed: bool,
    notify_on_availability: bool = True,
    public_content: bool = False,
    public_already_told: bool = False,
) -> Verdict:
    """Decide on media.available for one import.

    It goes out only if an endpoint subscribes, somebody wants the title, and at least one notification was
    produced: for a watcher with a channel who was not told before, or once for public content. Only the
    watchers who passed are listed, so the list may be empty (public content alone).
    """
    if not watchers:
        return Verdict(send=False, parked=True)
    listed = tuple(
        watcher.user_id
        for watcher in watchers
        if notify_on_availability and watcher.has_channel and not watcher.already_told
    )
    public = public_content and not public_already_told
    return Verdict(send=subscribed and (bool(listed) or public), listed=listed, public=public)


def import_guid(kind: str, guids: Iterable[str]) -> str | None:
    """The one id by which an arr names a title: tmdb in Radarr (movies), tvdb in Sonarr (shows)."""
    provider = "tmdb:" if kind == "movie" else "tvdb:"
    return next((guid for guid in guids if guid.startswith(provider)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """What Pulsarr looks at before it hands a new wish to Radarr or Sonarr, and tells about it.

    `needed_id` is the one id that the arr app goes by; `announced` says that the same person was told of
    a title with the same text before; `thumb` may be missing in the newest versions.
    """

    can_sync: bool = True
    requires_approval: bool = False
    needed_id: bool = True
    in_arr: bool = False
    announced: bool = False
    thumb: bool = True

    @property
    def routed(self) -> bool:
        """Does an arr app take the title just now?"""
        free = self.can_sync and not self.requires_approval
        return free and self.needed_id and not self.in_arr

    @property
    def told(self) -> bool:
        """Does watchlist.added go out? Only for what was just routed, and once for the same text."""
        return self.routed and self.thumb and not self.announced


type Access = Literal["allowed", "bad_key", "no_credentials"]


def judge_access(
    path: str, offered_key: str | None, key: str, *, method: AuthMethod, client_ip: str
) -> Access:
    """Authentication of one request; `path` is relative to the base path.

    A key that was offered must be right: there is no falling back to the bypasses. An empty header counts
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
    """Is this a private, loopback or link-local address (also as IPv4 mapped into IPv6)?"""
    address = _address(client_ip)
    return any(address.version == net.version and address in net for net in _LOCAL_NETWORKS)


def limit_bucket(client_ip: str) -> str:
    """Which clients share one rate limit: an IPv4 address, or an IPv6 /64."""
    address = _address(client_ip)
    if address.version == 4:  # noqa: PLR2004  (IP version)
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def arr_of(kind: str) -> ArrKind:
    """The arr app that handles this type of title."""
    return "radarr" if kind == "movie" else "sonarr"
