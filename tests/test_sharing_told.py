"""What is said about sharing: warnings, repairs, checklists, verdicts, events and the page of the options."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockUser, async_capture_events

from custom_components.plex_label_sync.escaping import as_markdown
from custom_components.plex_label_sync.event import EVENT_ACTIVITY
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from simulators.http import Fault
from simulators.plex.server import METADATA_ROUTE

from .flows.test_options_flow import open_options, submit
from .ha_env import set_limits
from .sharing_env import LATE_CHECK, SharingHouse, house, keys_of, row_of
from .test_permissions import call_as

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from simulators.catalog import CatalogTitle

__all__ = ["house"]

# Who does what, and what is said about it; mended, it is not said any more.
MISTAKES: Final[dict[str, tuple[str, str, str | None]]] = {
    "opens_everything": ("tim", "label=tim|label!=Kids", None),
    "own_label_excluded": ("tim", "label!=tim", None),
    "sees_nothing": ("tim", "contentRating=NC-17", None),
    "wishes_hidden": ("tim", "label=Kids", None),
    "one_type_only": ("tim", "label=tim", ""),
    "label_missing": ("tim", "label=tim,holidays", None),
    "label_misspelt": ("tim", "label=tim,juergen", None),
    "not_understood": ("tim", "label=tim,,sam", None),
    "rating_or_label": ("tim", "contentRating=G|label=tim", None),
}


@pytest.mark.parametrize("key", MISTAKES)
async def test_mistake_is_told_about_who_made_it_and_goes_when_it_is_mended(
    house: SharingHouse, key: str
) -> None:
    name, movies, shows = MISTAKES[key]
    house.account(name).restrict(movies, shows)
    await house.set_up()

    response = await house.check()

    assert set(keys_of(response, name)) == {key}
    others = [one for one in response["warnings"] if one["account"] != name]
    assert {one["key"] for one in others} == {"invited"}  # nina, who has not accepted
    (first, *_) = [one for one in response["warnings"] if one["key"] == key]
    assert name in first["text"]
    assert first["fix"]
    counts = first["severity"] != "info"
    assert int(house.ha_env.state("sharing_warnings")) == (
        sum(one["severity"] != "info" for one in response["warnings"])
    )
    assert (house.issue("sharing") is not None) is counts

    house.account(name).restrict("label=tim")
    response = await house.check()

    assert keys_of(response, name) == []
    assert house.issue("sharing") is None


async def test_other_mistakes_are_told_as_well(house: SharingHouse) -> None:
    house.ha_env.plex.state.version = "1.43.2.10686-abc"
    house.account("sam").home = True
    house.account("sam").set_preset("teen")
    house.account("nina").state = "none"
    await house.set_up()

    response = await house.check()

    assert keys_of(response, "sam") == ["preset_blocks"]
    assert keys_of(response, "nina") == ["not_shared"]
    assert keys_of(response, "Jürgen") == ["server_too_old"]
    assert row_of(response, "sam")["state"] == "preset"


async def test_rule_that_vanished_is_an_error_until_it_is_back(
    house: SharingHouse, clock: TickingDateTimeFactory
) -> None:
    clock.move_to("2026-03-02 03:00:00")  # in UTC: on the west coast it is still the day before
    today = "1 March 2026"
    await house.set_up()
    before = row_of(await house.check(), "tim")
    house.account("tim").restrict("")

    for _ in range(2):  # also at the next check, when it was gone before already
        response = await house.check()
        (warning,) = [one for one in response["warnings"] if one["account"] == "tim"]
        assert (warning["key"], warning["severity"]) == ("rule_gone", "error")
        assert "only what carries tim" in warning["text"]
        assert f"Until {today} it was" in warning["text"]
    issue = house.issue("sharing_open")
    assert issue is not None
    assert issue.severity is ir.IssueSeverity.ERROR
    filled = issue.translation_placeholders or {}
    seen = before["movies"]["visible"] + before["shows"]["visible"]
    everything = len(house.items("movie")) + len(house.items("show"))
    assert (filled["before"], filled["after"]) == (str(seen), str(everything))
    assert "`tim`" in filled["rule"]
    assert filled["date"] == today

    assert (await house.fix("sharing_open", "look_again"))["reason"] == "still_so"
    assert house.issue("sharing_open") is not None
    house.account("tim").restrict("label=tim")
    await house.check()
    assert house.issue("sharing_open") is None
    assert house.ha_env.state("sharing_warnings") == "0"


async def test_name_of_the_server_is_text(house: SharingHouse) -> None:
    await house.set_up()
    await house.check()
    entry = house.ha_env.entry
    name = "[Plex](https://evil.example) **now**"
    house.ha_env.hass.config_entries.async_update_entry(entry, title=name)
    await house.ha_env.settle()  # it is loaded anew
    house.account("tim").restrict("")
    await house.check()
    issue = house.issue("sharing_open")
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["name"] == as_markdown(name)


async def test_rule_may_be_taken_away_on_purpose(house: SharingHouse) -> None:
    await house.set_up()
    await house.check()
    house.account("tim").restrict("")
    await house.check()

    done = await house.fix("sharing_open", "meant")

    assert done["type"] == FlowResultType.CREATE_ENTRY
    assert house.issue("sharing_open") is None
    assert keys_of(await house.check(), "tim") == []
    house.account("sam").restrict("label=sam")
    await house.check()
    house.account("sam").restrict("")
    await house.check()
    assert house.issue("sharing_open") is not None


async def test_dismissal_survives_a_restart_and_hides_nothing_new(house: SharingHouse) -> None:
    house.account("tim").restrict("label!=tim")
    await house.set_up()
    await house.check()
    issue = house.issue("sharing")
    assert issue is not None
    assert "`tim`" in (issue.translation_placeholders or {})["lines"]

    await house.fix("sharing", "dismiss")
    assert house.issue("sharing") is None
    await house.ha_env.hass.config_entries.async_reload(house.ha_env.entry.entry_id)
    await house.ha_env.settle()
    response = await house.check()
    assert house.issue("sharing") is None
    assert keys_of(response, "tim") == ["own_label_excluded"]

    house.account("sam").restrict("label=sam,nonsense")
    await house.check()
    issue = house.issue("sharing")
    assert issue is not None
    assert (issue.translation_placeholders or {})["count"] == "1"
    house.account("sam").restrict("label=sam")
    house.account("tim").restrict("label=tim")
    await house.check()
    house.account("tim").restrict("label!=tim")  # made again: a new mistake
    await house.check()
    assert house.issue("sharing") is not None


async def test_looking_again_at_once_waits_until_plex_tv_may_be_asked(
    house: SharingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limits(monkeypatch, sharing=replace(LATE_CHECK, cool_down=0.5))
    house.account("tim").restrict("label!=tim")
    await house.set_up()
    await house.check()
    house.account("tim").restrict("label=tim")

    done = await house.fix("sharing", "look_again", rested=False)

    assert done["type"] == FlowResultType.CREATE_ENTRY
    assert house.issue("sharing") is None


async def test_repair_does_not_claim_that_plex_was_asked_when_it_gave_no_answer(
    house: SharingHouse,
) -> None:
    house.account("tim").restrict("label!=tim")
    await house.set_up()
    await house.check()
    house.tv.sharing.refuse("/api/", 429)

    assert (await house.fix("sharing", "look_again"))["reason"] == "not_asked"
    assert house.issue("sharing") is not None


async def test_repair_of_an_entry_that_is_not_loaded_says_so(house: SharingHouse) -> None:
    house.account("tim").restrict("label!=tim")
    await house.set_up()
    await house.check()
    from custom_components.plex_label_sync.issues import SHARING
    from custom_components.plex_label_sync.sharing_check.repairs import SharingFlow

    await house.ha_env.hass.config_entries.async_unload(house.ha_env.entry.entry_id)
    for answer in ("look_again", "meant", "dismiss"):
        flow = SharingFlow(SHARING, {"entry_id": house.ha_env.entry.entry_id})
        flow.hass = house.ha_env.hass
        assert (await getattr(flow, f"async_step_{answer}")())["reason"] == "not_loaded"


async def test_checklist_ticks_itself_off_in_order(house: SharingHouse) -> None:
    house.account("tim").home = True
    house.account("tim").set_preset("teen")
    house.account("tim").state = "none"
    await house.set_up(batch_mode=False)

    async def undone() -> list[str]:
        row = row_of(await house.check(), "tim")
        return [step["key"] for step in row["steps"] if not step["done"]]

    rules = ["preview", "movies", "shows", "wishes"]
    await house.ha_env.call("sync_all", dry_run=True)
    assert await undone() == ["account", "labelled", "preset", *rules]
    house.account("tim").state = "accepted"
    assert await undone() == ["labelled", "preset", *rules]
    await house.ha_env.call("sync_all")
    assert await undone() == ["preset", *rules]
    house.account("tim").set_preset(None)
    assert await undone() == rules
    house.account("tim").restrict("label=tim", "")
    assert await undone() == ["preview", "shows", "wishes"]
    house.account("tim").restrict("label=tim")
    assert await undone() == []
    assert row_of(await house.check(), "rosa")["steps"] == []
    assert row_of(await house.check(), "Leo")["steps"] == []


# Verdicts on titles


async def test_explain_says_who_of_those_who_want_a_title_can_see_it(house: SharingHouse) -> None:
    title = house.ha_env.spare(in_plex=True)
    for name in ("tim", "sam", "Jürgen", "nina", "rosa"):
        house.ha_env.pulsarr.state.want(house.ha_env.person(name), title)
    house.account("Jürgen").restrict("label!=sam")
    await house.set_up()
    house.account("tim").restrict("label=Kids")
    await house.check()
    house.tv.stats.reset()

    (response,) = (await house.ha_env.call("explain", guid=title.guids[0]))["titles"]

    verdicts = {row["person"]: row["verdict"] for row in response["visible"]}
    assert verdicts == {
        "rosa": "visible",
        "tim": "hidden",
        "sam": "visible",
        "Jürgen": "hidden",
        "nina": "hidden",
    }
    reasons = {row["person"]: row["reason"] for row in response["visible"]}
    assert "only what carries Kids" in reasons["tim"]
    assert "tim" in reasons["tim"].partition("labels of the item")[2].casefold()
    assert "never sam" in reasons["Jürgen"]
    assert house.tv.stats.total == 0


async def test_title_that_cannot_be_read_leaves_who_can_see_the_others(
    house: SharingHouse,
) -> None:
    wanted = house.ha_env.wanted_by("rosa")
    for title in house.ha_env.world.catalog:
        if title.key not in wanted and house.ha_env.plex.state.items_of(title):
            house.ha_env.pulsarr.state.want(house.ha_env.person("rosa"), title)
    await house.set_up()
    await house.check()

    async def explained() -> dict[str, list[Any]]:
        titles = (await house.ha_env.call("explain", title="e"))["titles"]
        return {f"{one['type']} {one['guids']}": one["visible"] for one in titles}

    good = await explained()
    assert sum(map(bool, good.values())) > 2
    house.ha_env.plex.faults.add(Fault("null_row", route=METADATA_ROUTE, times=None))

    response = await explained()

    # One row of each of two answers: about what the titles carry, and about who can see them.
    assert response.keys() < good.keys()
    assert len(response) == len(good) - 1
    lost = [one for one, visible in response.items() if visible != good[one]]
    assert [response[one] for one in lost] == [[]]


async def test_explain_says_nothing_of_it_to_whoever_is_no_administrator(
    house: SharingHouse,
) -> None:
    await house.set_up()
    await house.check()
    child = MockUser(name="Child").add_to_hass(house.ha_env.hass)
    response = (await call_as(child, house.ha_env, "explain", title="a"))["titles"]
    assert any(one["wanted"] for one in response)
    assert not any("visible" in one for one in response)
    known = (await call_as(None, house.ha_env, "explain", title="a"))["titles"]
    assert any(one["visible"] for one in known)


def activities(events: list[Any], kind: str) -> list[dict[str, Any]]:
    """Return what was told of one kind."""
    return [one.data for one in events if one.data["activity"] == kind]


async def arrive(house: SharingHouse, *names: str) -> CatalogTitle:
    """Let people want something that is in Plex, and sync."""
    title = house.ha_env.spare(in_plex=True)
    for name in names:
        house.ha_env.pulsarr.state.want(house.ha_env.person(name), title)
    await house.ha_env.call("sync_all")
    return title


async def test_title_that_can_be_seen_now_is_told_once_to_those_who_can_see_it(
    house: SharingHouse,
) -> None:
    house.account("sam").restrict("label=Kids")
    await house.set_up()
    events = async_capture_events(house.ha_env.hass, EVENT_ACTIVITY)
    await arrive(house, "tim")
    assert "visible_to" not in activities(events, "labels_changed")[0]  # nothing is known yet
    assert activities(events, "visible") == []
    await house.check()
    events.clear()

    title = await arrive(house, "tim", "sam", "Jürgen")

    (labels,) = activities(events, "labels_changed")
    assert sorted(labels["people"]) == ["Jürgen", "sam", "tim"]
    assert sorted(labels["visible_to"]) == ["Jürgen", "tim"]
    (visible,) = activities(events, "visible")
    assert visible["title"] == title.title
    assert sorted(visible["people"]) == ["Jürgen", "tim"]
    assert set(visible) >= {"title", "type", "people", "rating_key", "poster"}
    items = house.ha_env.plex.state.items_of(title)
    assert all("tim" in {one.casefold() for one in item.labels} for item in items)

    events.clear()
    for item in items:
        house.ha_env.plex.state.remove_label(item.rating_key, "tim")
    await house.ha_env.hass.config_entries.async_reload(house.ha_env.entry.entry_id)
    await house.ha_env.settle()
    await house.ha_env.call("clear_overrides")
    await house.ha_env.call("sync_all")
    assert activities(events, "labels_changed")
    assert activities(events, "visible") == []


async def test_title_that_another_label_hides_is_not_told(house: SharingHouse) -> None:
    await house.set_up()
    house.account("tim").restrict("label=tim&label!=scary")
    await house.check()
    events = async_capture_events(house.ha_env.hass, EVENT_ACTIVITY)
    title = house.ha_env.spare(in_plex=True)
    for item in house.ha_env.plex.state.items_of(title):
        house.ha_env.plex.state.add_label(item.rating_key, "Scary")

    await arrive(house, "tim")

    (labels,) = activities(events, "labels_changed")
    assert labels["visible_to"] == []
    assert activities(events, "visible") == []


async def test_nothing_is_told_of_a_title_that_cannot_be_read_back(house: SharingHouse) -> None:
    await house.set_up()
    await house.check()
    labels_changed = house.ha_env.entry.runtime_data.labels_changed
    events = async_capture_events(house.ha_env.hass, EVENT_ACTIVITY)
    from custom_components.plex_label_sync.live.label_events import LabelEvent
    from custom_components.plex_label_sync.sync.model import MediaType
    from custom_components.plex_label_sync.sync.reasons import PersonRef

    labels_changed.async_notify(
        LabelEvent(
            "Gone",
            MediaType.MOVIE,
            (PersonRef(pulsarr_id(2), "tim"),),
            ("tim",),
            None,
            "987654",
            ("987654",),
        )
    )
    await house.ha_env.settle()

    (labels,) = activities(events, "labels_changed")
    assert "visible_to" not in labels
    assert activities(events, "visible") == []


# The page of the options


async def test_page_shows_everybody_and_what_is_left_to_do(house: SharingHouse) -> None:
    house.account("tim").restrict("label=tim", "")
    await house.set_up()
    await house.check()
    house.tv.stats.reset()

    shown = await submit(house.ha_env, await open_options(house.ha_env), show_sharing=True)

    assert shown["step_id"] == "sharing"
    page = (shown["description_placeholders"] or {})["page"]
    for name in ("rosa", "tim", "Jürgen", "nina", "sam", "marta", "Leo"):
        assert f"**`{name}`**" in page
    assert "only what carries `tim`" in page
    assert "⚠️" in page
    assert "☐" in page
    assert "☑" in page
    assert house.tv.stats.total == 0

    tim = str(house.account("tim").id)
    done = await submit(house.ha_env, shown, no_rule_for=[f"steps|{tim}"])
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await house.ha_env.settle()
    response = await house.ha_env.call("check_sharing", refresh=False)
    assert row_of(response, "tim")["steps"] == []
    assert row_of(response, "sam")["steps"] != []
    assert "show_sharing" not in house.ha_env.entry.options


async def test_page_says_why_it_is_empty(house: SharingHouse) -> None:
    await house.set_up()
    house.tv.sharing.refuse("/api/", 401)
    shown = await submit(house.ha_env, await open_options(house.ha_env), show_sharing=True)
    assert "Not checked yet" in (shown["description_placeholders"] or {})["page"]
    await submit(house.ha_env, shown)
    await house.ha_env.settle()
    await house.check()
    shown = await submit(house.ha_env, await open_options(house.ha_env), show_sharing=True)
    assert "does not accept the token" in (shown["description_placeholders"] or {})["page"]


async def test_account_that_nobody_knows_is_refused(house: SharingHouse) -> None:
    await house.set_up()
    await house.check()
    shown = await submit(
        house.ha_env, await open_options(house.ha_env), sharing_accounts=["sam=Nobody"]
    )
    assert shown["errors"] == {"sharing_accounts": "unknown_sharing_account"}
    done = await submit(house.ha_env, shown, sharing_accounts=["sam=Leo"])
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert house.ha_env.entry.options["sharing_accounts"] == ["sam=Leo"]
