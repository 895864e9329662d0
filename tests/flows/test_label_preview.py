"""What the forms show of the labels, and that names of other people cannot do anything there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from homeassistant.data_entry_flow import FlowResultType
from hypothesis import example, given, strategies as st
import pytest

from custom_components.plex_label_sync.escaping import as_code
from custom_components.plex_label_sync.flows import label_preview
from custom_components.plex_label_sync.sync.model import Person, SyncSettings
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.preview import label_preview as rows_of
from simulators.http import Fault

from ..flow_fixtures import assert_form, default_of, finish, submit, to_libraries
from ..ha_env import set_limits
from ..short_timeouts import TOO_LONG
from ..sync.test_preview import families
from ..texts import TEXTS

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigFlowResult

    from ..ha_env import HaEnv

WORDS = TEXTS["selector"]["label_preview"]["options"]


def shown_labels(shown: ConfigFlowResult) -> list[str]:
    """Return the lines of the list that a form shows."""
    placeholders = shown["description_placeholders"]
    assert placeholders is not None
    return placeholders["label_preview"].splitlines()


def rename(ha_env: HaEnv, who: str, **names: Any) -> None:
    """Give somebody other names in Pulsarr."""
    ha_env.pulsarr.state.change_user(ha_env.person(who), **names)


def is_visible(text: str) -> bool:
    """Tell whether a text is on one line and all signs are seen, or hold an emoji together."""
    return text.replace("\u200d", "").isprintable()


# The list


def test_list_is_cut_after_twenty_people_and_says_how_many_more_there_are() -> None:
    people = [Person(pulsarr_id(number), f"person {number:02}") for number in range(23)]
    text = label_preview.as_list(rows_of(people, SyncSettings()), WORDS)

    lines = text.splitlines()
    assert len(lines) == 21
    assert lines[0] == "- `person 00` → `person 00`"
    assert lines[-1] == "- and 3 more"


def test_many_who_share_a_label_do_not_all_stand_in_each_others_line() -> None:
    people = [Person(pulsarr_id(number), "rosa", alias=f"R{number}") for number in range(6)]
    line, *_ = label_preview.as_list(rows_of(people, SyncSettings()), WORDS).splitlines()

    assert line == (
        "- `rosa (R0)` → `rosa` ⚠️ shares it with `rosa (R1)`, `rosa (R2)`, `rosa (R3)`, …"
    )


@given(families)
def test_every_person_takes_one_line_whatever_the_name(people: list[Person]) -> None:
    rows = rows_of(people, SyncSettings(sync_disabled_people=True))
    lines = label_preview.as_list(rows, WORDS).split("\n") if rows else []

    assert len(lines) == len(people)
    assert all(line.startswith("- `") and is_visible(line) for line in lines)


@given(st.text())
@example("`")
@example("``a`")
@example("<img src=x> [link](http://x) **bold**\n# head")
def test_name_cannot_leave_its_quotation(name: str) -> None:
    quoted = as_code(name)

    match = re.fullmatch(r"(`+)(.*?)\1", quoted)
    assert match is not None
    fence, inner = match.groups()
    assert len(fence) not in set(map(len, re.findall("`+", inner)))
    assert inner.strip()
    assert is_visible(quoted)


# Setting up


async def test_form_for_the_libraries_shows_who_gets_which_label(ha_env: HaEnv) -> None:
    rename(ha_env, "rosa", name="Rosa, die Erste")
    rename(ha_env, "nina", name="TIM")

    shown = await to_libraries(ha_env)

    assert_form(shown, "libraries")
    lines = shown_labels(shown)
    assert len(lines) == sum(user.can_sync for user in ha_env.pulsarr.state.users())
    text = "\n".join(lines)
    assert f"→ `Rosa die Erste` ⚠️ {WORDS['changed']}" in text
    parts = WORDS["case"].split("{others}")
    assert re.search(f"→ `TIM` ⚠️ {parts[0]}`tim[^`]*`{parts[1]}", text)
    assert any("⚠️" not in line for line in lines)
    # People who share a label have to be confirmed, whatever the format is.
    shown = await submit(ha_env.hass, shown)
    assert_form(shown, "libraries", label_format="labels_clash")
    assert (await finish(ha_env.hass, shown))["type"] is FlowResultType.CREATE_ENTRY
    await ha_env.settle()


async def test_format_by_which_people_share_a_label_is_reported_once_with_the_list(
    ha_env: HaEnv,
) -> None:
    for name in ("rosa", "tim"):
        rename(ha_env, name, alias="the kids")
    shown = await to_libraries(ha_env)
    assert "⚠️" not in "".join(shown_labels(shown))

    shown = await submit(ha_env.hass, shown, label_format="{alias}")
    assert_form(shown, "libraries", label_format="labels_clash")
    assert default_of(shown, "label_format") == "{alias}"
    assert sum("→ `the kids` ⚠️" in line for line in shown_labels(shown)) == 2
    created = await finish(ha_env.hass, shown, label_format="{alias}")

    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert created["options"]["label_format"] == "{alias}"
    await ha_env.settle()


@pytest.mark.parametrize("kind", ["drop", "html", "slow_before_apply"])
async def test_people_who_are_not_known_at_present_do_not_hold_up(ha_env: HaEnv, kind: Any) -> None:
    set_limits(ha_env.hass, names_timeout=2.0)  # what works is within, on any machine
    for route in ("/v1/users/users/list/with-counts", "/v1/users/users/list"):
        # The first try of each is what the credential is checked with.
        fault = Fault(kind=kind, route=route, nth=2, seconds=TOO_LONG, times=None)
        ha_env.pulsarr.faults.add(fault)

    shown = await to_libraries(ha_env)

    assert_form(shown, "libraries")
    assert shown_labels(shown) == [WORDS["unknown"]]
    ha_env.pulsarr.faults.clear()
    created = await finish(ha_env.hass, shown, label_format="{alias}")
    assert created["type"] is FlowResultType.CREATE_ENTRY
    await ha_env.settle()


async def test_no_one_who_gets_a_label_is_reported(ha_env: HaEnv) -> None:
    for user in ha_env.pulsarr.state.users():
        ha_env.pulsarr.state.change_user(user.id, can_sync=False)

    assert shown_labels(await to_libraries(ha_env)) == [WORDS["nobody"]]


# The options


async def test_options_show_the_labels_by_the_present_and_by_the_changed_format(
    ha_env: HaEnv,
) -> None:
    rosa = ha_env.person("rosa")
    rename(ha_env, "rosa", alias="the kids", display_name=None)
    rename(ha_env, "tim", alias="The Kids", display_name=None)
    entry = ha_env.add_entry(exclude_people=[str(rosa)])
    options = ha_env.hass.config_entries.options
    shown = await options.async_init(entry.entry_id)
    text = "".join(shown_labels(shown))
    assert "`tim (The Kids)` → `tim`" in text
    assert "the kids" not in text

    # Rosa gets none, so there is no clash.
    saved = await options.async_configure(shown["flow_id"], {"label_format": "{alias}"})
    assert saved["type"] is FlowResultType.CREATE_ENTRY

    shown = await options.async_init(entry.entry_id)
    changes = {"label_format": "{alias} {user_id}", "exclude_people": []}
    saved = await options.async_configure(shown["flow_id"], changes)
    assert saved["type"] is FlowResultType.CREATE_ENTRY
    shown = await options.async_init(entry.entry_id)
    shown = await options.async_configure(shown["flow_id"], {"label_format": "for {alias}"})
    assert_form(shown, "init", label_format="labels_clash")
    assert "→ `for The Kids` ⚠️" in "".join(shown_labels(shown))
    assert entry.options["label_format"] == "{alias} {user_id}"
    saved = await options.async_configure(shown["flow_id"], {"label_format": "for {alias}"})
    assert saved["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["label_format"] == "for {alias}"
