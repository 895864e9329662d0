"""The table of options: the form's texts, the page about it and the settings follow it."""

from __future__ import annotations

from dataclasses import fields
from itertools import groupby
from typing import Any, Final

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.flows.options_form import REQUESTS
from custom_components.plex_label_sync.options import (
    OPTIONS,
    Accounts,
    Choice,
    Flag,
    Labels,
    Libraries,
    Number,
    Option,
    People,
    Section,
    Text,
    UnusableValueError,
    Url,
)
from custom_components.plex_label_sync.settings import Settings
from custom_components.plex_label_sync.sync.model import SyncSettings
from custom_components.plex_label_sync.sync.queue import QueueSettings

from .test_readme import rows
from .texts import TEXTS

SECTIONS: Final = TEXTS["options"]["step"]["init"]["sections"]
KEYS: Final = {
    section: [option.key for option in OPTIONS.values() if option.section is section]
    + [key for key, where in REQUESTS.items() if where is section]
    for section in Section
}
PARTS: Final = ("sync", "queue")


def test_rows_of_a_section_stand_together_and_sections_in_order() -> None:
    assert [section for section, _ in groupby(OPTIONS.values(), lambda row: row.section)] == [
        *Section
    ]


def test_texts_are_those_of_the_fields_section_by_section() -> None:
    for texts in ("data", "data_description"):
        assert {name: list(part[texts]) for name, part in SECTIONS.items()} == KEYS


@pytest.mark.parametrize("section", Section)
def test_page_has_the_fields_of_a_section_with_default_and_range(section: Section) -> None:
    texts = SECTIONS[section]
    documented = {row[0]: row[1] for row in rows("docs/options.md", texts["name"])[2:]}

    assert documented == {
        texts["data"][key]: default(OPTIONS[key]) if key in OPTIONS else "off"
        for key in KEYS[section]
    }
    assert list(documented) == [texts["data"][key] for key in KEYS[section]]


def default(option: Option) -> str:
    """Return what a person reads about an option's default and its range."""
    value = option.default
    match option.kind:
        case Flag():
            return "on" if value else "off"
        case Number(minimum, maximum, unit):
            return f"{value} {unit} ({minimum} to {maximum})"
        case Text() | Url():
            return f"`{value}`" if value else "empty"
        case Choice():
            text: str = TEXTS["selector"][option.key]["options"][value]
            return text[0].lower() + text[1:]
        case Libraries():
            assert value is None
            return "all"
        case _:
            assert value == ()
            return "none"


def test_every_option_has_one_field_of_the_settings_and_every_field_an_option() -> None:
    names = [
        field.name
        for part in (Settings, SyncSettings, QueueSettings)
        for field in fields(part)
        if field.name not in PARTS
    ]
    assert sorted(names) == sorted(OPTIONS)


def test_engine_without_options_has_the_defaults_of_the_table() -> None:
    assert Settings.from_options({}).sync == SyncSettings()


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.key)
def test_default_can_be_entered(option: Option) -> None:
    value: Any = option.default
    if value is not None:  # all libraries are entered one by one
        stored = option.clean(float(value) if isinstance(option.kind, Number) else value)
        assert stored == ([] if value == () else value)
        assert option.read({option.key: stored}) == option.read({})


@given(st.lists(st.text()))
def test_lists_that_were_cleaned_stay_as_they_are(entered: list[str]) -> None:
    for kind in (Labels(), Accounts(), People()):
        try:
            stored = kind.clean(entered)
        except UnusableValueError:
            continue
        assert kind.clean(stored) == stored
        assert len(kind.read(stored)) == len(stored)


@given(st.text())
def test_texts_that_were_cleaned_stay_as_they_are(entered: str) -> None:
    for option in OPTIONS.values():
        if isinstance(option.kind, Text | Url):
            try:
                stored = option.clean(entered)
            except UnusableValueError:
                continue
            assert option.clean(stored) == stored
