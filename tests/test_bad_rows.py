"""Rows that nobody can read: each costs itself alone, and is never taken for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulators.plex import PlexKnobs

from .ha_env import later
from .test_doubted_answers import issue_text, more_for_rosa

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from simulators.catalog import CatalogTitle

    from .ha_env import HaEnv

KEY = "5d776826880197001ec90b9d"
BAD_ROWS: dict[str, Any] = {
    "null": None,
    "text": "Heat",
    "list": ["Heat"],
    "empty": {},
    "no type": {"title": "Heat", "key": KEY, "guids": ["tmdb:949"]},
    "blank type": {"type": " ", "title": "Heat", "key": KEY, "guids": []},
    "broken type": {"type": "mo\udc00vie", "title": "Heat", "key": KEY, "guids": []},
    "wrong type": {"type": ["movie"], "title": "Heat", "guids": ["tmdb:949"]},
    "no title and no id": {"type": "movie", "title": None, "key": "", "guids": []},
    "broken title and no id": {"type": "movie", "title": "He\udc00at", "key": "", "guids": []},
    "bad key": {"type": "movie", "title": "Heat", "key": "no key!", "guids": []},
    "key of a wrong type": {"type": "movie", "title": "Heat", "key": {"id": 7}, "guids": []},
    "bad guid": {"type": "movie", "title": "Heat", "key": "", "guids": ["tmdb:no number"]},
    "broken guid": {"type": "movie", "title": "Heat", "key": "", "guids": ["imdb:tt\udc00"]},
    "guids of a wrong type": {"type": "movie", "title": "Heat", "key": "", "guids": {"tmdb": 949}},
    "guid of a wrong type": {"type": "movie", "title": "Heat", "key": "", "guids": [949]},
    "guid without a provider": {"type": "movie", "title": "Heat", "key": "", "guids": ["949"]},
}


def in_plex(ha_env: HaEnv, name: str) -> list[CatalogTitle]:
    """Return what a person wants and Plex has."""
    wanted = ha_env.wanted_by(name)
    titles = [one for one in ha_env.world.catalog if one.key in wanted]
    return [one for one in titles if ha_env.plex.state.items_of(one)]


def becomes(ha_env: HaEnv, name: str, title: CatalogTitle, row: object) -> None:
    """Let a row of somebody's watchlist be told as another one."""
    person = ha_env.person(name)
    ha_env.pulsarr.state.unwant(person, title)
    ha_env.pulsarr.knobs.odd_rows.setdefault(person, []).append(row)


def gaps(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what an action said that could not be read."""
    return [(one["kind"], one["name"], one["reason"]) for one in answer["gaps"]]


@pytest.mark.parametrize("row", BAD_ROWS.values(), ids=BAD_ROWS)
async def test_row_that_cannot_be_read_costs_no_other_title_of_its_list(
    ha_env: HaEnv, row: object
) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    lost = in_plex(ha_env, "rosa")[0]
    becomes(ha_env, "rosa", lost, row)
    new = ha_env.spare("show", in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), new)

    for _ in range(3):
        answer = await ha_env.call("sync_all")

        assert answer["status"] == "partial"
        assert gaps(answer) == [("person", "rosa", "1 row could not be read")]
        assert (answer["removed"], answer["held"]) == (0, 0)
        assert all("rosa" in labels for labels in ha_env.labels(new))
        assert all("rosa" in labels for labels in ha_env.labels(lost))
    message = issue_text(ha_env, "gap_rows")
    assert message is not None
    assert message.translation_placeholders is not None
    assert message.translation_placeholders["names"] == "rosa (1)"
    assert issue_text(ha_env, "gap_person") is None

    ha_env.pulsarr.knobs.odd_rows.clear()
    healed = await ha_env.call("sync_all")
    assert (healed["status"], healed["removed"]) == ("done", len(ha_env.labels(lost)))
    assert issue_text(ha_env, "gap_rows") is None


async def test_repeated_row_may_stand_where_another_should(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    lost, twice, *_ = in_plex(ha_env, "rosa")
    row = {"title": twice.title, "key": twice.key, "type": twice.type, "guids": [*twice.guids]}
    becomes(ha_env, "rosa", lost, row)
    answer = await ha_env.call("sync_all")
    assert gaps(answer) == [("person", "rosa", "1 row could not be read")]
    assert answer["removed"] == 0
    assert all("rosa" in labels for labels in ha_env.labels(lost))


@pytest.mark.parametrize("left", [0, 2])
async def test_many_rows_that_cannot_be_read_are_no_list_that_shrank(
    ha_env: HaEnv, left: int
) -> None:
    more_for_rosa(ha_env)
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    before = len(ha_env.plex.state.carriers("rosa"))
    wanted = [one for one in ha_env.world.catalog if one.key in ha_env.wanted_by("rosa")]
    for title, row in zip(wanted[left:], [*BAD_ROWS.values()] * 3, strict=False):
        becomes(ha_env, "rosa", title, row)

    answer = await ha_env.call("sync_all")

    bad = len(wanted) - left
    assert gaps(answer) == [("person", "rosa", f"{bad} rows could not be read")]
    assert (answer["status"], answer["removed"]) == ("partial", 0)
    assert len(ha_env.plex.state.carriers("rosa")) == before
    # What was known before is known still.
    titles = await ha_env.call("get_titles", person="rosa")
    assert titles["titles_total"] == len(wanted)
    assert {one["status"] for one in titles["titles"]} <= {"labelled", "missing"}


async def test_title_that_may_be_in_a_row_that_cannot_be_read_gets_its_label_when_it_arrives(
    ha_env: HaEnv,
) -> None:
    title = ha_env.spare("show", in_plex=False)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.set_up(live_mode=False)
    becomes(ha_env, "rosa", title, None)
    await ha_env.call("sync_all")
    ha_env.plex.state.add_item(title)
    assert gaps(await ha_env.call("sync_all")) == [("person", "rosa", "1 row could not be read")]
    assert ha_env.labels(title) == [{"rosa"}]


async def test_list_without_a_single_row_that_can_be_read_costs_nothing_after_a_restart(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    before = len(ha_env.plex.state.carriers("rosa"))
    for title in [one for one in ha_env.world.catalog if one.key in ha_env.wanted_by("rosa")]:
        becomes(ha_env, "rosa", title, None)
    for _ in range(2):
        assert await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
        await ha_env.settle()
        answer = await ha_env.call("sync_all")
        assert (answer["status"], answer["removed"]) == ("partial", 0)
        assert len(ha_env.plex.state.carriers("rosa")) == before
    (gap,) = (await ha_env.call("explain", title=ha_env.world.catalog[0].title))["gaps"]
    assert gap["reason"].endswith("rows could not be read")


async def test_rows_that_cannot_be_read_for_long_make_no_new_normal(ha_env: HaEnv) -> None:
    more_for_rosa(ha_env)
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    before = len(ha_env.plex.state.carriers("rosa"))
    wanted = [one for one in ha_env.world.catalog if one.key in ha_env.wanted_by("rosa")]
    for lost in (wanted[-6:], wanted[3:-6]):  # never half of it at once
        for title in lost:
            becomes(ha_env, "rosa", title, None)
        assert await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
        await ha_env.settle()
        assert (await ha_env.call("sync_all"))["status"] == "partial"

    # Now nothing is odd about the list but that it lost nearly everything.
    ha_env.pulsarr.knobs.odd_rows.clear()
    answer = await ha_env.call("sync_all")

    assert (answer["removed"], answer["hold_reasons"]) == (0, ["list_shrank"])
    assert len(ha_env.plex.state.carriers("rosa")) == before


async def test_label_that_a_row_may_ask_for_is_not_reported_to_leave(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove", removal_delay=3)
    lost = in_plex(ha_env, "rosa")[0]
    becomes(ha_env, "rosa", lost, None)
    assert await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()

    key = ha_env.plex.state.items_of(lost)[0].rating_key
    (one,) = (await ha_env.call("explain", rating_key=key))["titles"]

    (label,) = [one for one in one["items"][0]["labels"] if one["label"].casefold() == "rosa"]
    assert (label["state"], label["leaves"], label["next_sync"]) == ("ours", None, None)


async def test_good_rows_beside_a_bad_one_are_labelled_live(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    ha_env.plex.knobs = PlexKnobs(notifications=False)
    await ha_env.set_up(batch_mode=False, removed_label_mode="remove")
    await later(ha_env, clock, 2)
    lost = in_plex(ha_env, "rosa")[0]
    becomes(ha_env, "rosa", lost, {"type": "movie", "title": "Heat", "key": 7})
    new = ha_env.spare("show", in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), new)

    for _ in range(8):
        await later(ha_env, clock, 15)

    assert all("rosa" in labels for labels in ha_env.labels(new))
    assert all("rosa" in labels for labels in ha_env.labels(lost))


@pytest.mark.parametrize("where", ["endpoints", "event-types"])
async def test_row_that_cannot_be_read_does_not_keep_the_webhook_from_being_registered(
    ha_env: HaEnv, where: str
) -> None:
    endpoints = ha_env.pulsarr.state.endpoints
    ha_env.pulsarr.state.add_endpoint(name="another", url="http://127.0.0.1:9/", event_types=())
    ha_env.pulsarr.knobs.odd_rows[where] = [None, {"id": "x", "url": 7}, "row"]
    await ha_env.set_up()
    assert len(endpoints) == 2
    assert await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    assert len(endpoints) == 2
