"""The probe: its answers equal how the servers are, it asks little, and nothing of it stays."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from itertools import pairwise
import json
import re
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from homeassistant.components import persistent_notification
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.probe.labels import ROOT
from custom_components.plex_label_sync.probe.model import (
    EDITS_MAX,
    NEEDS_MOVIE,
    REQUESTS_MAX,
    Code,
)
from custom_components.plex_label_sync.storage.files import RecordFile
from simulators.http import LoggedRequest, Stats
from simulators.plex import Fault, PlexKnobs
from simulators.pulsarr.knobs import EVENT_TYPES_FIRST

from .ha_env import eventually
from .probe_env import ProbeClock

if TYPE_CHECKING:
    from homeassistant.helpers import entity_registry as er
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .ha_env import HaEnv

USUAL: Final = {
    "owner": "yes",
    "owner_sync": "on",
    "subscription": "yes",
    "sync_feature": "no",
    "change_counter": "yes",
    "socket_path": "websockets",
    "inline_labels": "never",
    "include_labels": "never",
    "labels_on_items": "yes",
    "section_on_row": "yes",
    "read_refreshes": "no",
    "label_filter": "works",
    "label_by": "both",
    "label_fold": "unicode",
    "multi_get_max": ">=56",
    "url_limit": ">=4000",
    "capitalise": "first",
    "reuse_spelling": "yes",
    "remove_case": "exact",
    "removal_decodes": "yes",
    "label_max": ">=300",
    "bump_item": "no",
    "bump_library": "no",
    "edit_events": "no",
    "settle": "at_once",
    "linger": "no",
    "item_restored": "yes",
    "pulsarr_version": "0.12.1",
    "pulsarr_counts": "yes",
    "pulsarr_events": "9",
    "pulsarr_rate_limit": "500",
    "pulsarr_user_rows": "complete",
    "pulsarr_title_rows": "without guids",
}
"""Of simulators with every knob as usual; how long an edit takes is another matter."""


@pytest.fixture(autouse=True)
def probe_clock(ha_env: HaEnv) -> ProbeClock:
    """Return the clock by which probes wait."""
    return ProbeClock(ha_env)


def movie(ha_env: HaEnv) -> str:
    """Return a movie with a label and without a lock, so that both can be lost."""
    state = ha_env.plex.state
    item = next(one for one in state.items.values() if one.section == "1" and one.labels)
    item.label_locked = False
    return item.rating_key


def movie_by_hand(ha_env: HaEnv) -> str:
    """Return a movie with a label that somebody put on."""
    state = ha_env.plex.state
    item = next(one for one in state.items.values() if one.section == "1")
    state.add_label(item.rating_key, "Family")
    return item.rating_key


def label_beyond_ascii(ha_env: HaEnv) -> None:
    """Let there be a label with a letter that ASCII does not know, on a few movies."""
    shelf = list(ha_env.plex.state.section_items("1", "movie"))
    for key in shelf[:4]:
        ha_env.plex.state.add_label(key, "Für später")


def traces(ha_env: HaEnv) -> dict[str, tuple[tuple[str, ...], bool]]:
    """Return what a probe may not change."""
    items = ha_env.plex.state.items.values()
    return {one.rating_key: (one.labels, one.label_locked) for one in items}


async def answers(ha_env: HaEnv, **data: Any) -> dict[str, str]:
    """Probe, and see that the limits are kept; returns the answers but for durations."""
    before = traces(ha_env)
    ha_env.plex.stats.reset()
    ha_env.pulsarr.stats.reset()
    answer = await ha_env.call("probe", **data)
    asked = ha_env.plex.stats.total + ha_env.pulsarr.stats.total
    assert answer["requests"] == asked <= REQUESTS_MAX == 25
    assert ha_env.plex.stats.puts <= EDITS_MAX == 6
    for request in ha_env.plex.stats.log:
        if request.method == "PUT":
            assert f"&id={data['rating_key']}&" in request.query
    assert ha_env.pulsarr.stats.total == ha_env.pulsarr.stats.gets
    assert traces(ha_env) == before
    assert answer["version"] == ha_env.plex.state.version
    assert answer["platform"] == "Linux"
    return {one["fact"]: one["answer"] for one in answer["facts"] if one["fact"] != "put_latency"}


def turned(knobs: PlexKnobs) -> str:
    """Return which knobs are not as usual, as the name of a test."""
    usual, these = asdict(PlexKnobs()), asdict(knobs)
    return ",".join(f"{name}={these[name]}" for name in these if these[name] != usual[name])


READING: Final = [
    (PlexKnobs(), {}),
    (PlexKnobs(inline_labels="always"), {"inline_labels": "always", "include_labels": "always"}),
    (PlexKnobs(inline_labels="some"), {"inline_labels": "some", "include_labels": "unknown"}),
    (PlexKnobs(labels_on_items=False), {"labels_on_items": "no", "item_restored": "unknown"}),
    (PlexKnobs(section_on_row=False), {"section_on_row": "no"}),
    (PlexKnobs(owner_sync=False), {"owner_sync": "off"}),
    (PlexKnobs(change_counter=False), {"change_counter": "no", "bump_library": "absent"}),
    (PlexKnobs(label_by="id"), {"label_by": "id", "include_labels": "unknown"}),
    (PlexKnobs(label_by="text"), {"label_by": "text"}),
    (PlexKnobs(label_fold="ascii"), {"label_fold": "ascii"}),
    (
        PlexKnobs(label_filter_broken=True),
        {
            "label_filter": "ignored",
            "label_by": "unknown",
            "label_fold": "unknown",
            "include_labels": "unknown",
        },
    ),
    (PlexKnobs(read_refreshes=True), {"read_refreshes": "yes"}),
    (PlexKnobs(socket_path="websocket"), {"socket_path": "websocket"}),
    (PlexKnobs(socket_path="websockets"), {}),
    (
        PlexKnobs(notifications=False),
        {"socket_path": "none", "edit_events": "unknown", "read_refreshes": "unknown"},
    ),
    (PlexKnobs(multi_get_max=50), {"multi_get_max": ">=50, <56"}),
    (PlexKnobs(url_limit=3000), {"url_limit": "<4000"}),
    (PlexKnobs(url_limit=3000, url_status=400), {"url_limit": "<4000"}),
]
# What is asked last is left out where finding out the rest took all requests.
SPENT: Final = {"pulsarr_title_rows": "unknown", "pulsarr_version": "unknown"}
EDITS: Final = [
    (PlexKnobs(capitalize="words"), {"capitalise": "words"}),
    (PlexKnobs(capitalize="none"), {"capitalise": "none"}),
    (PlexKnobs(reuse_spelling=False), {"reuse_spelling": "no"}),
    (PlexKnobs(remove_case="fold"), {"remove_case": "fold"}),
    (PlexKnobs(removal_decodes=False), {"removal_decodes": "no", **SPENT}),
    (
        PlexKnobs(removal_decodes=False, remove_case="fold"),
        {
            "removal_decodes": "no",
            "remove_case": "fold",
        },
    ),
    (PlexKnobs(label_max=255), {"label_max": "255"}),
    (PlexKnobs(label_max=60), {"label_max": "60"}),
    (PlexKnobs(bump=True), {"bump_item": "yes", "bump_library": "yes"}),
    (PlexKnobs(bump=True, bump_what="item"), {"bump_item": "yes"}),
    (PlexKnobs(bump=True, bump_what="library"), {"bump_library": "yes"}),
    (PlexKnobs(edit_events=True), {"edit_events": "yes"}),
    (PlexKnobs(settle=0.3), {"settle": "<=500 ms"}),
    (PlexKnobs(settle=1.2), {"settle": "<=2000 ms", "pulsarr_title_rows": "unknown"}),
    (PlexKnobs(linger=True), {"linger": "yes"}),
]


def matches(answer: str, expected: str) -> bool:
    """Tell whether an answer is as expected; a limit may be told by its upper end."""
    return answer == expected or (expected.startswith("<") and answer.endswith(f", {expected}"))


def unlike(found: dict[str, str], expected: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return the answers that are not as expected, each with what was."""
    assert found.keys() == expected.keys() - {"put_latency"}
    return {
        code: (answer, expected[code])
        for code, answer in found.items()
        if not matches(answer, expected[code])
    }


def named(value: object) -> str:
    """Return a part of a test's name."""
    return turned(value) if isinstance(value, PlexKnobs) else ""


@pytest.mark.parametrize(("knobs", "different"), [*READING, *EDITS], ids=named)
async def test_answers_with_a_movie_equal_the_knobs(
    ha_env: HaEnv, probe_clock: ProbeClock, knobs: PlexKnobs, different: dict[str, str]
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    probe_clock.turn(knobs)

    found = await answers(ha_env, rating_key=movie(ha_env))

    assert unlike(found, USUAL | different) == {}


@pytest.mark.parametrize(("knobs", "different"), READING, ids=named)
async def test_answers_without_a_movie_equal_the_knobs(
    ha_env: HaEnv, knobs: PlexKnobs, different: dict[str, str]
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    label_beyond_ascii(ha_env)
    ha_env.plex.knobs = knobs

    found = await answers(ha_env)

    assert ha_env.plex.stats.puts == 0
    expected = USUAL | different | dict.fromkeys(NEEDS_MOVIE, "unknown")
    # Several items with a label are listed here, and nothing is known of other spellings.
    if knobs.inline_labels == "some":
        expected["include_labels"] = "some"
    if knobs.label_by == "id":
        expected["label_fold"] = "unknown"
    assert unlike(found, expected) == {}


PULSARR: Final = [
    ({"version": "0.19.0"}, {"pulsarr_version": "0.19.0"}),
    ({"version": "anna's 1.0"}, {"pulsarr_version": "not_told"}),
    ({"update_status": False}, {"pulsarr_version": "not_told"}),
    ({"webhooks": False}, {"pulsarr_events": "none"}),
    ({"event_types": EVENT_TYPES_FIRST}, {"pulsarr_events": "8"}),
    ({"event_types": ("media.available",)}, {"pulsarr_events": "1"}),
    (
        {"with_counts_route": False},
        {"pulsarr_counts": "no", "pulsarr_title_rows": "complete"},  # of another person
    ),
    ({"rate_limit": 40}, {"pulsarr_rate_limit": "40"}),
    ({"display_names": False}, {"pulsarr_user_rows": "without display_name"}),
    ({"user_fields": "late_2025"}, {}),
    (
        {"user_fields": "oldest"},
        {"pulsarr_user_rows": "without display_name, is_primary_token, plex_uuid"},
    ),
    ({"empty_users": True}, {"pulsarr_user_rows": "unknown", "pulsarr_title_rows": "unknown"}),
    ({"empty_watchlists": True}, {"pulsarr_title_rows": "unknown"}),
]


@pytest.mark.parametrize(("knobs", "different"), PULSARR, ids=str)
async def test_answers_about_pulsarr_equal_its_knobs(
    ha_env: HaEnv, knobs: dict[str, Any], different: dict[str, str]
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    for name, value in knobs.items():
        setattr(ha_env.pulsarr.knobs, name, value)

    found = await answers(ha_env)

    of_pulsarr = {code: value for code, value in found.items() if code.startswith("pulsarr_")}
    expected = {code: value for code, value in USUAL.items() if code in of_pulsarr} | different
    assert unlike(of_pulsarr, expected) == {}


async def test_edits_are_a_second_apart_and_the_lock_stays_as_it_was(
    ha_env: HaEnv, probe_clock: ProbeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ha_env.set_up(live_mode=False)
    sent: list[float] = []
    record = Stats.end

    def end(stats: Stats, request: web.Request, entry: LoggedRequest) -> None:
        if entry.method == "PUT":
            sent.append(probe_clock.now())
        record(stats, request, entry)

    monkeypatch.setattr(Stats, "end", end)
    found = await answers(ha_env, rating_key=movie(ha_env))

    assert found["item_restored"] == "yes"
    assert len(sent) >= 4
    assert min(after - before for before, after in pairwise(sent)) >= 1.0


@pytest.mark.parametrize("locked", [False, True])
async def test_lock_of_the_labels_is_put_back(ha_env: HaEnv, locked: bool) -> None:
    await ha_env.set_up(live_mode=False)
    key = movie(ha_env)
    ha_env.plex.state.items[key].label_locked = locked

    await answers(ha_env, rating_key=key)

    assert ha_env.plex.state.items[key].label_locked is locked


async def test_only_a_movie_is_tried(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    before = traces(ha_env)
    show = next(one.rating_key for one in ha_env.plex.state.items.values() if one.type == "show")
    ha_env.plex.stats.reset()

    for key, error_key in ((show, "probe_no_movie"), ("999999", "probe_no_movie")):
        with pytest.raises(ServiceValidationError) as refused:
            await ha_env.call("probe", rating_key=key)
        assert refused.value.translation_key == error_key
    with pytest.raises(ServiceValidationError) as refused:
        await ha_env.call("probe", rating_key="1,2")
    assert refused.value.translation_key == "invalid_rating_key"

    assert ha_env.plex.stats.puts == 0
    assert traces(ha_env) == before


async def test_second_probe_is_refused_and_a_run_waits_until_the_first_has_ended(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    key = movie_by_hand(ha_env)
    probing = asyncio.create_task(
        ha_env.hass.services.async_call(
            DOMAIN, "probe", {"rating_key": key}, blocking=True, return_response=True
        )
    )
    await eventually(lambda: ha_env.plex.stats.puts > 0)

    syncing = asyncio.create_task(
        ha_env.hass.services.async_call(DOMAIN, "sync_all", blocking=True)
    )
    with pytest.raises(ServiceValidationError) as refused:
        await ha_env.hass.services.async_call(DOMAIN, "probe", blocking=True, return_response=True)

    assert refused.value.translation_key == "probe_running"
    await probing
    edits = [one.query for one in ha_env.plex.stats.log if one.method == "PUT"]
    assert all(ROOT in one.casefold() for one in edits)  # the sync had written nothing yet
    await syncing
    await ha_env.settle()
    assert len([one for one in ha_env.plex.stats.log if one.method == "PUT"]) > len(edits)


async def test_nothing_is_tried_that_cannot_be_written_down(
    ha_env: HaEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ha_env.set_up(live_mode=False)

    async def full(_file: RecordFile, _snapshot: object) -> bool:
        return False

    monkeypatch.setattr(RecordFile, "async_write", full)
    ha_env.plex.stats.reset()

    with pytest.raises(HomeAssistantError) as raised:
        await ha_env.call("probe", rating_key=movie(ha_env))

    assert raised.value.translation_key == "storage_not_saved"
    assert ha_env.plex.stats.puts == 0


async def test_button_shows_a_table_and_diagnostics_hold_the_answers(
    ha_env: HaEnv, hass_client: ClientSessionGenerator, entity_registry: er.EntityRegistry
) -> None:
    await ha_env.set_up(live_mode=False)
    entity_id = ha_env.entity_id("probe")
    assert ha_env.hass.states.get(entity_id) is None  # disabled by default
    entity_registry.async_update_entity(entity_id, disabled_by=None)
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    ha_env.plex.stats.reset()

    await ha_env.hass.services.async_call(
        "button", "press", {"entity_id": entity_id}, blocking=True
    )

    assert ha_env.plex.stats.puts == 0
    notifications = persistent_notification._async_get_or_create_notifications(ha_env.hass)
    (shown,) = (one for one in notifications.values() if DOMAIN in one["notification_id"])
    for code in Code:
        assert f"| `{code}` | " in shown["message"]
    client = await hass_client()
    answer = await client.get(f"/api/diagnostics/config_entry/{ha_env.entry.entry_id}")
    error_key = (await answer.json())["data"]["probe"]
    assert (
        unlike(
            {name: value for name, value in error_key["facts"].items() if name != "put_latency"},
            USUAL
            | dict.fromkeys(NEEDS_MOVIE, "unknown")
            | {"label_fold": error_key["facts"]["label_fold"]},
        )
        == {}
    )
    assert (error_key["movie"], error_key["unfinished"]) == (False, False)


async def test_answer_names_no_one_and_nothing(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)

    answer = json.dumps(await ha_env.call("probe", rating_key=movie(ha_env)), ensure_ascii=False)

    state = ha_env.plex.state
    private = {state.name, state.machine_identifier, ha_env.plex.url, ha_env.pulsarr.url}
    private |= {library.title for library in state.libraries.values()} - {"Movies"}
    private |= {item.title for item in state.items.values() if len(item.title) > 4}
    private |= {user.name for user in ha_env.pulsarr.state.users()}
    private |= {tag.text for tag in state.tags.all()}
    assert not {one for one in private if re.search(rf"\b{re.escape(one)}\b", answer)}


async def test_answer_is_kept_over_a_restart(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    await ha_env.call("probe")
    last = ha_env.entry.runtime_data.probing.store.last
    assert last is not None

    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()

    assert ha_env.entry.runtime_data.probing.store.last == last


async def test_server_that_is_away_is_an_error_with_a_reason(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    ha_env.plex.faults.add(Fault(kind="unavailable", route="/", times=None))

    with pytest.raises(HomeAssistantError) as raised:
        await ha_env.call("probe")

    assert raised.value.translation_key == "plex_busy"


async def test_pulsarr_that_is_away_costs_its_own_facts_only(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    label_beyond_ascii(ha_env)
    ha_env.pulsarr.faults.add(Fault(kind="unavailable", times=None))

    answer = await ha_env.call("probe")

    facts = {one["fact"]: one for one in answer["facts"]}
    for code in Code:
        if code.startswith("pulsarr_"):
            assert facts[code]["answer"] == "unknown"
            assert "busy" in facts[code]["detail"]
    assert facts["label_by"]["answer"] == "both"


async def test_library_without_labels_leaves_open_what_needs_one(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    for item in ha_env.plex.state.items.values():
        for label in item.labels:
            ha_env.plex.state.remove_label(item.rating_key, label)

    found = await answers(ha_env)

    for code in ("label_by", "label_fold", "inline_labels", "labels_on_items"):
        assert found[code] == "unknown"
    assert found["label_filter"] == "works"
