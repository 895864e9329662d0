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
from .sharing_env import LATE_CHECK, SharingEnv, env, keys_of, row_of
from .test_permissions import call_as

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from simulators.catalog import CatalogTitle

__all__ = ["env"]

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
async def test_mistake_is_reported_about_who_made_it_and_goes_when_it_is_mended(
    env: SharingEnv, key: str
) -> None:
    name, movies, shows = MISTAKES[key]
    env.account(name).restrict(movies, shows)
    await env.set_up()

    response = await env.check()

    assert set(keys_of(response, name)) == {key}
    others = [one for one in response["warnings"] if one["account"] != name]
    assert {one["key"] for one in others} == {"invited"}  # nina, who has not accepted
    (first, *_) = [one for one in response["warnings"] if one["key"] == key]
    assert name in first["text"]
    assert first["fix"]
    counts = first["severity"] != "info"
    assert int(env.ha_env.state("sharing_warnings")) == (
        sum(one["severity"] != "info" for one in response["warnings"])
    )
    assert (env.issue("sharing") is not None) is counts

    env.account(name).restrict("label=tim")
    response = await env.check()

    assert keys_of(response, name) == []
    assert env.issue("sharing") is None


async def test_other_mistakes_are_reported_as_well(env: SharingEnv) -> None:
    env.ha_env.plex.state.version = "1.43.2.10686-abc"
    env.account("sam").home = True
    env.account("sam").set_preset("teen")
    env.account("nina").state = "none"
    await env.set_up()

    response = await env.check()

    assert keys_of(response, "sam") == ["preset_blocks"]
    assert keys_of(response, "nina") == ["not_shared"]
    assert keys_of(response, "Jürgen") == ["server_too_old"]
    assert row_of(response, "sam")["state"] == "preset"


async def test_rule_that_vanished_is_an_error_until_it_is_back(
    env: SharingEnv, clock: TickingDateTimeFactory
) -> None:
    clock.move_to("2026-03-02 03:00:00")  # in UTC: on the west coast it is still the day before
    today = "1 March 2026"
    await env.set_up()
    before = row_of(await env.check(), "tim")
    env.account("tim").restrict("")

    for _ in range(2):  # also at the next check, when it was gone before already
        response = await env.check()
        (warning,) = [one for one in response["warnings"] if one["account"] == "tim"]
        assert (warning["key"], warning["severity"]) == ("rule_gone", "error")
        assert "only what carries tim" in warning["text"]
        assert f"Until {today} it was" in warning["text"]
    issue = env.issue("sharing_open")
    assert issue is not None
    assert issue.severity is ir.IssueSeverity.ERROR
    filled = issue.translation_placeholders or {}
    seen = before["movies"]["visible"] + before["shows"]["visible"]
    everything = len(env.items("movie")) + len(env.items("show"))
    assert (filled["before"], filled["after"]) == (str(seen), str(everything))
    assert "`tim`" in filled["rule"]
    assert filled["date"] == today

    assert (await env.fix("sharing_open", "look_again"))["reason"] == "still_so"
    assert env.issue("sharing_open") is not None
    env.account("tim").restrict("label=tim")
    await env.check()
    assert env.issue("sharing_open") is None
    assert env.ha_env.state("sharing_warnings") == "0"


async def test_name_of_the_server_is_text(env: SharingEnv) -> None:
    await env.set_up()
    await env.check()
    entry = env.ha_env.entry
    name = "[Plex](https://evil.example) **now**"
    env.ha_env.hass.config_entries.async_update_entry(entry, title=name)
    await env.ha_env.settle()  # it is loaded anew
    env.account("tim").restrict("")
    await env.check()
    issue = env.issue("sharing_open")
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["name"] == as_markdown(name)


async def test_rule_may_be_taken_away_on_purpose(env: SharingEnv) -> None:
    await env.set_up()
    await env.check()
    env.account("tim").restrict("")
    await env.check()

    done = await env.fix("sharing_open", "meant")

    assert done["type"] == FlowResultType.CREATE_ENTRY
    assert env.issue("sharing_open") is None
    assert keys_of(await env.check(), "tim") == []
    env.account("sam").restrict("label=sam")
    await env.check()
    env.account("sam").restrict("")
    await env.check()
    assert env.issue("sharing_open") is not None


async def test_dismissal_survives_a_restart_and_hides_nothing_new(env: SharingEnv) -> None:
    env.account("tim").restrict("label!=tim")
    await env.set_up()
    await env.check()
    issue = env.issue("sharing")
    assert issue is not None
    assert "`tim`" in (issue.translation_placeholders or {})["lines"]

    await env.fix("sharing", "dismiss")
    assert env.issue("sharing") is None
    await env.ha_env.hass.config_entries.async_reload(env.ha_env.entry.entry_id)
    await env.ha_env.settle()
    response = await env.check()
    assert env.issue("sharing") is None
    assert keys_of(response, "tim") == ["own_label_excluded"]

    env.account("sam").restrict("label=sam,nonsense")
    await env.check()
    issue = env.issue("sharing")
    assert issue is not None
    assert (issue.translation_placeholders or {})["count"] == "1"
    env.account("sam").restrict("label=sam")
    env.account("tim").restrict("label=tim")
    await env.check()
    env.account("tim").restrict("label!=tim")  # made again: a new mistake
    await env.check()
    assert env.issue("sharing") is not None


async def test_looking_again_at_once_waits_until_plex_tv_may_be_asked(
    env: SharingEnv,
) -> None:
    set_limits(env.ha_env.hass, sharing=replace(LATE_CHECK, cool_down=0.5))
    env.account("tim").restrict("label!=tim")
    await env.set_up()
    await env.check()
    env.account("tim").restrict("label=tim")

    done = await env.fix("sharing", "look_again", rested=False)

    assert done["type"] == FlowResultType.CREATE_ENTRY
    assert env.issue("sharing") is None


async def test_repair_does_not_claim_that_plex_was_asked_when_it_gave_no_answer(
    env: SharingEnv,
) -> None:
    env.account("tim").restrict("label!=tim")
    await env.set_up()
    await env.check()
    env.tv.sharing.refuse("/api/", 429)

    assert (await env.fix("sharing", "look_again"))["reason"] == "not_asked"
    assert env.issue("sharing") is not None


async def test_repair_of_an_entry_that_is_not_loaded_says_so(env: SharingEnv) -> None:
    env.account("tim").restrict("label!=tim")
    await env.set_up()
    await env.check()
    from custom_components.plex_label_sync.issues import SHARING
    from custom_components.plex_label_sync.sharing_check.repairs import SharingFlow

    await env.ha_env.hass.config_entries.async_unload(env.ha_env.entry.entry_id)
    for answer in ("look_again", "meant", "dismiss"):
        flow = SharingFlow(SHARING, {"entry_id": env.ha_env.entry.entry_id})
        flow.hass = env.ha_env.hass
        assert (await getattr(flow, f"async_step_{answer}")())["reason"] == "not_loaded"


async def test_checklist_ticks_itself_off_in_order(env: SharingEnv) -> None:
    env.account("tim").home = True
    env.account("tim").set_preset("teen")
    env.account("tim").state = "none"
    await env.set_up(batch_mode=False)

    async def undone() -> list[str]:
        row = row_of(await env.check(), "tim")
        return [step["key"] for step in row["steps"] if not step["done"]]

    rules = ["preview", "movies", "shows", "wishes"]
    await env.ha_env.call("sync_all", dry_run=True)
    assert await undone() == ["account", "labelled", "preset", *rules]
    env.account("tim").state = "accepted"
    assert await undone() == ["labelled", "preset", *rules]
    await env.ha_env.call("sync_all")
    assert await undone() == ["preset", *rules]
    env.account("tim").set_preset(None)
    assert await undone() == rules
    env.account("tim").restrict("label=tim", "")
    assert await undone() == ["preview", "shows", "wishes"]
    env.account("tim").restrict("label=tim")
    assert await undone() == []
    assert row_of(await env.check(), "rosa")["steps"] == []
    assert row_of(await env.check(), "Leo")["steps"] == []


# Verdicts on titles


async def test_explain_says_who_of_those_who_want_a_title_can_see_it(env: SharingEnv) -> None:
    title = env.ha_env.spare(in_plex=True)
    for name in ("tim", "sam", "Jürgen", "nina", "rosa"):
        env.ha_env.pulsarr.state.want(env.ha_env.person(name), title)
    env.account("Jürgen").restrict("label!=sam")
    await env.set_up()
    env.account("tim").restrict("label=Kids")
    await env.check()
    env.tv.stats.reset()

    (response,) = (await env.ha_env.call("explain", guid=title.guids[0]))["titles"]

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
    assert env.tv.stats.total == 0


async def test_title_that_cannot_be_read_leaves_who_can_see_the_others(
    env: SharingEnv,
) -> None:
    wanted = env.ha_env.wanted_by("rosa")
    for title in env.ha_env.world.catalog:
        if title.key not in wanted and env.ha_env.plex.state.items_of(title):
            env.ha_env.pulsarr.state.want(env.ha_env.person("rosa"), title)
    await env.set_up()
    await env.check()

    async def explained() -> dict[str, list[Any]]:
        titles = (await env.ha_env.call("explain", title="e"))["titles"]
        return {f"{one['type']} {one['guids']}": one["visible"] for one in titles}

    good = await explained()
    assert sum(map(bool, good.values())) > 2
    env.ha_env.plex.faults.add(Fault("null_row", route=METADATA_ROUTE, times=None))

    response = await explained()

    # One row of each of two answers: about what the titles carry, and about who can see them.
    assert response.keys() < good.keys()
    assert len(response) == len(good) - 1
    lost = [one for one, visible in response.items() if visible != good[one]]
    (rows,) = [response[one] for one in lost]
    assert {row["person"] for row in rows} == {row["person"] for row in good[lost[0]]}
    assert {(row["verdict"], row["reason"]) for row in rows} == {
        ("unknown", "not all of it could be read")
    }


async def test_explain_says_nothing_of_it_to_a_user_who_is_no_administrator(
    env: SharingEnv,
) -> None:
    await env.set_up()
    await env.check()
    child = MockUser(name="Child").add_to_hass(env.ha_env.hass)
    response = (await call_as(child, env.ha_env, "explain", title="a"))["titles"]
    assert any(one["wanted"] for one in response)
    assert not any("visible" in one for one in response)
    known = (await call_as(None, env.ha_env, "explain", title="a"))["titles"]
    assert any(one["visible"] for one in known)


def activities(events: list[Any], kind: str) -> list[dict[str, Any]]:
    """Return what was told of one kind."""
    return [one.data for one in events if one.data["activity"] == kind]


async def arrive(env: SharingEnv, *names: str) -> CatalogTitle:
    """Let people want something that is in Plex, and sync."""
    title = env.ha_env.spare(in_plex=True)
    for name in names:
        env.ha_env.pulsarr.state.want(env.ha_env.person(name), title)
    await env.ha_env.call("sync_all")
    return title


async def test_title_that_can_be_seen_now_is_reported_once_to_those_who_can_see_it(
    env: SharingEnv,
) -> None:
    env.account("sam").restrict("label=Kids")
    await env.set_up()
    events = async_capture_events(env.ha_env.hass, EVENT_ACTIVITY)
    await arrive(env, "tim")
    assert "visible_to" not in activities(events, "labels_changed")[0]  # nothing is known yet
    assert activities(events, "visible") == []
    await env.check()
    events.clear()

    title = await arrive(env, "tim", "sam", "Jürgen")

    (labels,) = activities(events, "labels_changed")
    assert sorted(labels["people"]) == ["Jürgen", "sam", "tim"]
    assert sorted(labels["visible_to"]) == ["Jürgen", "tim"]
    (visible,) = activities(events, "visible")
    assert visible["title"] == title.title
    assert sorted(visible["people"]) == ["Jürgen", "tim"]
    assert set(visible) >= {"title", "type", "people", "rating_key", "poster"}
    items = env.ha_env.plex.state.items_of(title)
    assert all("tim" in {one.casefold() for one in item.labels} for item in items)

    events.clear()
    for item in items:
        env.ha_env.plex.state.remove_label(item.rating_key, "tim")
    await env.ha_env.hass.config_entries.async_reload(env.ha_env.entry.entry_id)
    await env.ha_env.settle()
    await env.ha_env.call("clear_overrides")
    await env.ha_env.call("sync_all")
    assert activities(events, "labels_changed")
    assert activities(events, "visible") == []


async def test_title_that_another_label_hides_is_not_reported(env: SharingEnv) -> None:
    await env.set_up()
    env.account("tim").restrict("label=tim&label!=scary")
    await env.check()
    events = async_capture_events(env.ha_env.hass, EVENT_ACTIVITY)
    title = env.ha_env.spare(in_plex=True)
    for item in env.ha_env.plex.state.items_of(title):
        env.ha_env.plex.state.add_label(item.rating_key, "Scary")

    await arrive(env, "tim")

    (labels,) = activities(events, "labels_changed")
    assert labels["visible_to"] == []
    assert activities(events, "visible") == []


async def test_nothing_is_reported_about_a_title_that_cannot_be_read_back(env: SharingEnv) -> None:
    await env.set_up()
    await env.check()
    labels_changed = env.ha_env.entry.runtime_data.labels_changed
    events = async_capture_events(env.ha_env.hass, EVENT_ACTIVITY)
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
    await env.ha_env.settle()

    (labels,) = activities(events, "labels_changed")
    assert "visible_to" not in labels
    assert activities(events, "visible") == []


# The page of the options


async def test_page_shows_everyone_and_what_is_left_to_do(env: SharingEnv) -> None:
    env.account("tim").restrict("label=tim", "")
    await env.set_up()
    await env.check()
    env.tv.stats.reset()

    shown = await submit(env.ha_env, await open_options(env.ha_env), show_sharing=True)

    assert shown["step_id"] == "sharing"
    page = (shown["description_placeholders"] or {})["page"]
    for name in ("rosa", "tim", "Jürgen", "nina", "sam", "marta", "Leo"):
        assert f"**`{name}`**" in page
    assert "only what carries `tim`" in page
    assert "⚠️" in page
    assert "☐" in page
    assert "☑" in page
    assert env.tv.stats.total == 0

    tim = str(env.account("tim").id)
    done = await submit(env.ha_env, shown, no_rule_for=[f"steps|{tim}"])
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await env.ha_env.settle()
    response = await env.ha_env.call("check_sharing", refresh=False)
    assert row_of(response, "tim")["steps"] == []
    assert row_of(response, "sam")["steps"] != []
    assert "show_sharing" not in env.ha_env.entry.options


async def test_page_says_why_it_is_empty(env: SharingEnv) -> None:
    await env.set_up()
    env.tv.sharing.refuse("/api/", 401)
    shown = await submit(env.ha_env, await open_options(env.ha_env), show_sharing=True)
    assert "Not checked yet" in (shown["description_placeholders"] or {})["page"]
    await submit(env.ha_env, shown)
    await env.ha_env.settle()
    await env.check()
    shown = await submit(env.ha_env, await open_options(env.ha_env), show_sharing=True)
    assert "does not accept the token" in (shown["description_placeholders"] or {})["page"]


async def test_account_that_no_one_knows_is_refused(env: SharingEnv) -> None:
    await env.set_up()
    await env.check()
    shown = await submit(
        env.ha_env, await open_options(env.ha_env), sharing_accounts=["sam=Nobody"]
    )
    assert shown["errors"] == {"sharing_accounts": "unknown_sharing_account"}
    done = await submit(env.ha_env, shown, sharing_accounts=["sam=Leo"])
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert env.ha_env.entry.options["sharing_accounts"] == ["sam=Leo"]
