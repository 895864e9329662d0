"""Reasons and explanations as sentences, in every language."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.plex_label_sync.change_texts import (
    CHANGE_REASON,
    EXPLANATION,
    reason_data,
    reason_text,
    remark_data,
    remark_text,
    summary_text,
    title_text,
)
from custom_components.plex_label_sync.held_texts import HELD
from custom_components.plex_label_sync.sync.changes import Change
from custom_components.plex_label_sync.sync.explain import (
    Explanation,
    LabelState,
    Remark,
    Topic,
    WhyNone,
)
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.reasons import PersonRef, Reason, ReasonCode, names_of
from custom_components.plex_label_sync.texts import WORDING, Texts

from .guards import ROOT
from .sync.builders import add, movie, person_refs, reasons
from .texts import TEXTS, placeholders, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("en", "de", "es", "fr", "nl")
PEOPLE = tuple(
    PersonRef(pulsarr_id(number), name) for number, name in enumerate(("Rosa", "Tim", "Jürgen"), 1)
)
# Of which an explanation says nothing that is not told otherwise.
SILENT = {LabelState.OPT_OUT, LabelState.LEFT_ALONE, LabelState.GONE}
CODES: set[Topic | WhyNone | LabelState] = {*Topic, *WhyNone, *LabelState} - SILENT


def texts_of(language: str, zone: str = "Europe/Berlin") -> Texts:
    """Return the texts of a language as they stand in its file."""
    file = read_json(f"translations/{language}.json")
    groups: Mapping[str, Mapping[str, str]] = {
        "common": file["common"],
        **{name: group["options"] for name, group in file["selector"].items()},
    }
    return Texts(language, ZoneInfo(zone), groups)


ALL = {language: texts_of(language) for language in LANGUAGES}
languages = st.sampled_from(LANGUAGES)


@pytest.mark.parametrize(
    ("people", "sentence"),
    [
        (1, "Rosa is no longer in Pulsarr"),
        (2, "Rosa and Tim are no longer in Pulsarr"),
        (3, "Rosa, Tim and Jürgen are no longer in Pulsarr"),
    ],
)
def test_verb_goes_with_the_number_of_people(people: int, sentence: str) -> None:
    person_gone = Reason(ReasonCode.PERSON_GONE)
    assert reason_text(person_gone, names_of(PEOPLE[:people]), ALL["en"]) == sentence


@pytest.mark.parametrize(
    ("language", "one", "two"),
    [
        ("en", "Rosa wants it", "Rosa and Tim want it"),
        ("de", "Rosa möchte den Titel sehen", "Rosa und Tim möchten den Titel sehen"),
        ("es", "Rosa quiere ver el título", "Rosa y Tim quieren ver el título"),
        ("fr", "Rosa veut voir le titre", "Rosa et Tim veulent voir le titre"),
        ("nl", "Rosa wil de titel zien", "Rosa en Tim willen de titel zien"),
    ],
)
def test_who_wants_a_title_is_translated_into_every_language(
    language: str, one: str, two: str
) -> None:
    why, texts = Reason(ReasonCode.WANTED), ALL[language]
    assert [reason_text(why, names_of(PEOPLE[:count]), texts) for count in (1, 2)] == [one, two]


@pytest.mark.parametrize(
    ("language", "none", "one", "many"),
    [
        ("en", "0 labels", "1 label", "34 labels"),
        ("de", "0 Labels", "1 Label", "34 Labels"),
        ("es", "0 etiquetas", "1 etiqueta", "34 etiquetas"),
        ("fr", "0 étiquette", "1 étiquette", "34 étiquettes"),
        ("nl", "0 labels", "1 label", "34 labels"),
    ],
)
def test_labels_are_counted_in_the_singular_and_the_plural(
    language: str, none: str, one: str, many: str
) -> None:
    counted = [ALL[language].counted("labels", count) for count in (0, 1, 34)]
    assert counted == [none, one, many]


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("en", "1 November 2026", "2 November 2026"),
        ("de", "1. November 2026", "2. November 2026"),
        ("es", "1 de noviembre de 2026", "2 de noviembre de 2026"),
        ("fr", "1er novembre 2026", "2 novembre 2026"),
        ("nl", "1 november 2026", "2 november 2026"),
    ],
)
def test_days_are_written_as_people_write_them(language: str, first: str, second: str) -> None:
    noon = 1_793_534_400.0  # 2026-11-01 12:00 UTC
    assert [ALL[language].date(noon + day * 86_400) for day in (0, 1)] == [first, second]


@pytest.mark.parametrize(
    ("zone", "day", "hour"),
    [
        ("Europe/Berlin", "2 November 2026", "00:30"),
        ("America/New_York", "1 November 2026", "18:30"),
    ],
)
def test_days_and_hours_are_those_of_home_assistant(zone: str, day: str, hour: str) -> None:
    late = 1_793_575_800.0  # 2026-11-01 23:30 UTC
    texts = texts_of("en", zone)
    assert (texts.date(late), texts.time(late)) == (day, hour)
    why = Reason(ReasonCode.NOT_WANTED, since=int(late))
    assert reason_text(why, (), texts) == f"not on any watchlist since {day}"


def test_every_code_has_its_text_and_every_text_a_code() -> None:
    def stems(group: str) -> set[str]:
        keys = TEXTS["selector"][group]["options"]
        return {re.sub(r"_(?:one|other)$", "", key) for key in keys}

    assert stems(CHANGE_REASON) == {*ReasonCode, "not_wanted_undated", "rematched_untitled"}
    assert stems(EXPLANATION) == {*CODES, "sentence", "joint"}


def test_singular_and_plural_come_in_pairs_that_say_the_same() -> None:
    for group in (CHANGE_REASON, EXPLANATION, HELD, WORDING):
        keys = TEXTS["selector"][group]["options"]
        for key, text in keys.items():
            if key.endswith(("_one", "_other")):
                stem = key.rpartition("_")[0]
                assert placeholders(keys[f"{stem}_one"]) == placeholders(text)
                assert placeholders(keys[f"{stem}_other"]) == placeholders(text)
                assert stem not in keys


@given(languages, reasons, st.lists(person_refs, max_size=4).map(tuple))
def test_every_reason_is_a_sentence_in_every_language(
    language: str, reason: Reason, people: tuple[PersonRef, ...]
) -> None:
    text = reason_text(reason, names_of(people), ALL[language], lambda _: "NAME")
    assert text.strip() == text != ""
    assert not re.search(r"[{}]", text)
    assert set(reason_data(reason, people)) <= {"people", *(one.name for one in fields(Reason))}


@given(languages, st.sampled_from(sorted(CODES)), st.integers(1, 3), st.integers(1, 3))
def test_every_part_of_an_explanation_is_translated_into_every_language(
    language: str, code: Topic | WhyNone | LabelState, people: int, labels: int
) -> None:
    remark = Remark(code, ("Rosa", "Tim", "Jürgen")[:people], ("a", "b", "c")[:labels], "TV", 9e8)
    text = remark_text(remark, ALL[language])
    assert text.strip() == text != ""
    assert not re.search(r"[{}]", text)
    assert "TV" in text
    assert set(remark_data(remark)) == {"people", "labels", "library", "when"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_several_labels_take_a_verb_in_the_plural(language: str) -> None:
    for code in (LabelState.OVERRIDE, LabelState.HELD, LabelState.KEPT):
        one, two = (
            remark_text(Remark(code, labels=labels), ALL[language])
            for labels in (("a",), ("a", "b"))
        )
        assert one.removeprefix("a") != two.removeprefix(ALL[language].listed(["a", "b"]))


def test_explanation_is_one_sentence_that_begins_with_the_title() -> None:
    remarks = (
        Remark(Topic.WANTED, people=("anna", "ben")),
        Remark(LabelState.OURS, labels=("anna", "ben"), library="Movies"),
        Remark(LabelState.OVERRIDE, labels=("carl", "dora"), library="Movies"),
    )
    one = Explanation(movie("tmdb:1"), (), (), None, remarks)
    assert summary_text(one, ALL["en"]) == (
        "Heat: anna and ben want it; it carries anna and ben (Movies); "
        "carl and dora were removed by hand and stay off (Movies)."
    )


def test_same_thing_about_two_libraries_is_reported_once() -> None:
    remarks = (
        Remark(Topic.WANTED, people=("anna",)),
        Remark(LabelState.OURS, labels=("anna",), library="Movies"),
        Remark(LabelState.FOREIGN, labels=("ben",), library="Movies"),
        Remark(LabelState.OURS, labels=("anna",), library="Movies 4K"),
        Remark(Topic.LIBRARY_NOT_COVERED, library="Old"),
        Remark(Topic.LIBRARY_NOT_COVERED, library="Other"),
    )
    text = summary_text(Explanation(movie("tmdb:1"), (), (), None, remarks), ALL["en"])
    assert "anna wants it; it carries anna (Movies, Movies 4K); ben" in text
    assert text.count("carries") == 1
    assert "Old" in text
    assert "Other" in text


@given(languages, st.text(max_size=5))
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_title_is_never_empty(language: str, title: str) -> None:
    change = add("anna", "11")
    named = Change(
        change.action, change.label, change.library, change.rating_key, title, change.reason
    )
    assert title_text(named, ALL[language]).strip()
    assert "11" in title_text(named, ALL[language]) or title.strip()


def test_old_day_without_a_time_zone_is_reported() -> None:
    assert Texts("en", UTC, ALL["en"].groups).date(0) == "1 January 1970"


def test_documentation_lists_every_code_with_its_data() -> None:
    page = (ROOT / "docs" / "entities.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| [^|]+ \| ([^|]*) ?\|$", page, re.MULTILINE)
    shown = {
        code: set(re.findall(r"`([a-z_]+)`", data))
        for codes, data in rows
        for code in re.findall(r"`([a-z_]+)`", codes)
        if code in set(ReasonCode)
    }
    assert shown == {code.value: set(reason_data(Reason(code), ())) for code in ReasonCode}
