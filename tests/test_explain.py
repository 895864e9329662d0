"""The action `explain`: what it tells about titles, and how it refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from freezegun import freeze_time
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from simulators.plex import Fault

from .test_held_runs import forget

if TYPE_CHECKING:
    from simulators.catalog import CatalogTitle

    from .ha_env import HaEnv


async def wanted(ha_env: HaEnv, name: str = "rosa", **options: Any) -> CatalogTitle:
    """Somebody wants a title that is in Plex, and the first sync is done."""
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person(name), title)
    await ha_env.set_up(live_mode=False, **options)
    return title


async def about(ha_env: HaEnv, title: CatalogTitle) -> dict[str, Any]:
    """Return what is explained about one title."""
    answer = await ha_env.call("explain", guid=title.plex_guid)
    assert answer["titles_total"] == len(answer["titles"]) == 1
    explanation: dict[str, Any] = answer["titles"][0]
    return explanation


def label(explanation: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what is told about one label on the first item."""
    (found,) = (one for one in explanation["items"][0]["labels"] if one["label"].casefold() == name)
    assert isinstance(found, dict)
    return found


async def test_own_label_is_explained_with_its_person_and_its_time(
    ha_env: HaEnv,
) -> None:
    title = await wanted(ha_env)

    explanation = await about(ha_env, title)

    (item, *_) = ha_env.plex.state.items_of(title)
    assert set(explanation) == {
        "title",
        "type",
        "guids",
        "visible",
        "summary",
        "reasons",
        "wanted",
        "items",
        "pending",
    }
    assert (explanation["title"], explanation["type"]) == (title.title, title.type)
    rosa = ha_env.person("rosa")
    assert explanation["wanted"] == [
        {"person": "rosa", "person_id": rosa, "label": "rosa", "why_none": None}
    ]
    assert explanation["items"][0]["rating_key"] == item.rating_key
    shown = label(explanation, "rosa")
    assert (shown["present"], shown["ours"], shown["state"]) == (True, True, "ours")
    assert shown["people"] == ["rosa"]
    assert shown["since"] is not None
    assert shown["next_sync"] is None
    assert explanation["pending"] is None
    assert "rosa wants it" in explanation["summary"]


async def test_every_way_to_ask_gives_the_same_answer(ha_env: HaEnv) -> None:
    title = await wanted(ha_env)
    (item, *_) = ha_env.plex.state.items_of(title)
    by_guid = await about(ha_env, title)

    by_key = await ha_env.call("explain", rating_key=item.rating_key)
    by_title = await ha_env.call("explain", title=title.title.upper())
    by_other_guid = await ha_env.call("explain", guid=title.guids[0].replace(":", "://"))

    assert by_key["titles"] == [by_guid] == by_other_guid["titles"]
    assert by_guid in by_title["titles"]


async def test_part_of_a_title_explains_all_that_fit_but_not_about_too_many(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False)
    ha_env.plex.stats.reset()

    answer = await ha_env.call("explain", title="e")

    assert answer["titles_total"] > len(answer["titles"]) == 10
    assert all("e" in one["title"].casefold() for one in answer["titles"])


async def test_few_requests_are_enough(ha_env: HaEnv) -> None:
    title = await wanted(ha_env)
    ha_env.plex.stats.reset()
    ha_env.pulsarr.stats.reset()

    await about(ha_env, title)

    # Sections; the title by its key, and what arrived last, in each library; the items with
    # their labels; a label directory.
    libraries = 3
    assert ha_env.plex.stats.puts == 0
    assert ha_env.plex.stats.gets <= 1 + 3 * libraries + 1 + 1
    assert ha_env.pulsarr.stats.total <= 1 + len(ha_env.pulsarr.state.users())


async def test_people_who_get_no_label_are_named_with_the_reason(ha_env: HaEnv) -> None:
    title = await wanted(ha_env)
    state = ha_env.pulsarr.state
    state.want(ha_env.person("tim"), title)
    options = {**ha_env.entry.options, "exclude_people": [str(ha_env.person("tim"))]}
    ha_env.hass.config_entries.async_update_entry(ha_env.entry, options=options)
    state.change_user(ha_env.person("rosa"), can_sync=False)
    await ha_env.settle()
    ha_env.pulsarr.stats.reset()

    explanation = await about(ha_env, title)

    why = {one["person"]: (one["label"], one["why_none"]) for one in explanation["wanted"]}
    assert why == {"rosa": (None, "sync_off")}
    # Nobody reads the watchlist of somebody who is excluded.
    watchlist = f"/v1/users/{ha_env.person('tim')}/watchlist"
    assert watchlist not in {one.path for one in ha_env.pulsarr.stats.log}


async def test_label_that_is_never_written_is_the_reason(ha_env: HaEnv) -> None:
    title = await wanted(ha_env, exclude_labels=["ROSA"])

    explanation = await about(ha_env, title)

    assert [one["why_none"] for one in explanation["wanted"]] == ["label_excluded"]


async def test_what_the_next_sync_would_do_is_what_it_does(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)

    shown = label(await about(ha_env, title), "rosa")

    assert (shown["present"], shown["ours"], shown["state"]) == (False, False, "to_add")
    assert shown["next_sync"] == {
        "action": "add",
        "reason": "rosa wants it",
        "reason_code": "wanted",
        "reason_data": {"people": ["rosa"]},
    }
    assert ha_env.plex.stats.puts == 0
    await ha_env.call("sync_all")
    assert label(await about(ha_env, title), "rosa")["state"] == "ours"


async def test_foreign_excluded_and_opt_out_labels_are_distinguished(ha_env: HaEnv) -> None:
    title = await wanted(ha_env, exclude_labels=["kids"])
    (item, *_) = ha_env.plex.state.items_of(title)
    for text in ("By hand", "Kids", "No-Sync"):
        ha_env.plex.state.add_label(item.rating_key, text)

    explanation = await about(ha_env, title)

    states = {
        one["label"].casefold(): (one["state"], one["ours"])
        for one in explanation["items"][0]["labels"]
    }
    assert states == {
        "by hand": ("foreign", False),
        "kids": ("excluded", False),
        "no-sync": ("opt_out", False),
        "rosa": ("ours", True),
    }
    assert explanation["items"][0]["opted_out"] is True
    assert "excludes it from syncing" in explanation["summary"]


async def test_foreign_label_is_announced_to_go_where_the_options_say_so(
    ha_env: HaEnv,
) -> None:
    title = await wanted(ha_env, preserve_existing_labels=False)
    (item, *_) = ha_env.plex.state.items_of(title)
    ha_env.plex.state.add_label(item.rating_key, "By hand")

    shown = label(await about(ha_env, title), "by hand")

    assert (shown["state"], shown["ours"]) == ("to_remove", False)
    await ha_env.call("sync_all")
    assert ha_env.labels(title)[0] == {"rosa"}


async def test_label_removed_by_hand_is_an_override(ha_env: HaEnv) -> None:
    title = await wanted(ha_env)
    (item, *_) = ha_env.plex.state.items_of(title)
    ha_env.plex.state.remove_label(item.rating_key, "rosa")

    before = label(await about(ha_env, title), "rosa")
    await ha_env.call("sync_all")
    after = await about(ha_env, title)

    assert before["state"] == label(after, "rosa")["state"] == "override"
    assert before["next_sync"] is None
    assert "was removed by hand" in after["summary"]


async def test_label_that_goes_later_is_reported_with_its_date(ha_env: HaEnv) -> None:
    with freeze_time("2026-11-20 12:00:00", tick=True) as clock:
        title = await wanted(ha_env, removed_label_mode="remove", removal_delay=3)
        ha_env.pulsarr.state.unwant(ha_env.person("rosa"), title)
        await ha_env.call("sync_all")
        clock.move_to("2026-11-22 12:00:00")

        explanation = await about(ha_env, title)
        shown = label(explanation, "rosa")
        assert (shown["state"], shown["next_sync"]) == ("leaving", None)
        assert shown["leaves"].startswith("2026-11-23T12:00")
        assert "will be removed on 23 November 2026" in explanation["summary"]

        clock.tick(timedelta(days=1, minutes=1))
        assert label(await about(ha_env, title), "rosa")["state"] == "to_remove"


@pytest.mark.parametrize(
    ("mode", "states"),
    [("keep", {"rosa": "kept"}), ("mark", {"rosa": "to_remove", "removed": "to_add"})],
)
async def test_label_that_no_one_wants_is_explained(
    ha_env: HaEnv, mode: str, states: dict[str, str]
) -> None:
    title = await wanted(ha_env, removed_label_mode=mode)
    ha_env.pulsarr.state.unwant(ha_env.person("rosa"), title)

    explanation = await about(ha_env, title)

    shown = {one["label"].casefold(): one["state"] for one in explanation["items"][0]["labels"]}
    assert shown == states
    assert explanation["wanted"] == []
    assert "not on the watchlist of anyone" in explanation["summary"]


async def test_label_of_someone_who_left_is_explained_with_the_name(ha_env: HaEnv) -> None:
    title = await wanted(ha_env)
    ha_env.pulsarr.state.remove_user(ha_env.person("rosa"))

    shown = label(await about(ha_env, title), "rosa")

    assert (shown["state"], shown["people"]) == ("kept", ["rosa"])


async def test_mark_is_explained(ha_env: HaEnv) -> None:
    title = await wanted(ha_env, removed_label_mode="mark")
    ha_env.pulsarr.state.unwant(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")

    explanation = await about(ha_env, title)

    assert label(explanation, "removed")["state"] == "mark"
    assert "it is marked" in explanation["summary"]


async def test_label_that_the_brake_holds_waits_for_a_decision(
    full_env: HaEnv,
) -> None:
    (item, *_) = full_env.plex.state.carriers("rosa")
    forget(full_env)
    await full_env.call("sync_all")

    answer = await full_env.call("explain", rating_key=item.rating_key)

    shown = label(answer["titles"][0], "rosa")
    assert shown["state"] == "held"
    assert shown["next_sync"]["action"] == "remove"
    assert "waits for your decision" in answer["titles"][0]["summary"]


async def test_label_that_vanished_in_bulk_waits_for_a_decision(
    full_env: HaEnv,
) -> None:
    items = full_env.plex.state.carriers("rosa")
    for item in items:
        full_env.plex.state.remove_label(item.rating_key, "rosa")
    await full_env.call("sync_all")

    answer = await full_env.call("explain", rating_key=items[0].rating_key)

    assert label(answer["titles"][0], "rosa")["state"] == "held"


async def test_label_that_no_one_wants_since_the_question_waits_for_the_decision_as_well(
    full_env: HaEnv,
) -> None:
    forget(full_env)
    assert "mass_removal" in (await full_env.call("sync_all"))["hold_reasons"]
    tim = full_env.person("tim")
    title = next(
        one
        for one in full_env.world.catalog
        if one.key in full_env.wanted_by("tim") and full_env.plex.state.items_of(one)
    )
    full_env.pulsarr.state.unwant(tim, title)

    assert label(await about(full_env, title), "tim")["state"] == "held"

    answer = await full_env.call("sync_all")
    assert (answer["status"], answer["removed"]) == ("held", 0)
    assert all("tim" in labels for labels in full_env.labels(title))
    assert label(await about(full_env, title), "tim")["state"] == "held"


async def test_question_about_others_holds_no_label_that_it_does_not_name(
    ha_env: HaEnv,
) -> None:
    title = await wanted(ha_env, removed_label_mode="remove")
    (rosa, *others) = [ha_env.person("rosa"), *(one.id for one in ha_env.pulsarr.state.users())]
    for user in others:
        if user != rosa:
            ha_env.pulsarr.state.rename(user, f"new {user}")
    assert (await ha_env.call("sync_all"))["hold_reasons"] == ["people_renamed"]
    ha_env.pulsarr.state.unwant(rosa, title)

    assert label(await about(ha_env, title), "rosa")["state"] == "to_remove"


async def test_label_that_someone_pinned_is_explained(
    full_env: HaEnv,
) -> None:
    title = full_env.spare("show", in_plex=True)
    full_env.pulsarr.state.want(full_env.person("rosa"), title)
    await full_env.call("sync_all")
    full_env.pulsarr.state.unwant(full_env.person("rosa"), title)
    await full_env.call("sync_all")
    await full_env.call("undo")

    explanation = await about(full_env, title)

    assert label(explanation, "rosa")["state"] == "pinned"


async def test_title_that_waits_for_plex_is_explained(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title)
    await ha_env.pulsarr.announce(title)
    await ha_env.call("process_pending")

    explanation = await about(ha_env, title)

    assert explanation["items"] == []
    assert explanation["pending"]["reason"] == "not_in_plex"
    assert "the next check for it is at" in explanation["summary"]


async def test_title_that_no_one_ever_wanted_is_explained(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    title = ha_env.spare(in_plex=True)

    explanation = await about(ha_env, title)

    assert explanation["wanted"] == []
    assert len(explanation["items"]) == len(ha_env.plex.state.items_of(title))


async def test_item_of_another_library_gets_no_labels(ha_env: HaEnv) -> None:
    title = ha_env.spare(in_plex=True)
    (item, *_) = ha_env.plex.state.items_of(title)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    others = [key for key in ha_env.plex.state.libraries if key != item.section]
    await ha_env.set_up(live_mode=False, libraries=others)

    answer = await ha_env.call("explain", rating_key=item.rating_key)

    (shown,) = (one for one in answer["titles"][0]["items"] if one["rating_key"] == item.rating_key)
    assert shown["gets_labels"] is False
    assert "is not among those that get labels" in answer["titles"][0]["summary"]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({}, "one_of_three"),
        ({"title": " "}, "one_of_three"),
        ({"title": "Heat", "rating_key": "1"}, "one_of_three"),
        ({"guid": "Heat"}, "invalid_guid"),
        ({"rating_key": "1,2"}, "invalid_rating_key"),
        ({"rating_key": "999999"}, "title_not_found"),
        ({"title": "no title has this text"}, "title_not_found"),
        ({"guid": "plex://movie/000000000000000000000000"}, "title_not_found"),
    ],
)
async def test_question_that_cannot_be_answered_is_refused_with_the_reason(
    ha_env: HaEnv, data: dict[str, str], key: str
) -> None:
    await ha_env.set_up(live_mode=False)

    with pytest.raises(ServiceValidationError) as refused:
        await ha_env.call("explain", **data)

    assert refused.value.translation_key == key


@pytest.mark.parametrize("how", ["title", "guid"])
async def test_unreadable_library_keeps_nothing_from_being_reported_about_the_others(
    ha_env: HaEnv, how: str
) -> None:
    await ha_env.set_up(batch_mode=False)
    title = ha_env.spare("show", in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    ha_env.plex.faults.add(Fault("busy", match=r"/library/sections/1/all", times=None))
    asked = title.title if how == "title" else f"plex:{title.key}"

    answer = await ha_env.call("explain", **{how: asked})

    shown = [one for one in answer["titles"] if one["title"] == title.title]
    assert shown
    assert label(shown[0], "rosa")


async def test_plex_that_does_not_answer_is_reported(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    ha_env.plex.faults.add(Fault(kind="html", route="/library/sections", times=9))

    with pytest.raises(HomeAssistantError) as raised:
        await ha_env.call("explain", title="e")

    assert raised.value.translation_key == "plex_wrong_service"


@pytest.mark.parametrize(
    ("guid", "why"),
    [
        ("com.plexapp.agents.hama://anidb-1234?lang=en", "AniDB number only"),
        (
            "tv.plex.agents.custom.example://movie/tmdb-603",
            "metadata provider in Plex supplies no IDs",
        ),
        ("local://99", "Plex has not matched it"),
    ],
)
async def test_item_that_no_watchlist_can_name_is_reported_to_be_one(
    ha_env: HaEnv, guid: str, why: str
) -> None:
    title = ha_env.spare(in_plex=False)
    item = ha_env.plex.state.add_item(title, guid=guid)
    await ha_env.set_up(live_mode=False)
    answer = await ha_env.call("explain", rating_key=item.rating_key)
    assert why in answer["titles"][0]["summary"]
