"""`get_titles`: what people want, what became of it, and why."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
import time
from typing import TYPE_CHECKING, Any

from freezegun import freeze_time
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
import voluptuous as vol

from simulators.plex import Fault

from .ha_env import eventually
from .test_people import QUIET, figures, key_of, reload
from .texts import read_json

if TYPE_CHECKING:
    from simulators.catalog import CatalogTitle

    from .ha_env import HaEnv

STATUSES = ("labelled", "missing", "waiting", "kept_off", "opted_out", "unknown")


async def titles(ha_env: HaEnv, **query: Any) -> list[dict[str, Any]]:
    """Return the titles that fit."""
    answer = await ha_env.call("get_titles", **query)
    assert answer["titles_total"] >= len(answer["titles"])
    found: list[dict[str, Any]] = answer["titles"]
    return found


def seconds(moment: str) -> float:
    """Return a moment of an answer in seconds since the epoch."""
    return datetime.fromisoformat(moment).timestamp()


async def one_title(ha_env: HaEnv, title: CatalogTitle, **query: Any) -> dict[str, Any]:
    """Return the row about a title; a spare one has a name of its own."""
    (row,) = [one for one in await titles(ha_env, **query) if f"plex:{title.key}" in one["guids"]]
    return row


async def wanted_spare(ha_env: HaEnv, *, in_plex: bool, name: str = "rosa") -> CatalogTitle:
    """Somebody wants a title that nobody wanted; a sync has looked at it."""
    title = ha_env.spare(in_plex=in_plex)
    ha_env.pulsarr.state.want(ha_env.person(name), title)
    await ha_env.call("sync_all")
    return title


async def test_every_wanted_title_is_reported_once_with_its_status(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")

    for name in ("rosa", "tim"):
        rows = await titles(ha_env, person=name)
        shown = ha_env.entity(key_of(ha_env, name))
        count = Counter(row["status"] for row in rows)
        assert all(name in row["people"] for row in rows)
        assert len(rows) == len(ha_env.wanted_by(name)) == shown.attributes["wanted"]
        assert str(count["labelled"]) == shown.state
        assert count["missing"] == shown.attributes["missing"]
    for row in await titles(ha_env, status=["labelled"], limit=1000):
        people = {one.casefold() for one in row["people"]}
        assert {one.casefold() for one in row["labels"]} == people
        assert row["reason_code"] == "labelled"
        assert row["since"]
        assert row["libraries"]
        assert len(row["rating_keys"]) == len(set(row["rating_keys"])) > 0
        assert all(
            people <= {one.casefold() for one in ha_env.plex.state.labels_of(key)}
            for key in row["rating_keys"]
        )
    missing = await titles(ha_env, status=["missing"], limit=1000)
    reasons = {row["reason_code"]: row["reason"] for row in missing}
    assert reasons["not_in_plex"] == "not in the Plex libraries that get labels"
    assert reasons.keys() <= {"not_in_plex", "not_matched_yet"}
    for row in missing:
        assert (row["labels"], row["libraries"], row["rating_keys"]) == ([], [], [])
        assert row["since"]
        assert row["poster"].startswith("https://")


async def test_selection_by_type_and_limit(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    everything = await ha_env.call("get_titles", limit=1000)
    assert len(everything["titles"]) == everything["titles_total"]
    shows = await titles(ha_env, type="show", limit=1000)
    movies = await titles(ha_env, type="movie", limit=1000)
    assert shows
    assert {row["type"] for row in shows} == {"show"}
    assert len(shows) + len(movies) == everything["titles_total"]
    few = await ha_env.call("get_titles", limit=3)
    assert few["titles"] == everything["titles"][:3]
    assert few["titles_total"] == everything["titles_total"]
    by_status = [await titles(ha_env, status=one, limit=1000) for one in STATUSES]
    assert sum(map(len, by_status)) == everything["titles_total"]
    with pytest.raises(vol.Invalid):
        await ha_env.call("get_titles", status="gone")


async def test_label_that_was_removed_by_hand_is_kept_off(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    title = await wanted_spare(ha_env, in_plex=True)
    assert (await one_title(ha_env, title))["status"] == "labelled"
    before = int(ha_env.state(key_of(ha_env, "rosa")))
    for item in ha_env.plex.state.items_of(title):
        ha_env.plex.state.remove_label(item.rating_key, "Rosa")
    began = int(time.time())
    await ha_env.call("sync_all")

    row = await one_title(ha_env, title, person="rosa", status="kept_off")
    assert row["reason_code"] == "override"
    assert row["reason"].casefold() == "rosa was removed by hand and stays off"
    assert row["labels"] == []
    assert began <= seconds(row["since"]) <= time.time() + 1  # it is kept in whole seconds
    assert ha_env.state(key_of(ha_env, "rosa")) == str(before - 1)
    with freeze_time(timedelta(hours=1), tick=True):
        await ha_env.call("sync_all")  # it was seen before
        assert await one_title(ha_env, title) == row

    await ha_env.call("clear_overrides", people=["rosa"])
    assert (await one_title(ha_env, title))["reason_code"] == "not_labelled_yet"
    await ha_env.call("sync_all")
    assert (await one_title(ha_env, title))["status"] == "labelled"


async def test_undo_keeps_its_labels_off(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    title = await wanted_spare(ha_env, in_plex=True)
    undo = (await ha_env.call("undo"))["run_id"]
    (run,) = (await ha_env.call("get_runs", run_id=undo))["runs"]
    for _ in range(2):
        row = await one_title(ha_env, title)
        assert (row["status"], row["reason_code"]) == ("kept_off", "undone")
        assert row["since"] == run["started"]
        assert "removed by an undo" in row["reason"]
        await ha_env.call("sync_all")
    assert int(ha_env.state("overrides")) >= 1


async def test_item_that_opted_out_says_so(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    title = ha_env.spare(in_plex=True)
    for item in ha_env.plex.state.items_of(title):
        ha_env.plex.state.add_label(item.rating_key, "no-sync")
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    began = time.time()
    await ha_env.call("sync_all")
    row = await one_title(ha_env, title, status="opted_out")
    assert row["reason_code"] == "opted_out"
    assert began <= seconds(row["since"]) <= time.time() + 1  # it is kept in whole seconds

    await reload(ha_env)
    with freeze_time(timedelta(hours=1), tick=True):
        await ha_env.call("sync_all")
        assert await one_title(ha_env, title) == row

    for item in ha_env.plex.state.items_of(title):
        ha_env.plex.state.remove_label(item.rating_key, "no-sync")
    await ha_env.call("sync_all")
    assert (await one_title(ha_env, title))["status"] == "labelled"
    assert ha_env.entry.runtime_data.records.knowledge.opted_out == {}


async def test_announced_title_waits_with_its_reason(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    title = await wanted_spare(ha_env, in_plex=False)
    assert (await one_title(ha_env, title))["status"] == "missing"
    assert await ha_env.pulsarr.announce(title, force=True)
    await eventually(lambda: ha_env.state("pending") == "1")
    await ha_env.call("process_pending")
    row = await one_title(ha_env, title, status=["waiting"])
    assert row["reason_code"] == "not_in_plex"
    assert row["reason"] == "announced, but not in Plex yet"
    pending = (await ha_env.call("get_pending"))["pending"][0]
    assert row["since"] == pending["created"]


async def test_what_could_not_be_read_is_unknown_and_says_what(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    before = figures(ha_env)
    rosa = ha_env.person("rosa")
    wanted = len(ha_env.wanted_by("rosa"))
    ha_env.pulsarr.faults.add(Fault("busy", match=rf"/users/{rosa}/watchlist", times=None))
    await ha_env.call("sync_all")
    rows = await titles(ha_env, person="rosa", status="unknown")
    assert len(rows) == wanted
    assert {row["reason_code"] for row in rows} == {"watchlist_unread"}
    assert {row["reason"] for row in rows} == {"the watchlist of rosa could not be read"}
    assert all(row["since"] for row in rows)
    ha_env.pulsarr.faults.clear()
    await ha_env.call("sync_all")
    assert await titles(ha_env, person="rosa", status="unknown") == []

    ha_env.plex.faults.add(Fault("busy", match="/library/sections/1/all.*X-Plex", times=None))
    await ha_env.call("sync_all")
    unknown = await titles(ha_env, status="unknown", limit=1000)
    assert unknown
    assert {row["type"] for row in unknown} == {"movie"}
    assert {row["reason_code"] for row in unknown} <= {"library_unread", "label_unread"}
    key = key_of(ha_env, "rosa")
    assert figures(ha_env)[key] == before[key]


async def test_person_is_known_by_name_before_alias_and_by_id_last(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    state = ha_env.pulsarr.state
    rosa, tim = ha_env.person("rosa"), ha_env.person("tim")
    state.set_alias(tim, "rosa")
    await ha_env.call("sync_all")
    of_rosa = {one["title"] for one in await titles(ha_env, person="ROSA", limit=1000)}
    assert of_rosa == {one["title"] for one in await titles(ha_env, person=str(rosa), limit=1000)}
    assert all("rosa" in one["people"] for one in await titles(ha_env, person="rosa"))

    state.set_alias(rosa, "kid")
    state.set_alias(tim, "kid")
    await ha_env.call("sync_all")
    with pytest.raises(ServiceValidationError) as refused:
        await ha_env.call("get_titles", person="kid")
    assert refused.value.translation_key == "ambiguous_person"
    placeholders = refused.value.translation_placeholders or {}
    assert {"rosa", "tim"} == set(placeholders["names"].split(", "))
    with pytest.raises(ServiceValidationError) as unknown:
        await ha_env.call("get_titles", person="nobody at all")
    assert unknown.value.translation_key == "unknown_person"


async def test_answer_comes_from_memory_and_after_a_restart_from_one_read(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    before = await ha_env.call("get_titles", limit=1000)
    for server in (ha_env.plex, ha_env.pulsarr):
        server.stats.reset()
    assert await ha_env.call("get_titles", limit=1000) == before
    assert (ha_env.plex.stats.total, ha_env.pulsarr.stats.total) == (0, 0)

    await reload(ha_env)
    ha_env.plex.stats.reset()
    assert await ha_env.call("get_titles", limit=1000) == before
    assert ha_env.plex.stats.puts == 0
    ha_env.plex.stats.reset()
    await ha_env.call("get_titles")
    assert ha_env.plex.stats.total == 0

    await reload(ha_env)
    ha_env.plex.faults.add(Fault("drop", times=None))
    with pytest.raises(HomeAssistantError) as failed:
        await ha_env.call("get_titles")
    assert failed.value.translation_key == "plex_cannot_connect"


async def test_paused_entry_says_what_would_be_labelled(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    rows = await titles(ha_env, status="waiting", limit=1000)
    assert rows
    assert {row["reason_code"] for row in rows} == {"not_labelled_yet"}
    assert ha_env.plex.stats.puts == 0


async def test_reason_is_reported_in_the_language_of_home_assistant(ha_env: HaEnv) -> None:
    await ha_env.hass.config.async_update(language="de")
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    (row, *_) = await titles(ha_env, status="missing")
    german = read_json("translations/de.json")["selector"]["title_reason"]["options"]
    assert row["reason"] == german["not_in_plex"]
    assert row["reason_code"] == "not_in_plex"


async def test_title_of_several_people_is_one_row_where_it_is_the_same_to_them(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    title = ha_env.spare(in_plex=True)
    for name in ("rosa", "tim"):
        ha_env.pulsarr.state.want(ha_env.person(name), title)
    await ha_env.call("sync_all")
    row = await one_title(ha_env, title)
    assert sorted(row["people"]) == ["rosa", "tim"]
    for item in ha_env.plex.state.items_of(title):
        ha_env.plex.state.remove_label(item.rating_key, "Tim")
    await ha_env.call("sync_all")
    rows = [one for one in await titles(ha_env, limit=1000) if f"plex:{title.key}" in one["guids"]]
    assert {(one["status"], *one["people"]) for one in rows} == {
        ("labelled", "rosa"),
        ("kept_off", "tim"),
    }
    assert (await one_title(ha_env, title, person="tim"))["status"] == "kept_off"
