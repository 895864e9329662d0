"""What could not be read is unknown for whom it concerns, with a reason, and stops nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest

from simulators.http import Fault
from simulators.plex.server import LISTING_ROUTE, METADATA_ROUTE

from .flows.test_options_flow import open_options, submit
from .sharing.brute import Meaning, carries
from .sharing_env import KINDS, SharingEnv, env, row_of

if TYPE_CHECKING:
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
