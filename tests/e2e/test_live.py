"""Live sync: what people and arr apps do shows in Plex within seconds, or is reported."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest_asyncio

from harness import integration
from harness.waiting import eventually

if TYPE_CHECKING:
    from tests.e2e.e2e_env import E2eEnv

RETRY_INTERVAL: Final = 2
MAX_AGE_MINUTES: Final = 1  # the least that the options take
OPTIONS: Final = {"pending_retry_interval": RETRY_INTERVAL, "pending_max_age": MAX_AGE_MINUTES}
SLACK: Final = 2.5  # seconds that gathering, one run and a busy machine may take


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def never_indexed(env: E2eEnv) -> dict[str, Any]:
    """A title that is announced at the very beginning and that Plex never finds."""
    title = env.missing()[-1]
    events = await env.home.client.follow("state_changed")
    await env.servers.pulsarr.post("announce", title=title.key, force=True)
    return {"title": title, "since": time.monotonic(), "events": events}


async def test_title_announced_before_plex_has_it_is_labelled_within_one_retry_interval(
    env: E2eEnv,
) -> None:
    title = env.missing()[0]
    assert await env.items(title) == []
    await env.servers.pulsarr.post("import", title=title.key, plex_after=4, match_after=1)

    async def waiting() -> list[str]:
        pending = (await env.entry.call("get_pending"))["pending"]
        return [row["reason"] for row in pending if row["title"] == title.title]

    assert await eventually(waiting, "it waits", within=5) in (["announced"], ["not_in_plex"])

    async def identified() -> bool:
        items = await env.items(title)
        return bool(items) and not items[0]["guid"].startswith("local://")

    await eventually(identified, "Plex knows it", within=15, every=0.05)
    since = time.monotonic()
    await env.until_labelled(title, *env.wanted_by(title), within=RETRY_INTERVAL + SLACK)
    assert time.monotonic() - since <= RETRY_INTERVAL + SLACK

    async def done() -> bool:
        return not await waiting()

    await eventually(done, "it waits no more", within=5)


async def test_show_is_labelled_itself_and_never_its_episodes(env: E2eEnv) -> None:
    title = env.missing("show")[0]
    await env.servers.pulsarr.post("import", title=title.key)

    await env.until_labelled(title, *env.wanted_by(title))
    assert await env.violations() == []


async def test_title_that_comes_onto_a_watchlist_is_labelled_and_keeps_it_when_it_leaves(
    env: E2eEnv,
) -> None:
    title = env.spare()
    await env.servers.pulsarr.post("wish", person="nina", title=title.key, force=True)
    await env.until_labelled(title, "nina", within=10)
    await env.servers.pulsarr.post("wish", person="Jürgen", title=title.key, force=True)
    await env.until_labelled(title, "nina", "jürgen", within=10)

    await env.servers.pulsarr.post("unwish", person="nina", title=title.key)
    answer = await env.entry.call("sync_all")
    assert answer["removed"] == 0
    assert all(labels == ["jürgen", "nina"] for labels in await env.labels(title))


async def test_person_whose_sync_is_off_gets_no_label(env: E2eEnv) -> None:
    title = env.spare(1)
    await env.servers.pulsarr.post("wish", person="marta", title=title.key, force=True)
    await env.servers.pulsarr.post("wish", person="tim", title=title.key, force=True)

    await env.until_labelled(title, "tim", within=10)
    await env.entry.call("sync_all")
    assert all(labels == ["tim"] for labels in await env.labels(title))


async def test_changed_label_format_replaces_the_labels_without_a_restart(env: E2eEnv) -> None:
    title = env.spare(2)
    await env.servers.pulsarr.post("wish", person="tim", title=title.key, force=True)
    await env.until_labelled(title, "tim", within=10)
    before = {key: set(labels) for key, labels in (await env.all_labels()).items()}

    await integration.change_options(
        env.home.client, env.entry.entry_id, label_format="for {username}"
    )
    await env.until_labelled(title, "for tim", within=15)
    await env.entry.until_synced()

    await integration.change_options(env.home.client, env.entry.entry_id, label_format="{username}")
    await env.until_labelled(title, "tim", within=15)
    await integration.until_loaded(env.home.client, env.entry.entry_id)
    await env.entry.until_synced()
    assert {key: set(labels) for key, labels in (await env.all_labels()).items()} == before


async def test_unusable_options_are_refused_with_the_reason(env: E2eEnv) -> None:
    client, entry_id = env.home.client, env.entry.entry_id
    flow = await integration.Flow.start(client, integration.OPTIONS_FLOW, entry_id)

    shown = await flow.submit(**{**integration.defaults(flow.shown), "label_format": "{type}"})
    assert shown["errors"] == {"label_format": "invalid_label_format"}
    right = {**integration.defaults(shown), "label_format": "{username}"}
    shown = await flow.submit(**{**right, "libraries": []})
    assert shown["errors"] == {"libraries": "no_libraries"}


async def test_live_mode_off_leaves_announcements_alone_until_it_is_on_again(env: E2eEnv) -> None:
    title = env.spare(3)
    client, entry_id = env.home.client, env.entry.entry_id
    await integration.change_options(client, entry_id, live_mode=False)
    await integration.until_loaded(client, entry_id)
    await env.entry.until_synced()
    await env.servers.pulsarr.post("wish", person="rosa", title=title.key, force=True)

    answer = await env.entry.call("process_pending")
    assert answer["labelled"] == 0
    assert all(labels == [] for labels in await env.labels(title))

    await integration.change_options(client, entry_id, live_mode=True)
    await env.until_labelled(title, "rosa", within=15)


async def test_title_that_plex_never_finds_expires_and_is_reported(
    env: E2eEnv, never_indexed: dict[str, Any]
) -> None:
    title = never_indexed["title"]
    activity = await env.entry.entity_id("activity")

    async def expired() -> list[dict[str, Any]]:
        states = [
            event["data"]["new_state"]
            for event in never_indexed["events"]
            if event["data"]["entity_id"] == activity and event["data"]["new_state"]
        ]
        return [
            state["attributes"]
            for state in states
            if state["attributes"].get("event_type") == "pending_expired"
            and state["attributes"].get("title") == title.title
        ]

    reported = await eventually(expired, "it expires", within=120)
    age = time.monotonic() - never_indexed["since"]
    assert age >= 60 * MAX_AGE_MINUTES, "given up too early"
    assert reported[0]["type"] == "movie"
    assert set(map(str.casefold, reported[0]["people"])) == env.wanted_by(title)
    pending = (await env.entry.call("get_pending"))["pending"]
    assert title.title not in [row["title"] for row in pending]
    assert await env.items(title) == []
    warnings = [text for level, _, text in env.home.records() if level == "WARNING"]
    assert any(title.title in text and "not_in_plex" in text for text in warnings)
