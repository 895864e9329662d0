"""The last step of setting up: what the first sync would do, before anything is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from homeassistant import data_entry_flow
from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.escaping import as_code
from custom_components.plex_label_sync.flows.label_preview import shown_name
from custom_components.plex_label_sync.flows.review import Reader
from custom_components.plex_label_sync.flows.review_text import PEOPLE_MAX
from custom_components.plex_label_sync.sync.model import Person
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from simulators.http import Fault

from ..flow_fixtures import (
    after_reading,
    assert_form,
    default_of,
    fields_of,
    finish,
    selector_of,
    submit,
    to_libraries,
    to_review,
)
from ..ha_env import eventually
from ..markdown import HOSTILE, as_shown, signs_in
from ..short_timeouts import TOO_LONG
from ..storage.test_former import removed
from ..texts import TEXTS, read_json

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigFlowResult

    from ..ha_env import HaEnv

PEOPLE: Final = "/v1/users/users/list/with-counts"
WATCHLIST: Final = "/v1/users/{id}/watchlist"
LISTING: Final = "/library/sections/{id}/all"
WORDS: Final = TEXTS["selector"]["review"]["options"]
SWITCHES: Final = TEXTS["entity"]["switch"]
PROGRESS_UPDATE: Final = getattr(data_entry_flow, "EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE", None)


def shown_review(shown: ConfigFlowResult) -> str:
    """Return what the form shows of the first sync, as it is read."""
    placeholders = shown["description_placeholders"]
    assert placeholders is not None
    return as_shown(placeholders["review"])


def part_of(text: str, name: str) -> list[str]:
    """Return what a review says of one person: the line with the label, and one for each library."""
    lines = text.splitlines()
    (start,) = [at for at, line in enumerate(lines) if line.startswith(f"- `{name}")]
    end = next((at for at in range(start + 1, len(lines)) if lines[at][:2] != "  "), len(lines))
    return lines[start:end]


def number(text: str, before: str) -> int:
    """Return the first number that follows a text."""
    found = re.search(rf"{re.escape(before)}(\d+)", text)
    return int(found[1]) if found else 0


async def reviewed(ha_env: HaEnv, **fields: Any) -> ConfigFlowResult:
    """Go as far as the review."""
    return await to_review(ha_env.hass, await to_libraries(ha_env), **fields)


# What it says


async def test_review_is_what_the_first_sync_then_does(ha_env: HaEnv) -> None:
    shown = await reviewed(ha_env)
    assert_form(shown, "review")
    assert fields_of(shown) == ["start"]
    assert default_of(shown, "start") == "now"
    assert choices_of_start(shown) == ["now", "paused"]
    text = shown_review(shown)
    assert ha_env.plex.stats.puts == 0

    created = await submit(ha_env.hass, shown)
    assert created["type"] is FlowResultType.CREATE_ENTRY
    ha_env.entry = created["result"]  # type: ignore[assignment] # as good as a test's own
    await ha_env.settle()

    assert number(text, "To be added: ") == int(ha_env.state("labels_added")) > 0
    assert number(text, "Not in Plex yet: ") == int(ha_env.state("titles_missing")) > 0
    for name in ("rosa", "tim"):
        line, *libraries = part_of(text, name)
        assert f"→ `{name}`" in line
        items = ha_env.plex.state.carriers(name)
        for library in ha_env.plex.state.libraries.values():
            there = [item for item in items if item.section == library.key]
            reported = [one for one in libraries if one.startswith(f"  - {library.title}: ")]
            titles = {item.title for item in there}
            assert len(reported) == bool(there)
            for one in reported:
                assert number(one, ": ") == len(there)
                assert number(one, " on ") == len(titles)


def choices_of_start(shown: ConfigFlowResult) -> list[str]:
    """Return what may be chosen to begin with; each has a text."""
    options: list[str] = selector_of(shown, "start").config["options"]
    assert set(options) <= set(TEXTS["selector"]["start"]["options"])
    return options


async def test_what_is_labelled_already_is_not_added_again(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    added = ha_env.state("labels_added")
    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    await ha_env.settle()
    ha_env.plex.state.machine_identifier = "0" * 40  # nothing is known of that time

    text = shown_review(await reviewed(ha_env))

    assert WORDS["nothing"] in text
    assert "To be added" not in text
    assert f"In Plex already: {added} labels" in text
    assert "Movies: nothing to add (" in text


async def test_people_without_anything_are_named_with_the_reason(ha_env: HaEnv) -> None:
    state = ha_env.pulsarr.state
    for listed in state.watchlist(ha_env.person("tim")):
        state.forget(ha_env.person("tim"), listed.catalog_key)

    text = shown_review(await reviewed(ha_env))

    (line,) = [line for line in text.splitlines() if line.startswith("No label for: ")]
    assert re.search(r"`marta[^`]*` \(sync is off in Pulsarr\)", line)
    assert re.search(r"`tim[^`]*` \(nothing on the watchlist\)", line)
    assert "- `tim" not in text


async def test_people_who_share_a_label_are_reported_again(ha_env: HaEnv) -> None:
    for name in ("rosa", "tim"):
        ha_env.pulsarr.state.change_user(ha_env.person(name), alias="kids", display_name=None)
    shown = await submit(ha_env.hass, await to_libraries(ha_env), label_format="{alias}")
    assert_form(shown, "libraries", label_format="labels_clash")

    text = shown_review(await to_review(ha_env.hass, shown, label_format="{alias}"))

    first, *_ = part_of(text, "rosa")
    assert "→ `kids` ⚠️ shares it with `tim" in first
    assert "Repairs" not in text


async def test_label_that_no_one_could_confirm_is_left_for_repairs(ha_env: HaEnv) -> None:
    for name in ("rosa", "tim"):
        ha_env.pulsarr.state.change_user(ha_env.person(name), name="flat four")
    # The form for the libraries comes without the people.
    for route in (PEOPLE, "/v1/users/users/list"):
        ha_env.pulsarr.faults.add(Fault(kind="html", route=route, nth=2, times=None))
    shown = await to_libraries(ha_env)
    ha_env.pulsarr.faults.clear()

    shown = await to_review(ha_env.hass, shown)

    assert "until you decide in Repairs: `flat four`" in shown_review(shown)
    created = await submit(ha_env.hass, shown)
    ha_env.entry = created["result"]  # type: ignore[assignment] # as good as a test's own
    await ha_env.settle()
    assert ha_env.plex.state.carriers("flat four") == []


async def test_name_is_kept_for_somebody_whose_row_cannot_be_read(ha_env: HaEnv) -> None:
    shown = await to_libraries(ha_env)
    first, second = (user.name for user in ha_env.pulsarr.state.users()[:2])
    ha_env.pulsarr.state.change_user(ha_env.person(second), name=first.capitalize())
    ha_env.pulsarr.faults.add(Fault("null_row", match="users/list", times=None))

    text = shown_review(await to_review(ha_env.hass, shown))

    assert f"until you decide in Repairs: `{first.capitalize()}`" in text
    assert f"→ `{second}`" in text


async def test_long_lists_are_cut(ha_env: HaEnv) -> None:
    film = ha_env.spare(in_plex=True)
    for count in range(PEOPLE_MAX + 3):
        user = ha_env.pulsarr.state.add_user(f"guest {count:02}")
        ha_env.pulsarr.state.want(user.id, film)

    text = shown_review(await reviewed(ha_env))

    assert sum("→" in line for line in text.splitlines()) == PEOPLE_MAX
    assert re.search(r"^- and \d+ more$", text, re.MULTILINE)
    assert "1 label on 1 title (" in text or "guest" not in text
    assert max(map(len, text.splitlines())) < 300


@pytest.mark.parametrize("name", HOSTILE[::3])
async def test_names_are_shown_as_text(ha_env: HaEnv, name: str) -> None:
    ha_env.pulsarr.state.change_user(
        ha_env.person("rosa"), name=name, alias=None, display_name=None
    )
    ha_env.pulsarr.state.change_user(ha_env.person("marta"), name=f"{name} 2")
    ha_env.plex.state.libraries["1"].title = name

    placeholders = (await reviewed(ha_env))["description_placeholders"]

    assert placeholders is not None
    text = placeholders["review"]
    assert as_code(shown_name(Person(pulsarr_id(1), name)))[:20] in text
    for line in text.splitlines():
        rest = re.sub(r"(`+) .*? \1|(`+).*?\2", "", line.partition(" ⚠️ ")[0])
        if line.startswith("**"):
            continue
        assert signs_in(rest.removeprefix("- ").removeprefix("  - ")) == []


@pytest.mark.parametrize("language", ["de", "es", "fr", "nl"])
async def test_review_speaks_the_language_of_home_assistant(ha_env: HaEnv, language: str) -> None:
    await ha_env.hass.config.async_update(language=language)
    words = read_json(f"translations/{language}.json")["selector"]["review"]["options"]

    text = shown_review(await reviewed(ha_env))

    for key in ("added", "missing", "without"):
        assert words[key].split("{")[0] in text
    assert "{" not in text


# When to begin


async def test_paused_entry_writes_nothing_until_it_is_started(ha_env: HaEnv) -> None:
    created = await submit(ha_env.hass, await reviewed(ha_env), start="paused")
    ha_env.entry = created["result"]  # type: ignore[assignment] # as good as a test's own
    await ha_env.settle()

    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert created["description"] == "paused"
    hint = TEXTS["config"]["create_entry"]["paused"]
    assert SWITCHES["live_mode"]["name"] in hint
    assert SWITCHES["batch_mode"]["name"] in hint
    entry = ha_env.entry
    assert entry.state is ConfigEntryState.LOADED
    assert entry.options == {
        "label_format": "{username}",
        "live_mode": False,
        "batch_mode": False,
    }
    assert ha_env.plex.stats.puts == 0
    answer = await ha_env.call("sync_all", dry_run=True)
    assert answer["added"] > 0
    assert ha_env.plex.stats.puts == 0

    await ha_env.hass.services.async_call(
        "switch", "turn_on", {"entity_id": ha_env.entity_id("batch_mode")}, blocking=True
    )
    await ha_env.settle()
    assert ha_env.state("labels_added") == str(answer["added"])


async def test_choice_that_is_none_is_refused(ha_env: HaEnv) -> None:
    shown = await reviewed(ha_env)

    with pytest.raises(data_entry_flow.InvalidData):
        await submit(ha_env.hass, shown, start="never")


# When not everything can be read


@pytest.mark.parametrize("server", ["plex", "pulsarr"])
async def test_server_that_is_away_is_named_and_may_be_asked_again(
    ha_env: HaEnv, server: str
) -> None:
    shown = await to_libraries(ha_env)
    faults = getattr(ha_env, server).faults
    faults.add(Fault(kind="drop", times=None))

    shown = await to_review(ha_env.hass, shown)

    assert_form(shown, "review", base="review_failed")
    placeholders = shown["description_placeholders"]
    assert placeholders is not None
    assert server in placeholders["reason"].casefold()
    assert "{" not in placeholders["reason"]
    assert placeholders["review"] == WORDS["unknown"]
    assert choices_of_start(shown) == ["now", "paused", "retry"]
    shown = await after_reading(ha_env.hass, await submit(ha_env.hass, shown, start="retry"))
    assert_form(shown, "review", base="review_failed")

    faults.clear()
    shown = await after_reading(ha_env.hass, await submit(ha_env.hass, shown, start="retry"))
    assert_form(shown, "review")
    assert choices_of_start(shown) == ["now", "paused"]
    assert "To be added: " in shown_review(shown)


@pytest.mark.parametrize("start", ["now", "paused"])
async def test_one_may_go_on_without_a_review(ha_env: HaEnv, start: str) -> None:
    shown = await to_libraries(ha_env)
    ha_env.plex.faults.add(Fault(kind="unavailable", times=None))
    shown = await to_review(ha_env.hass, shown)

    created = await submit(ha_env.hass, shown, start=start)
    await ha_env.settle()

    assert created["type"] is FlowResultType.CREATE_ENTRY
    entry = created["result"]
    states = [entry.state]
    ha_env.plex.faults.clear()
    await ha_env.hass.config_entries.async_reload(entry.entry_id)
    await ha_env.settle()
    assert [*states, entry.state] == [ConfigEntryState.SETUP_RETRY, ConfigEntryState.LOADED]
    assert (ha_env.plex.stats.puts > 0) is (start == "now")


async def test_list_that_cannot_be_read_is_named(ha_env: HaEnv) -> None:
    rosa = ha_env.person("rosa")
    shown = await to_libraries(ha_env)
    ha_env.pulsarr.faults.add(Fault(kind="html", route=WATCHLIST, match=f"/{rosa}/", times=None))

    shown = await to_review(ha_env.hass, shown)

    assert_form(shown, "review")
    text = shown_review(shown)
    assert "so everything that depends on it stays as it is: `rosa`" in text
    assert re.search(r"`rosa[^`]*` \(the watchlist could not be read\)", text)
    assert "- `tim" in text
    assert choices_of_start(shown) == ["now", "paused", "retry"]


async def test_fault_of_our_own_does_not_end_the_flow(
    ha_env: HaEnv, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    shown = await to_libraries(ha_env)
    with monkeypatch.context() as patched:
        patched.setattr(Reader, "async_read", fail)
        shown = await to_review(ha_env.hass, shown)
    assert_form(shown, "review", base="review_failed")
    assert "Unexpected ZeroDivisionError" in caplog.text
    placeholders = shown["description_placeholders"]
    assert placeholders is not None
    assert placeholders["reason"] == WORDS["unexpected"]

    created = await submit(ha_env.hass, shown)
    assert created["type"] is FlowResultType.CREATE_ENTRY
    await ha_env.settle()


# While it reads


async def test_flow_that_is_closed_stops_reading(ha_env: HaEnv) -> None:
    shown = await to_libraries(ha_env)
    fault = Fault(kind="slow_before_apply", route=LISTING, seconds=TOO_LONG, times=None)
    ha_env.plex.faults.add(fault)
    shown = await submit(ha_env.hass, shown)
    assert shown["type"] is FlowResultType.SHOW_PROGRESS
    await eventually(lambda: bool(ha_env.plex.listener.pauses))

    ha_env.hass.config_entries.flow.async_abort(shown["flow_id"])
    await eventually(lambda: ha_env.plex.stats.in_flight == 0)  # given up, far from an answer
    asked = ha_env.plex.stats.total
    await ha_env.settle()

    assert ha_env.plex.stats.total == asked
    assert ha_env.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    ha_env.plex.faults.clear()
    created = await finish(ha_env.hass, await to_libraries(ha_env))
    assert created["type"] is FlowResultType.CREATE_ENTRY
    await ha_env.settle()


async def test_page_that_is_loaded_again_goes_on_waiting(ha_env: HaEnv) -> None:
    hass = ha_env.hass
    shown = await to_libraries(ha_env)
    ha_env.plex.faults.add(Fault(kind="slow_before_apply", route=LISTING, seconds=TOO_LONG))
    shown = await submit(hass, shown)
    await eventually(lambda: bool(ha_env.plex.listener.pauses))
    again = await hass.config_entries.flow.async_configure(shown["flow_id"])
    assert (again["type"], again["step_id"]) == (FlowResultType.SHOW_PROGRESS, "reading")
    ha_env.plex.listener.end_pauses()

    shown = await after_reading(hass, again)
    assert_form(shown, "review")
    assert ha_env.plex.stats.count("GET", "/library/sections") <= 3


@pytest.mark.skipif(PROGRESS_UPDATE is None, reason="this Home Assistant cannot show how far")
async def test_progress_is_shown_and_only_goes_up(ha_env: HaEnv) -> None:
    assert PROGRESS_UPDATE is not None
    events = async_capture_events(ha_env.hass, PROGRESS_UPDATE)

    shown = await reviewed(ha_env)

    reported = [event.data["progress"] for event in events]
    assert {event.data["flow_id"] for event in events} == {shown["flow_id"]}
    assert len(reported) >= 4
    assert reported == sorted(reported)
    assert 0 <= reported[0] <= reported[-1] <= 1


# Records of a removed entry


async def test_labels_that_are_gone_since_are_reported_to_be_asked_about(ha_env: HaEnv) -> None:
    await removed(ha_env)
    for item in ha_env.plex.state.items.values():
        for label in list(item.labels):
            ha_env.plex.state.remove_label(item.rating_key, label)

    text = shown_review(await reviewed(ha_env))

    assert "- Missing since the earlier records, so the sync asks for your decision first: " in text
    assert WORDS["overridden"].partition("{")[0] not in text


async def test_review_takes_earlier_records_into_account(ha_env: HaEnv) -> None:
    await removed(ha_env)
    (item, *_) = ha_env.plex.state.carriers("rosa")
    ha_env.plex.state.remove_label(item.rating_key, "rosa")

    shown = await reviewed(ha_env)

    assert_form(shown, "review")
    assert fields_of(shown) == ["start", "take_over"]
    text = shown_review(shown)
    assert f"- {WORDS['overridden'].format(labels='1 label')}" in text.splitlines()
    assert WORDS["taken_over"] in text
    created = await submit(ha_env.hass, shown)
    ha_env.entry = created["result"]  # type: ignore[assignment] # as good as a test's own
    await ha_env.settle()
    assert ha_env.state("overrides") == "1"
