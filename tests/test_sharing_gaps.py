"""What could not be read is unknown for whom it concerns, with a reason, and stops nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.plex_label_sync.event import EVENT_ACTIVITY
from custom_components.plex_label_sync.live.label_events import LabelEvent
from custom_components.plex_label_sync.sync.model import MediaType
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.reasons import PersonRef
from simulators.http import Fault
from simulators.plex.server import LISTING_ROUTE, METADATA_ROUTE

from .flows.test_options_flow import open_options, submit
from .sharing.brute import Meaning, carries
from .sharing_env import KINDS, SharingEnv, env, row_of
from .test_system_health import page as health_page

if TYPE_CHECKING:
    from pytest_homeassistant_custom_component.typing import WebSocketGenerator

    from simulators.plex import Item
    from simulators.plex.render import BrokenHow

__all__ = ["env"]

DIRECTORY: Final = "/library/sections/{id}/label"


def step_of(response: dict[str, Any], name: str, key: str) -> dict[str, Any]:
    """Return a line of somebody's checklist."""
    found: dict[str, Any] = next(
        one for one in row_of(response, name)["steps"] if one["key"] == key
    )
    return found


def kinds_of(response: dict[str, Any]) -> list[str]:
    """Return the kinds of what could not be read."""
    return sorted({one["kind"] for one in response["gaps"]})


def labelled_for(env: SharingEnv, name: str, kind: str = "movie") -> Item:
    """Return an item that carries somebody's label, and no other of the title."""
    for item in env.items(kind):
        same = [one for one in env.items(kind) if one.origin is item.origin]
        if name in {one.casefold() for one in item.labels} and len(same) == 1:
            return item
    raise AssertionError


async def test_nothing_unread_means_no_gap_and_no_unknown_line(env: SharingEnv) -> None:
    await env.set_up()
    response = await env.check()
    assert (response["status"], response["gaps"]) == ("ok", [])
    lines = [line for row in response["people"] for line in row["steps"]]
    assert {line["done"] for line in lines} == {True, False}
    assert {line["reason"] for line in lines} == {None}


@pytest.mark.parametrize("how", ["busy", "wrong_types"])
async def test_no_line_is_ticked_while_a_wanted_item_cannot_be_read(
    env: SharingEnv, how: BrokenHow
) -> None:
    await env.set_up()
    good = await env.check()
    assert step_of(good, "tim", "wishes")["done"] is True
    assert step_of(good, "tim", "labelled")["done"] is True
    env.ha_env.plex.broken_items[labelled_for(env, "tim").rating_key] = how

    response = await env.check()

    assert response["status"] == "partial"
    for key in ("labelled", "wishes"):
        line = step_of(response, "tim", key)
        assert (line["done"], bool(line["reason"])) == (None, True), key
    for key in ("account", "preset", "movies", "shows"):
        assert step_of(response, "tim", key)["done"] is True, key
    assert all(one["text"] for one in response["gaps"])


async def test_labels_of_wanted_items_that_cannot_be_read_leave_their_lines_unknown(
    env: SharingEnv,
) -> None:
    await env.set_up()
    good = await env.check()
    env.ha_env.plex.faults.add(Fault("busy", route=METADATA_ROUTE, times=None))

    response = await env.check()

    assert (response["status"], kinds_of(response)) == ("partial", ["item"])
    assert step_of(response, "tim", "labelled")["done"] is None
    for key in KINDS:
        assert row_of(response, "tim")[key] == row_of(good, "tim")[key]
    # The carriers of the label were read: who sees them is known, and none of them is hidden.
    page = await env.ha_env.call("check_sharing", refresh=False)
    assert page["gaps"] == response["gaps"]


async def test_line_that_is_not_done_stays_so_whatever_else_is_unread(env: SharingEnv) -> None:
    await env.set_up()
    env.account("tim").restrict("label=tim&label!=tim")
    env.ha_env.plex.broken_items[labelled_for(env, "tim").rating_key] = "busy"
    assert step_of(await env.check(), "tim", "wishes")["done"] is False


async def test_rule_in_an_unknown_dialect_ticks_nothing(env: SharingEnv) -> None:
    await env.set_up()
    env.account("tim").restrict("label=tim&genre=12")
    env.account("sam").restrict("label==sam")
    response = await env.check()
    assert step_of(response, "tim", "movies")["done"] is True
    line = step_of(response, "tim", "wishes")
    assert (line["done"], bool(line["reason"])) == (None, True)
    line = step_of(response, "sam", "movies")
    assert (line["done"], bool(line["reason"])) == (None, True)


async def test_watchlist_that_cannot_be_read_leaves_its_lines_unknown(env: SharingEnv) -> None:
    await env.set_up()
    pulsarr = env.ha_env.pulsarr
    number = env.ha_env.person("tim")
    pulsarr.faults.add(
        Fault("busy", route="/v1/users/{id}/watchlist", match=f"/{number}/", times=None)
    )
    await env.ha_env.call("sync_all")
    response = await env.check()
    assert (response["status"], kinds_of(response)) == ("partial", ["person"])
    assert step_of(response, "tim", "labelled")["done"] is None
    assert "tim" in step_of(response, "tim", "wishes")["reason"]
    assert step_of(response, "sam", "labelled")["done"] is True


@pytest.mark.parametrize("key", ["1", "2"])
async def test_row_that_always_fails_costs_that_row(env: SharingEnv, key: str) -> None:
    await env.set_up()
    good = await env.check()
    library = env.ha_env.plex.state.libraries[key]
    lost = env.items(library.type, {key})[3]
    env.ha_env.plex.broken_items[lost.rating_key] = "busy"

    response = await env.check()

    assert response["status"] == "partial"
    assert "page" in kinds_of(response)
    assert library.title in " ".join(one["text"] for one in response["gaps"])
    mine = next(name for name, kind in KINDS.items() if kind == library.type)
    for name in ("rosa", "tim", "Jürgen", "sam", "Leo"):
        before, row = row_of(good, name), row_of(response, name)
        for kind in KINDS:
            unknown = int(kind == mine and name not in {"rosa", "sam"})
            assert row[kind]["unknown"] == unknown, (name, kind)
            assert sum(row[kind].values()) == sum(before[kind].values())
            seen = before[kind]["visible"]
            assert seen - unknown <= row[kind]["visible"] <= seen


@pytest.mark.parametrize("kind", ["busy", "html", "wrong_types", "unavailable"])
async def test_library_that_cannot_be_listed_costs_that_library(env: SharingEnv, kind: Any) -> None:
    await env.set_up()
    good = await env.check()
    count = len(env.items("movie", {"1"}))
    env.ha_env.plex.faults.add(Fault(kind, route=LISTING_ROUTE, match="sections/1/all", times=None))

    response = await env.check()

    assert response["status"] == "partial"
    assert set(kinds_of(response)) <= {"library", "page", "label", "item"}
    assert row_of(response, "tim")["shows"] == row_of(good, "tim")["shows"]
    movies = row_of(response, "tim")["movies"]
    assert movies["visible"] <= len(env.items("movie")) - count
    assert row_of(response, "marta")["state"] == "restricted"  # not "nothing"
    assert row_of(response, "marta")["movies"]["hidden"] == len(env.items("movie")) - count
    assert step_of(response, "tim", "wishes")["done"] is not True
    env.ha_env.plex.faults.clear()
    assert (await env.check())["people"] == good["people"]


async def test_label_that_shows_alone_left_unread_is_read_for_a_preview(env: SharingEnv) -> None:
    await env.set_up()
    label = labelled_for(env, "tim", "show").labels[0]
    env.account("sam").restrict(f"label={quote(label)}")
    shows = next(one for one in env.ha_env.plex.state.libraries.values() if one.type == "show")
    env.ha_env.plex.faults.add(
        Fault("busy", route=DIRECTORY, match=f"/{shows.key}/label", times=None)
    )
    meaning: list[Meaning] = [[[carries(label.casefold())]]]
    response = await env.check()
    assert row_of(response, "sam")["movies"] == env.counted("movie", meaning)
    assert row_of(response, "sam")["shows"]["unknown"] == len(env.items("show"))

    unread = await env.ha_env.call("preview_sharing", person="sam", allow=[label])
    assert unread["shows"]["unknown"] == len(env.items("show"))
    assert kinds_of(unread) == ["label"]
    assert unread["labels_unknown"] == []

    env.ha_env.plex.faults.clear()
    read = await env.ha_env.call("preview_sharing", person="sam", allow=[label])
    assert read["gaps"] == []
    for key, kind in KINDS.items():
        counts = {name: read[key][name] for name in ("visible", "hidden", "unknown")}
        assert counts == env.counted(kind, meaning)


async def test_library_whose_labels_cannot_be_read_does_not_stop_a_preview(
    env: SharingEnv,
) -> None:
    await env.set_up()
    await env.check()
    env.ha_env.plex.faults.add(
        Fault("busy", route=DIRECTORY, match="/1/label", times=None),
    )
    response = await env.ha_env.call("preview_sharing", person="sam", allow=["marta"])
    assert response["movies"]["unknown"] == len(env.items("movie", {"1"}))
    assert response["shows"]["unknown"] == 0
    assert kinds_of(response) == ["label"]


async def test_page_shows_what_is_unknown_and_why(env: SharingEnv) -> None:
    await env.set_up()
    env.ha_env.plex.broken_items[labelled_for(env, "tim").rating_key] = "busy"
    await env.check()
    shown = await submit(env.ha_env, await open_options(env.ha_env), show_sharing=True)
    page = (shown["description_placeholders"] or {})["page"]
    assert "Not everything could be read" in page
    assert "- ? Sign in as `tim` and check the result. Unknown:" in page
    assert "(unknown: 1)" in page


async def test_label_that_only_a_library_carries_that_is_not_synced_is_not_missing(
    env: SharingEnv,
) -> None:
    label = "Seen elsewhere"
    other = env.items("movie", {"1"})[0]
    env.ha_env.plex.state.add_label(other.rating_key, label)
    env.account("sam").restrict(f"label={quote(label)}", "")
    keys = [key for key in env.ha_env.plex.state.libraries if key != "1"]
    await env.set_up(libraries=keys)
    response = await env.check()
    assert "label_missing" not in row_of(response, "sam")["warnings"]
    assert row_of(response, "sam")["state"] == "restricted"
    assert "sees_nothing" not in row_of(response, "sam")["warnings"]


# What Plex leaves out

ROUTES: Final = {
    "libraries": "/library/sections",
    "listing": LISTING_ROUTE,
    "labels": DIRECTORY,
    "items": METADATA_ROUTE,
}
LESS: Final = ("busy", "empty", "left_out", "short_page", "repeated_row", "null_row", "headless")
UNKNOWN_STATES: Final = {"unknown", "restricted"}  # the latter says nothing about how much


def said_beyond(good: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """Return what a row says that the row with everything read does not say."""
    found = [
        f"{key}: {verdict}"
        for key in (*KINDS, "wishes")
        for verdict in ("visible", "hidden")
        if row[key][verdict] > good[key][verdict]
    ]
    found += set(row["warnings"]) - set(good["warnings"])
    found += {row["state"]} - {good["state"]} - UNKNOWN_STATES
    return found + [
        f"{now['key']}: {now['done']}"
        for before, now in zip(good["steps"], row["steps"], strict=True)
        if now["done"] not in {None, before["done"]}
    ]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("how", LESS)
async def test_answer_that_says_less_is_no_proof(env: SharingEnv, route: str, how: Any) -> None:
    await env.set_up()
    good = await env.check()
    env.ha_env.plex.faults.add(Fault(how, route=ROUTES[route], times=None))

    response = await env.check()

    assert env.ha_env.plex.faults.acted
    if response["status"] == "not_available":
        assert response["people"] == good["people"]
        return
    names = ["rosa", "tim", "nina", "sam", "marta"]
    if (route, how) != ("labels", "left_out"):
        # Labels set by hand, which no wanted item carries, are known from the directory alone.
        names += ["Jürgen", "Leo"]
    for name in names:
        assert said_beyond(row_of(good, name), row_of(response, name)) == [], name


async def test_library_that_is_left_out_is_read_as_long_as_it_exists(env: SharingEnv) -> None:
    await env.set_up()
    good = await env.check()
    env.ha_env.plex.faults.add(Fault("empty", route="/library/sections", times=None))
    response = await env.check()
    assert (response["status"], response["people"]) == ("ok", good["people"])
    env.ha_env.plex.faults.clear()
    for item in env.items("movie", {"1"}):
        env.ha_env.plex.delete_item(item.rating_key)
    del env.ha_env.plex.state.libraries["1"]
    response = await env.check()
    assert response["status"] == "ok"
    assert sum(row_of(response, "sam")["movies"].values()) == len(env.items("movie"))


async def test_item_that_the_listing_leaves_out_is_known_from_its_label(env: SharingEnv) -> None:
    for item in env.items("movie"):
        env.ha_env.plex.state.add_label(item.rating_key, "All of them")
    env.account("sam").restrict("label=All%20of%20them", "")
    env.account("marta").restrict("contentRating=XX")
    await env.set_up()
    good = await env.check()
    listings = Fault("left_out", route=LISTING_ROUTE, match="sections/1/all.*addedAt", times=None)
    env.ha_env.plex.faults.add(listings)

    response = await env.check()

    assert (response["status"], kinds_of(response)) == ("partial", ["page"])
    assert row_of(response, "sam")["movies"] == row_of(good, "sam")["movies"]
    assert row_of(response, "marta")["movies"]["unknown"] == 1  # its rating was not read


async def test_label_that_lingers_without_items_is_carried_by_none(env: SharingEnv) -> None:
    env.ha_env.plex.knobs = replace(env.ha_env.plex.knobs, linger=True)
    item = env.items("movie", {"1"})[0]
    env.ha_env.plex.state.add_label(item.rating_key, "Lingering")
    env.ha_env.plex.state.remove_label(item.rating_key, "Lingering")
    env.account("sam").restrict("label!=Lingering")
    await env.set_up()
    response = await env.check()
    assert (response["status"], response["gaps"]) == ("ok", [])
    assert row_of(response, "sam")["movies"]["visible"] == len(env.items("movie"))


async def test_filter_that_is_not_understood_makes_nobody_see_everything(
    env: SharingEnv,
) -> None:
    await env.set_up()
    good = await env.check()
    env.ha_env.plex.knobs = replace(env.ha_env.plex.knobs, label_filter_broken=True)
    response = await env.check()
    assert response["status"] == "partial"
    for name in ("tim", "Leo", "Jürgen"):
        assert said_beyond(row_of(good, name), row_of(response, name)) == [], name


# What plex.tv leaves out


def account_gaps(response: dict[str, Any]) -> set[tuple[str, str]]:
    """Return what plex.tv did not report: everything about whom, or whether that are all."""
    return {
        (one["kind"], one["name"]) for one in response["gaps"] if one["reason"] == "not_reported"
    }


def the_others(response: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    """Return the rows of everybody else."""
    return [row for row in response["people"] if not {row["person"], row["account"]} & set(names)]


def everything_unknown(env: SharingEnv, response: dict[str, Any], name: str) -> None:
    """Assert that nothing is known of what somebody sees."""
    for key, kind in KINDS.items():
        count = len(env.items(kind))
        assert row_of(response, name)[key] == {"visible": 0, "hidden": 0, "unknown": count}


def ticked(response: dict[str, Any], name: str) -> set[str]:
    """Return the lines of somebody's checklist that are done."""
    return {step["key"] for step in row_of(response, name)["steps"] if step["done"]}


async def test_account_that_is_missing_once_is_unknown_and_gone_when_it_is_again(
    env: SharingEnv,
) -> None:
    await env.set_up()
    good = await env.check()
    env.account("tim").left_out = {"user", "share"}

    response = await env.check()

    assert (response["status"], response["reason"]) == ("partial", None)
    assert account_gaps(response) == {("account", "tim"), ("accounts", "")}
    assert row_of(response, "tim")["state"] == "unknown"
    everything_unknown(env, response, "tim")
    assert ticked(response, "tim") <= {"labelled"}
    assert row_of(response, "tim")["warnings"] == []
    assert the_others(response, "tim") == the_others(good, "tim")
    response = await env.check()
    assert (response["status"], response["gaps"]) == ("ok", [])
    assert row_of(response, "tim")["state"] == "no_account"
    env.account("tim").left_out = set()
    assert (await env.check())["people"] == good["people"]


async def test_account_with_a_share_is_never_believed_gone(env: SharingEnv) -> None:
    await env.set_up()
    await env.check()
    env.account("tim").left_out = {"user"}
    for _ in range(3):
        response = await env.check()
        assert row_of(response, "tim")["state"] == "unknown"
        assert account_gaps(response) == {("account", "tim"), ("accounts", "")}


async def test_nobody_is_believed_to_have_no_account_while_a_row_is_unreadable(
    env: SharingEnv,
) -> None:
    env.account("tim").left_out = {"id"}
    await env.set_up()
    response = await env.check()
    assert account_gaps(response) == {("accounts", "")}
    assert row_of(response, "tim")["state"] == "unknown"
    assert row_of(response, "tim")["warnings"] == []
    line = step_of(response, "tim", "account")
    assert (line["done"], bool(line["reason"])) == (None, True)
    assert row_of(response, "sam")["state"] == "everything"
    assert row_of(response, "marta")["state"] == "restricted"


@pytest.mark.parametrize("left_out", ["servers", "share", "sections"])
async def test_share_without_its_libraries_is_unknown(env: SharingEnv, left_out: Any) -> None:
    await env.set_up()
    good = await env.check()
    env.account("sam").left_out = {left_out}
    response = await env.check()
    assert response["status"] == "partial"
    assert account_gaps(response) == {("account", "sam")}
    everything_unknown(env, response, "sam")
    assert row_of(response, "sam")["warnings"] == row_of(good, "sam")["warnings"]
    line = step_of(response, "sam", "account")
    assert (line["done"], "sam" in line["reason"]) == (None, True)
    assert the_others(response, "sam") == the_others(good, "sam")


async def test_account_without_its_rules_is_unknown_and_lost_none(env: SharingEnv) -> None:
    await env.set_up()
    await env.check()
    env.account("tim").left_out = {"rules"}
    response = await env.check()
    assert account_gaps(response) == {("account", "tim")}
    everything_unknown(env, response, "tim")
    assert "rule_gone" not in row_of(response, "tim")["warnings"]
    assert not ticked(response, "tim") & {"movies", "shows", "wishes"}
    env.account("tim").left_out = set()
    env.account("tim").restrict("")
    assert "rule_gone" in row_of(await env.check(), "tim")["warnings"]  # though unknown before
    env.account("tim").left_out = {"rules"}
    response = await env.check()
    assert "rule_gone" in row_of(response, "tim")["warnings"]  # it has not come back
    assert env.issue("sharing_open") is not None


@pytest.mark.parametrize("how", ["left out", 401, 403, 422, 500, "empty"])
async def test_member_of_the_home_without_a_word_about_a_preset_is_unknown(
    env: SharingEnv, how: Any
) -> None:
    env.account("Jürgen").restrict("")
    await env.set_up()
    good = await env.check()
    if how == "left out":
        env.account("Jürgen").left_out = {"home"}
    elif how == "empty":
        env.tv.sharing.refuse("/api/home", 200, body='<MediaContainer size="0"/>')
    else:
        env.tv.sharing.refuse("/api/home", how)

    response = await env.check()

    assert (response["status"], response["reason"]) == ("partial", None)
    assert ("account", "Jürgen") in account_gaps(response)
    row = row_of(response, "Jürgen")
    assert (row_of(good, "Jürgen")["state"], row["state"]) == ("everything", "unknown")
    everything_unknown(env, response, "Jürgen")
    assert step_of(response, "Jürgen", "preset")["done"] is None
    assert "not_understood" not in row["warnings"]
    assert row_of(response, "tim") == row_of(good, "tim")  # a friend has no preset
    for key in KINDS:  # a rule holds with a preset and without
        assert row_of(response, "Leo")[key] == row_of(good, "Leo")[key]


@pytest.mark.parametrize("left_out", ["rules", "sections", "id", "share"])
async def test_newer_interface_leaves_out_no_more(env: SharingEnv, left_out: Any) -> None:
    for path in ("/api/users", "/api/home", "/api/servers"):
        env.tv.sharing.refuse(path, 410)
    await env.set_up()
    good = await env.check()
    assert good["status"] == "ok"
    env.account("tim").left_out = {left_out}
    response = await env.check()
    assert response["status"] == "partial"
    assert ("account", "tim") in account_gaps(response)
    # What his rule hides stays hidden whatever is shared.
    for key in KINDS:
        before, row = row_of(good, "tim")[key], row_of(response, "tim")[key]
        hidden = before["hidden"] if left_out == "sections" else 0
        unknown = sum(before.values()) - hidden
        assert row == {"visible": 0, "hidden": hidden, "unknown": unknown}
    assert the_others(response, "tim") == the_others(good, "tim")


async def test_invitations_that_cannot_be_read_cost_the_invited(env: SharingEnv) -> None:
    for path in ("/api/users", "/api/home", "/api/servers"):
        env.tv.sharing.refuse(path, 410)
    env.tv.sharing.refuse("/api/v2/shared_servers/owned/pending", 403)
    await env.set_up()
    response = await env.check()
    assert response["status"] == "partial"
    assert account_gaps(response) == {("accounts", "")}
    assert row_of(response, "nina")["state"] == "unknown"
    assert row_of(response, "tim")["state"] == "restricted"


async def test_account_that_is_missing_is_remembered_over_a_restart(env: SharingEnv) -> None:
    await env.set_up()
    await env.check()
    env.account("tim").left_out = {"user", "share"}
    await env.check()
    await env.ha_env.hass.config_entries.async_reload(env.ha_env.entry.entry_id)
    await env.ha_env.settle()
    response = await env.ha_env.call("check_sharing", refresh=False)
    assert row_of(response, "tim")["state"] == "unknown"
    env.account("tim").left_out = set()
    env.account("tim").restrict("")
    assert "rule_gone" in row_of(await env.check(), "tim")["warnings"]


# Entities, repairs and events


def shown_warnings(env: SharingEnv) -> tuple[str, str, str | None]:
    """Return the sensor of warnings, and what it says about its own completeness."""
    state = env.ha_env.hass.states.get(env.ha_env.entity_id("sharing_warnings"))
    assert state is not None
    return state.state, state.attributes["status"], state.attributes["reason"]


async def test_sensor_of_warnings_says_when_not_everything_could_be_read(env: SharingEnv) -> None:
    await env.set_up()
    count, status, reason = shown_warnings(env)
    assert (count, status) == ("unknown", "not_available")
    assert "Not checked yet" in (reason or "")
    await env.check()
    count, status, reason = shown_warnings(env)
    assert (status, reason) == ("ok", None)
    env.account("sam").left_out = {"share"}
    await env.check()
    before, status, reason = shown_warnings(env)
    assert (before, status) == (count, "partial")
    assert "Not everything could be read" in (reason or "")
    env.tv.sharing.refuse("/api/", 429)
    await env.check()
    _, status, reason = shown_warnings(env)
    assert (status, reason) == ("not_available", "Plex is limiting requests.")


async def test_warning_that_cannot_be_checked_stays_until_it_can(env: SharingEnv) -> None:
    env.account("sam").restrict("label=Nobody carries this", "")
    await env.set_up()
    good = await env.check()
    assert "label_missing" in row_of(good, "sam")["warnings"]
    assert env.issue("sharing") is not None
    env.account("sam").restrict("label=Family", "")
    env.ha_env.plex.faults.add(Fault("busy", route=DIRECTORY, times=None))

    done = await env.fix("sharing", "look_again")

    assert done["reason"] == "still_so"  # others have warnings that could be checked
    response = await env.ha_env.call("check_sharing", refresh=False)
    assert "label_missing" in row_of(response, "sam")["warnings"]
    assert env.issue("sharing") is not None
    env.ha_env.plex.faults.clear()
    assert "label_missing" not in row_of(await env.check(), "sam")["warnings"]


@pytest.mark.parametrize("left_out", [{"rules"}, {"user", "share"}])
async def test_repair_is_not_done_when_it_is_unknown_whether_the_cause_is_gone(
    env: SharingEnv, left_out: set[Any]
) -> None:
    for account in env.tv.sharing.accounts.values():
        account.restrict("")
    env.account("tim").restrict("label!=tim")
    await env.set_up()
    good = await env.check()
    assert [one["key"] for one in good["warnings"] if one["severity"] != "info"] == [
        "own_label_excluded"
    ]
    env.account("tim").left_out = left_out

    done = await env.fix("sharing", "look_again")

    assert done["reason"] == "unread"
    assert env.issue("sharing") is not None
    response = await env.ha_env.call("check_sharing", refresh=False)
    assert "own_label_excluded" in row_of(response, "tim")["warnings"]
    env.account("tim").left_out = set()
    env.account("tim").restrict("label=tim")
    assert (await env.fix("sharing", "look_again"))["type"] == "create_entry"
    assert env.issue("sharing") is None


async def test_repair_does_not_claim_that_plex_was_read_when_it_was_not(env: SharingEnv) -> None:
    env.account("tim").restrict("label!=tim")
    await env.set_up()
    await env.check()
    env.ha_env.plex.faults.add(Fault("drop", times=None))
    assert (await env.fix("sharing", "look_again"))["reason"] == "not_asked"


async def test_repair_about_a_rule_that_is_gone_claims_no_count_that_was_not_read(
    env: SharingEnv,
) -> None:
    await env.set_up()
    await env.check()
    env.account("tim").restrict("")
    env.account("tim").left_out = {"share"}
    await env.check()
    issue = env.issue("sharing_open")
    assert issue is not None
    placeholders = issue.translation_placeholders or {}
    assert (placeholders["before"].isdigit(), placeholders["after"]) == (True, "?")
    env.account("tim").left_out = {"rules"}
    assert (await env.fix("sharing_open", "look_again"))["reason"] == "unread"


async def test_label_of_an_item_that_cannot_be_read_says_nothing_about_who_sees_it(
    env: SharingEnv,
) -> None:
    title = env.ha_env.spare(in_plex=True)
    (item, *_) = env.ha_env.plex.state.items_of(title)
    other = env.ha_env.plex.state.add_item(title, item.section, edition="Another cut")
    await env.set_up()
    await env.check()
    events = async_capture_events(env.ha_env.hass, EVENT_ACTIVITY)
    env.ha_env.plex.broken_items[item.rating_key] = "busy"
    notify = env.ha_env.entry.runtime_data.labels_changed.async_notify
    person = PersonRef(pulsarr_id(env.ha_env.person("tim")), "tim")

    def told() -> list[dict[str, Any]]:
        return [one.data for one in events if one.data["activity"] == "labels_changed"]

    async def report() -> None:
        kind = MediaType(item.type)
        keys = (item.rating_key, other.rating_key)
        notify(LabelEvent(title.title, kind, (person,), ("tim",), None, keys[0], keys))
        await env.ha_env.settle()

    await report()
    assert "visible_to" not in told()[-1]  # the one that cannot be read may be visible
    env.ha_env.plex.state.add_label(other.rating_key, "tim")
    await report()
    assert told()[-1]["visible_to"] == ["tim"]


async def test_rule_that_cannot_be_decided_says_nothing_about_who_sees_a_title(
    env: SharingEnv,
) -> None:
    env.account("tim").restrict("genre=12")
    await env.set_up()
    await env.check()
    events = async_capture_events(env.ha_env.hass, EVENT_ACTIVITY)
    item = labelled_for(env, "tim")
    person = PersonRef(pulsarr_id(env.ha_env.person("tim")), "tim")
    env.ha_env.entry.runtime_data.labels_changed.async_notify(
        LabelEvent(
            "A title",
            MediaType(item.type),
            (person,),
            ("tim",),
            None,
            item.rating_key,
            (item.rating_key,),
        )
    )
    await env.ha_env.settle()
    (told,) = [one.data for one in events if one.data["activity"] == "labels_changed"]
    assert "visible_to" not in told


async def test_wanted_title_that_may_be_in_an_unread_library_is_not_hidden(
    env: SharingEnv,
) -> None:
    title = env.ha_env.spare(in_plex=False)
    env.ha_env.pulsarr.state.want(env.ha_env.person("tim"), title)
    await env.set_up()
    await env.check()

    async def verdict() -> tuple[str, str]:
        (shown,) = (await env.ha_env.call("explain", guid=title.guids[0]))["titles"]
        (row,) = shown["visible"]
        return row["verdict"], row["reason"]

    assert await verdict() == ("hidden", "it is not in Plex")
    library = next(
        one for one in env.ha_env.plex.state.libraries.values() if one.type == title.type
    )
    lost = env.items(title.type, {library.key})[0]
    env.ha_env.plex.broken_items[lost.rating_key] = "busy"
    await env.check()
    assert await verdict() == ("unknown", "not all of it could be read")


async def test_account_that_may_be_missing_is_not_refused_in_the_options(env: SharingEnv) -> None:
    env.account("sam").left_out = {"id"}
    await env.set_up()
    await env.check()
    shown = await submit(
        env.ha_env, await open_options(env.ha_env), sharing_accounts=["sam=Sam at home"]
    )
    assert shown["type"] == "create_entry"


async def test_system_health_does_not_call_an_incomplete_check_ok(
    env: SharingEnv, hass_ws_client: WebSocketGenerator
) -> None:
    await env.set_up()
    assert (await health_page(env.ha_env, hass_ws_client))["sharing"] == "?"
    await env.check()
    assert (await health_page(env.ha_env, hass_ws_client))["sharing"] == "ok"
    env.account("sam").left_out = {"share"}
    await env.check()
    assert (await health_page(env.ha_env, hass_ws_client))["sharing"] == "partial"
