"""Names of people, titles and libraries are data: wherever they are shown, they are text."""

from __future__ import annotations

from pathlib import Path
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import Event
from homeassistant.helpers import issue_registry as ir
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.escaping import LENGTH_MAX, as_code, as_markdown, one_line
from custom_components.plex_label_sync.event import EVENT_ACTIVITY
from custom_components.plex_label_sync.issues import (
    LIBRARY_NEW,
    PULSARR_LABELS,
    PULSARR_WITHOUT_WEBHOOKS,
    SHARING_SIGN_IN,
    STORE_UNSAVED,
    Repair,
    async_raise,
)
from custom_components.plex_label_sync.status import Activity

from .flow_fixtures import choices_of, finish, to_libraries
from .markdown import HOSTILE, as_shown, signs_in
from .test_blueprints import FOLDER, automate
from .test_held_runs import forget
from .test_logbook import described

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant, ServiceCall

    from .ha_env import HaEnv

names: Final = st.sampled_from(HOSTILE) | st.text() | st.text("\\`*_[](){}<>!#|~-+.:/@&= \n1aw")


# The helper


@given(names)
def test_name_in_markdown_is_the_same_text_without_signs(name: str) -> None:
    escaped = as_markdown(name)

    assert signs_in(escaped) == []
    assert as_shown(escaped) == (one_line(name) or "?")
    assert "\n" not in escaped
    assert not re.match(r"[-+#>] |\d+[.)] |[-+=]+$", escaped)


@given(names)
def test_parser_of_markdown_sees_one_paragraph_of_text(name: str) -> None:
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark", {"html": True})
    parser.enable(["table", "strikethrough"])

    for before in ("", "The last sync of ", "- "):
        tokens = parser.parse(f"{before}{as_markdown(name)}")
        inline = [token for token in tokens if token.type == "inline"]
        kinds = {child.type for token in inline for child in token.children}
        assert kinds <= {"text", "text_special"}, kinds
        assert len(inline) == 1
        shown = "".join(child.content for child in inline[0].children)
        assert shown == before.strip("- ") * bool(before) + (
            " " if before.startswith("The") else ""
        ) + (one_line(name) or "?")


@given(names)
def test_name_is_short_visible_and_on_one_line(name: str) -> None:
    line = one_line(name)

    assert len(line) <= LENGTH_MAX
    assert line.replace("\u200d", "").isprintable()
    assert line == line.strip()


def test_emoji_of_several_parts_stays_whole() -> None:
    assert one_line("the \U0001f468\u200d\U0001f469\u200d\U0001f467 family") == (
        "the \U0001f468\u200d\U0001f469\u200d\U0001f467 family"
    )


# Repairs


def assert_text(shown: str, name: str) -> None:
    """Check that a name stands somewhere as text, and nowhere as it is."""
    assert as_markdown(name) in shown or as_code(name) in shown
    rest = shown.replace(as_markdown(name), "").replace(as_code(name), "")
    if signs_in(name) and len(name) > 1:
        assert name not in rest


@pytest.mark.parametrize("name", HOSTILE[::3])
async def test_repairs_show_names_as_text(full_env: HaEnv, name: str) -> None:
    hass, entry = full_env.hass, full_env.entry
    for item in full_env.plex.state.items.values():
        item.title = name
    full_env.plex.state.libraries["3"].title = name
    await full_env.call("sync_all")
    hass.config_entries.async_update_entry(entry, title=name)
    await full_env.settle()
    full_env.plex.state.libraries.pop("3")
    forget(full_env)
    await full_env.call("sync_all")

    issues = [one for one in ir.async_get(hass).issues.values() if one.domain == DOMAIN]
    placeholders = [one.translation_placeholders or {} for one in issues]
    assert issues
    for displayed in placeholders:
        assert_text(displayed["name"], name)
    (groups,) = [displayed["groups"] for displayed in placeholders if "groups" in displayed]
    for line in groups.splitlines():
        assert line.startswith("- ")
        assert signs_in(line) == []
    shown = as_shown(groups)
    assert one_line(name)[:50] in shown


@pytest.mark.parametrize("name", HOSTILE)
async def test_question_about_a_new_library_shows_names_as_text(ha_env: HaEnv, name: str) -> None:
    entry = ha_env.add_entry()
    ha_env.hass.config_entries.async_update_entry(entry, title=name)

    async_raise(ha_env.hass, entry, LIBRARY_NEW, {"9": name})

    displayed = ir.async_get(ha_env.hass).async_get_issue(DOMAIN, f"library_new_{entry.entry_id}")
    assert displayed is not None
    assert displayed.translation_placeholders == {
        "name": as_markdown(name),
        "libraries": as_markdown(name),
    }


@pytest.mark.parametrize(
    "repair",
    [PULSARR_LABELS, PULSARR_WITHOUT_WEBHOOKS, SHARING_SIGN_IN, STORE_UNSAVED],
    ids=lambda repair: repair.key,
)
async def test_notices_show_names_as_text(ha_env: HaEnv, repair: Repair[[]]) -> None:
    entry = ha_env.add_entry()
    for name in HOSTILE:
        ha_env.hass.config_entries.async_update_entry(entry, title=name)
        async_raise(ha_env.hass, entry, repair)
        issue = ir.async_get(ha_env.hass).async_get_issue(DOMAIN, f"{repair.key}_{entry.entry_id}")
        assert issue is not None
        assert issue.translation_placeholders == {"name": as_markdown(name)}


# Forms


@pytest.mark.parametrize("name", HOSTILE[::3])
async def test_forms_show_names_as_text(ha_env: HaEnv, name: str) -> None:
    state = ha_env.pulsarr.state
    state.change_user(ha_env.person("rosa"), name=name, alias=None, display_name=None)
    ha_env.plex.state.libraries["1"].title = name

    shown = await to_libraries(ha_env)

    placeholders = shown["description_placeholders"]
    assert placeholders is not None
    assert_text(placeholders["label_preview"], name)
    assert choices_of(shown, "libraries")["1"] == one_line(name)
    ha_env.plex.state.name = name
    entry = ha_env.add_entry()
    options = await ha_env.hass.config_entries.options.async_init(entry.entry_id)
    placeholders = options["description_placeholders"]
    assert placeholders is not None
    assert_text(placeholders["label_preview"], name)
    assert choices_of(options, "libraries")["1"] == one_line(name)
    assert one_line(name) in choices_of(options, "exclude_people").values()
    assert (await finish(ha_env.hass, shown))["type"] == "create_entry"
    await ha_env.settle()


@pytest.mark.parametrize("name", HOSTILE[::3])
async def test_form_that_asks_for_a_credential_shows_the_name_as_text(
    ha_env: HaEnv, name: str
) -> None:
    entry = ha_env.add_entry()
    ha_env.hass.config_entries.async_update_entry(entry, title=name)

    shown = await entry.start_reauth_flow(ha_env.hass)

    placeholders = shown["description_placeholders"]
    assert placeholders is not None
    assert placeholders["name"] == as_markdown(name)


# The logbook


@pytest.mark.parametrize("name", HOSTILE[::3])
async def test_logbook_shows_names_as_text_on_one_line(ha_env: HaEnv, name: str) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    for activity in Activity:
        displayed = {
            "server": name,
            "activity": activity.value,
            "title": name,
            "people": [name, name],
            "labels": [name],
            "added": 1,
            "removed": 0,
            "failed": 0,
            "removals": 30,
            "vanished": 0,
        }
        line = described(ha_env.hass, Event(EVENT_ACTIVITY, displayed))
        assert line.startswith(one_line(name))
        assert line.replace("\u200d", "").isprintable()
        if activity is Activity.LABELS_CHANGED:
            assert line.count(one_line(name)[:50]) >= 2


# Blueprints


@pytest.fixture
def messages(hass: HomeAssistant, tmp_path: Path) -> list[ServiceCall]:
    """Collect what the default action of every blueprint says, with the blueprints installed."""
    hass.config.config_dir = str(tmp_path)
    shutil.copytree(FOLDER, tmp_path / "blueprints" / "automation" / "plex_label_sync")
    return async_mock_service(hass, "persistent_notification", "create")


async def said_about(ha_env: HaEnv, messages: list[ServiceCall], **displayed: Any) -> str:
    """Let something happen; return what the notification shows as Markdown."""
    messages.clear()
    data = {"entity_id": ha_env.entity_id("activity"), **displayed}
    ha_env.hass.bus.async_fire(EVENT_ACTIVITY, data)
    await ha_env.settle()
    (call,) = messages
    text: str = call.data["message"]
    return text


async def test_message_that_a_title_is_there_shows_it_as_text(
    ha_env: HaEnv, messages: list[ServiceCall]
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    activity = ha_env.entity_id("activity")
    await automate(ha_env, "title_is_there.yaml", activity=activity, person="rosa")
    for name in HOSTILE:
        text = await said_about(
            ha_env,
            messages,
            activity="labels_changed",
            title=name,
            type="movie",
            people=["rosa"],
            labels=[name],
            poster=None,
        )
        assert_nothing_but_text(text, name, "is in Plex now.")


async def test_message_that_a_sync_is_held_shows_the_server_as_text(
    ha_env: HaEnv, messages: list[ServiceCall]
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    activity = ha_env.entity_id("activity")
    await automate(ha_env, "held_alert.yaml", activity=activity)
    for name in HOSTILE:
        for vanished in (0, 3):
            text = await said_about(
                ha_env,
                messages,
                activity="run_held",
                server=name,
                removals=30,
                vanished=vanished,
                reasons=[],
            )
            assert_nothing_but_text(text.splitlines()[0], name, "labels")


async def test_digest_shows_titles_and_people_as_text(
    ha_env: HaEnv, messages: list[ServiceCall]
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await automate(ha_env, "waiting_digest.yaml")
    waiting: Any = [
        {
            "title": name,
            "people": [name],
            "created": "2026-11-01T00:00:00+00:00",
            "reason": "not_in_plex",
        }
        for name in HOSTILE
    ]
    async_mock_service(ha_env.hass, DOMAIN, "get_pending", response={"pending": waiting})
    await ha_env.hass.services.async_call(
        "automation", "trigger", {"entity_id": "automation.ours"}, blocking=True
    )
    await ha_env.settle()

    await ha_env.hass.services.async_call(
        "automation", "turn_off", {"entity_id": "automation.ours"}, blocking=True
    )
    (call,) = messages
    lines = [line for line in call.data["message"].splitlines() if line]
    assert len(lines) == len(HOSTILE)
    for line, name in zip(lines, HOSTILE, strict=True):
        assert line.startswith("- ")
        assert_nothing_but_text(line, name, "not in Plex")


def assert_nothing_but_text(text: str, name: str, end: str) -> None:
    """Check that a line shows a name as it is, and that no part of the line is a sign."""
    assert signs_in(text) == []
    assert " ".join(name.split()) in as_shown(text)
    assert end in text
