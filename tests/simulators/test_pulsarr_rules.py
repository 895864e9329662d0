"""Pulsarr's decisions, checked as properties: who is told, who may come in, what is limited together."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, get_args

from hypothesis import given, strategies as st
import pytest

from simulators.pulsarr.knobs import AuthMethod
from simulators.pulsarr.payloads import media_available, watchlist_added, watchlist_removed
from simulators.pulsarr.ratelimit import RateLimiter
from simulators.pulsarr.rules import (
    PUBLIC_PATHS,
    Import,
    Routing,
    Watcher,
    import_guid,
    is_local,
    judge_access,
    judge_import,
    limit_bucket,
)
from simulators.pulsarr.state import PulsarrState
from tests.simulators.pulsarr_fixtures import CATALOG

if TYPE_CHECKING:
    from simulators.catalog import CatalogTitle

watchers_of = st.lists(
    st.builds(
        Watcher,
        user_id=st.integers(1, 50),
        has_channel=st.booleans(),
        already_notified=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda watcher: watcher.user_id,
)
titles = st.sampled_from(CATALOG)


# --- media.available ---


@given(watchers_of, st.booleans())
def test_available_is_sent_only_with_subscriber_watcher_and_a_fresh_notification(
    watchers: list[Watcher], subscribed: bool
) -> None:
    verdict = judge_import(watchers, subscribed=subscribed)
    fresh = {w.user_id for w in watchers if w.has_channel and not w.already_notified}
    assert set(verdict.listed) == fresh
    assert verdict.parked == (not watchers)
    assert verdict.send == (subscribed and bool(fresh))


@given(watchers_of)
def test_watchers_without_channels_produce_no_event(watchers: list[Watcher]) -> None:
    silent = [Watcher(w.user_id, has_channel=False) for w in watchers]
    assert not judge_import(silent, subscribed=True).send


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_imports_are_remembered_apart_by_season_and_episode(
    season: int, other: int, episode: int
) -> None:
    whole = Import("show", "tvdb:1", season)
    one = Import("show", "tvdb:1", season, episode)
    assert whole.bulk
    assert not one.bulk
    assert whole.what != one.what
    assert (Import("show", "tvdb:1", other).what == whole.what) == (season == other)
    assert not Import("movie", "tmdb:1").bulk


@given(titles)
def test_arr_goes_by_tmdb_for_movies_and_tvdb_for_shows(title: CatalogTitle) -> None:
    guid = import_guid(title.type, title.guids)
    assert guid == (f"tmdb:{title.tmdb}" if title.type == "movie" else f"tvdb:{title.tvdb}")
    assert import_guid(title.type, ["imdb:tt1"]) is None


@given(
    titles,
    st.none() | st.integers(0, 30),
    st.none() | st.integers(1, 30),
    st.lists(st.none() | st.text(min_size=1, max_size=8), max_size=4),
)
def test_available_payload_has_the_documented_shape(
    title: CatalogTitle, season: int | None, episode: int | None, aliases: list[str | None]
) -> None:
    state = PulsarrState()
    users = [state.add_user(f"u{n}", alias=alias) for n, alias in enumerate(aliases)]
    imported = Import(title.type, title.guids[0], season, None if season is None else episode)
    data = media_available(title, imported, users)
    assert {"mediaType", "title", "guids", "isBulkRelease", "watchlistedBy"} <= set(data)
    assert "key" not in data
    assert data["mediaType"] == title.type
    assert data["instanceType"] == ("radarr" if title.type == "movie" else "sonarr")
    assert ("episodeDetails" in data) == (season is not None)
    if data["isBulkRelease"] and season is not None:
        assert set(data["episodeDetails"]) == {"seasonNumber"}
    for row, user in zip(data["watchlistedBy"], users, strict=True):
        assert (row["userId"], row["username"]) == (user.id, user.name)
        assert ("alias" in row) == (user.alias is not None)
    assert None not in data.values()


# --- watchlist events ---


@given(
    st.builds(
        Routing,
        can_sync=st.booleans(),
        requires_approval=st.booleans(),
        needed_id=st.booleans(),
        in_arr=st.booleans(),
        announced=st.booleans(),
        thumb=st.booleans(),
    )
)
def test_added_is_sent_only_for_what_was_just_routed_and_once(routing: Routing) -> None:
    assert routing.notified <= routing.routed
    assert routing.routed == (
        routing.can_sync
        and not routing.requires_approval
        and routing.needed_id
        and not routing.in_arr
    )
    assert not (routing.notified and (routing.announced or not routing.thumb))
    assert Routing().notified


@given(titles, st.booleans())
def test_watchlist_payloads_have_the_documented_shape(title: CatalogTitle, thumb: bool) -> None:
    state = PulsarrState()
    user = state.add_user("rosa", alias="never in these payloads")
    entry = state.want(user.id, title, thumb="t" if thumb else None)
    added, removed = watchlist_added(user, entry), watchlist_removed(user, entry)
    assert set(added) == {"addedBy", "content", "routedTo"}
    assert set(removed) == {"watchlistItemId", "content", "removedBy"}
    assert added["addedBy"] == removed["removedBy"] == {"userId": user.id, "username": "rosa"}
    assert removed["watchlistItemId"] == entry.id
    assert set(removed["content"]) == {"title", "type", "key", "guids"}
    assert set(added["content"]) - set(removed["content"]) == ({"thumb"} if thumb else set())
    assert len(added["routedTo"]) == 1


# --- access ---


@given(
    st.sampled_from(get_args(AuthMethod.__value__)),
    st.sampled_from(["/v1", "/v1/config", "/v1/users/users/list"]),
    st.none() | st.text(max_size=5),
    st.ip_addresses().map(str),
)
def test_access_follows_the_order_of_the_checks(
    method: AuthMethod, path: str, offered: str | None, client_ip: str
) -> None:
    access = judge_access(path, offered, "right", method=method, client_ip=client_ip)
    if offered:
        assert access == "bad_key"
    elif method == "disabled" or (method == "requiredExceptLocal" and is_local(client_ip)):
        assert access == "allowed"
    else:
        assert access == "no_credentials"
    assert judge_access(path, "right", "right", method=method, client_ip=client_ip) == "allowed"
    for public in PUBLIC_PATHS:
        assert judge_access(public, "x", "right", method=method, client_ip=client_ip) == "allowed"


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("10.1.2.3", True),
        ("172.15.0.1", False),
        ("172.31.9.9", True),
        ("192.168.0.1", True),
        ("127.8.8.8", True),
        ("169.254.1.1", True),
        ("8.8.8.8", False),
        ("::1", True),
        ("fd00::1", True),
        ("fe80::1", True),
        ("2001:db8::1", False),
        ("::ffff:10.0.0.1", True),
        ("::ffff:8.8.8.8", False),
    ],
)
def test_local_addresses_are_private_loopback_and_link_local(address: str, local: bool) -> None:
    assert is_local(address) is local


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_ipv6_clients_of_one_network_share_a_limit(one: int, two: int) -> None:
    network = 0x20010DB8_00000001 << 64
    here = [str(ipaddress.IPv6Address(network + host)) for host in (one, two)]
    elsewhere = str(ipaddress.IPv6Address(network + (1 << 64) + one))
    assert limit_bucket(here[0]) == limit_bucket(here[1]) != limit_bucket(elsewhere)
    assert limit_bucket("192.0.2.1") != limit_bucket("192.0.2.2")


@given(st.lists(st.floats(0, 30), min_size=1, max_size=40), st.integers(1, 5), st.floats(1, 60))
def test_limiter_never_allows_more_than_the_limit_in_a_window(
    pauses: list[float], limit: int, window: float
) -> None:
    moment = [0.0]
    limiter = RateLimiter(lambda: moment[0])
    start, asked = 0.0, 0
    for pause in [0.0, *pauses]:
        moment[0] += pause
        if moment[0] - start >= window:
            start, asked = moment[0], 0
        asked += 1
        ticket = limiter.take("a", limit=limit, window_s=window)
        assert ticket.allowed == (asked <= limit)
        assert ticket.remaining == max(limit - asked, 0)
        assert ticket.reset_s >= start + window - moment[0]
        assert ("Retry-After" in ticket.headers) == (asked > limit)
    assert limiter.take("b", limit=limit, window_s=window).allowed


def test_channels_are_discord_apprise_plex_mobile_or_a_mention() -> None:
    state = PulsarrState()
    silent = state.add_user("a", notify=False)
    assert not silent.has_channel
    for number, field in enumerate(("notify_discord", "notify_apprise", "notify_plex_mobile")):
        user = state.add_user(f"u{number}", notify=False)
        assert state.change_user(user.id, **{field: True}).has_channel  # type: ignore[arg-type]  # name in a loop
    mention = state.change_user(silent.id, notify_discord_mention=True)
    assert not mention.has_channel
    assert state.change_user(silent.id, discord_id="42").has_channel
