"""The main job: set up over HTTP, label everything that people want, and cost little from then on."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import pytest

from harness import dashboard, integration
from harness.waiting import eventually

if TYPE_CHECKING:
    import aiohttp

    from tests.e2e.e2e_env import E2eEnv

PAGE_SIZE: Final = 1000  # rows that the integration asks for at least


async def test_first_full_sync_labels_what_people_want_and_touches_nothing_else(
    env: E2eEnv,
) -> None:
    expected = await env.expected_labels()

    assert await env.all_labels() == expected
    assert sum(map(len, expected.values())) > 50, "the world is too small to prove anything"
    assert await env.entry.state("labels_removed") == "0"


async def test_plexapi_sees_the_same_labels(env: E2eEnv) -> None:
    expected = {key: labels for key, labels in (await env.expected_labels()).items() if labels}

    assert await env.labels_by_plexapi() == expected


async def test_entities_show_what_the_servers_know(env: E2eEnv) -> None:
    wanted = {title.key for title in env.world.catalog if env.wanted_by(title)}
    missing = {title.key for title in env.world.missing()} & wanted

    assert await env.entry.state("titles_wanted") == str(len(wanted))
    assert int(await env.entry.state("titles_missing")) >= len(missing)
    assert await env.entry.state("pending") == "0"
    entities = await integration.entity_ids(env.home.client, env.entry.entry_id)
    states = {key: await env.entry.state(key) for key in entities}
    assert "unavailable" not in states.values(), states


async def test_webhook_is_registered_in_pulsarr_when_the_entry_is_set_up(env: E2eEnv) -> None:
    (endpoint,) = (await env.servers.pulsarr.get("endpoints"))["endpoints"]

    assert endpoint["url"] == env.webhook_url
    assert endpoint["enabled"]
    assert set(endpoint["eventTypes"]) >= {
        "media.available",
        "watchlist.added",
        "watchlist.removed",
    }


async def test_second_full_sync_writes_nothing_and_asks_little(env: E2eEnv) -> None:
    plex, pulsarr = env.servers.plex, env.servers.pulsarr
    before = await env.all_labels()
    await plex.post("stats/reset")
    await pulsarr.post("stats/reset")

    answer = await env.entry.call("sync_all")

    assert (answer["status"], answer["added"], answer["removed"], answer["failed"]) == (
        "done",
        0,
        0,
        0,
    )
    assert answer["changes"] == []
    assert await env.all_labels() == before
    state = await plex.get("state")
    libraries = [library for library in state["libraries"] if library["type"] != "artist"]
    pages = sum(math.ceil(library["items"] / PAGE_SIZE) for library in libraries)
    people = len((await pulsarr.get("state"))["people"])
    labelled = len({name for title in env.world.catalog for name in env.wanted_by(title)})
    asked, asked_pulsarr = await plex.get("stats"), await pulsarr.get("stats")
    assert _count(asked, "GET") == asked["total"], "only reads"
    assert _count(asked, "GET") <= 1 + pages + len(libraries) * (1 + labelled)
    assert _count(asked_pulsarr, "GET") == asked_pulsarr["total"]
    assert _count(asked_pulsarr, "GET") <= 1 + people


def _count(stats: dict[str, dict[str, int]], method: str) -> int:
    """Requests of a method, but for the streams of events, which do not end."""
    return sum(
        number
        for route, number in stats["requests"].items()
        if route.startswith(f"{method} ") and "/notifications" not in route
    )


async def test_dry_run_reports_what_would_change_and_changes_nothing(env: E2eEnv) -> None:
    title = env.spare()
    await env.servers.pulsarr.post("wish", person="tim", title=title.key, force=True)
    await env.until_labelled(title, "tim")
    (item, *others) = await env.items(title)
    await env.servers.plex.post(
        "label", rating_key=item["rating_key"], label="Tim", action="remove"
    )
    before = await env.all_labels()

    answer = await env.entry.call("sync_all", dry_run=True)

    assert answer["dry_run"]
    changed = [(row["action"], row["rating_key"]) for row in answer["changes"]]
    assert changed in ([], [("add", item["rating_key"])])  # taken off by hand may be a decision
    assert await env.all_labels() == before
    assert len(others) + 1 == len(await env.items(title))


async def test_dashboard_shows_entities_that_exist(env: E2eEnv) -> None:
    entities = await integration.entity_ids(env.home.client, env.entry.entry_id)
    page = str(await dashboard.made(env.entry))
    shown = set(re.findall(r"\b(?:binary_sensor|sensor|switch|button|event|image)\.\w+", page))

    assert shown
    assert shown <= set(entities.values())


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"{}", 401),
        ({"X-Plex-Label-Sync-Secret": "guessed"}, b'{"event": "media.available"}', 401),
    ],
)
async def test_webhook_refuses_callers_without_the_secret(
    env: E2eEnv,
    session: aiohttp.ClientSession,
    headers: dict[str, str],
    body: bytes,
    status: int,
) -> None:
    async with session.post(env.webhook_url, data=body, headers=headers) as answer:
        answered = answer.status
    assert answered == status


async def test_wrong_credentials_are_refused_in_the_form(env: E2eEnv) -> None:
    client, connections = env.home.client, env.servers.connections
    flow = await integration.Flow.start(client, integration.CONFIG_FLOW, integration.DOMAIN)
    await flow.submit(next_step_id="plex_manual")

    shown = await flow.submit(url=connections.plex_url, token="not-the-token", verify_ssl=True)
    assert shown["errors"] == {"token": "invalid_auth"}
    shown = await flow.submit(url=connections.pulsarr_url, token="not-the-token", verify_ssl=True)
    assert shown["errors"] == {"url": "not_plex"}
    shown = await flow.submit(
        url=connections.plex_url, token=connections.plex_token, verify_ssl=True
    )
    assert (shown["type"], shown["reason"]) == ("abort", "already_configured")


async def test_logs_hold_no_secret_and_no_error(env: E2eEnv) -> None:
    assert env.complaints() == []


async def test_removing_the_entry_takes_the_webhook_out_of_pulsarr_and_leaves_the_labels(
    env: E2eEnv,
) -> None:
    before = await env.all_labels()

    await integration.remove(env.home.client, env.entry.entry_id)

    async def nothing_left() -> bool:
        return not (await env.servers.pulsarr.get("endpoints"))["endpoints"]

    await eventually(nothing_left, "the webhook is gone", within=10)
    assert await env.all_labels() == before
    # Only what we have written stays on record, in case the server is set up again.
    storage = env.home.process.folder / ".storage"
    assert [file.name for file in storage.glob("plex_label_sync.*")] == ["plex_label_sync.former"]
