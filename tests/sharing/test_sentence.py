"""A rule as a sentence: every word of it in every language, and nothing that a label could break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sharing.model import Problem, WarningKey
from custom_components.plex_label_sync.sharing.rules import parse
from custom_components.plex_label_sync.sharing.sentence import VALUES_MAX, WORDS, sentence

from .rule_table import RULES
from .strategies import meanings, written

FOLDER: Final = (
    Path(__file__).parent.parent.parent / "custom_components" / "plex_label_sync" / "translations"
)
LANGUAGES: Final = sorted(path.stem for path in FOLDER.iterdir())


def texts(language: str, group: str) -> dict[str, str]:
    """Return the texts of one group in one language."""
    warnings_about: dict[str, Any] = json.loads(
        (FOLDER / f"{language}.json").read_text(encoding="utf-8")
    )
    options: dict[str, str] = warnings_about["selector"][group]["options"]
    return options


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ("", "everything that is shared"),
        ("label=rosa", "only what carries rosa"),
        ("label!=scary&label=rosa,family", "only what carries rosa or family, and never scary"),
        ("contentRating=G|label=rosa", "only what is rated G or carries rosa"),
        ("label=rosa|label!=scary", "only what carries rosa or does not carry scary"),
        ("contentRating!=R%2CNC-17", "never what is rated R or NC-17"),
        ("genre!=Horror", "never what has genre Horror"),
        ("label=Rosa+M", "only what carries Rosa+M, or perhaps only what carries Rosa M"),
        ("label=a&b", "unknown, because this cannot be read: label=a&b"),
        (None, "unknown, because Plex does not report it"),
    ],
)
def test_rule_is_a_sentence(rule: str | None, shown: str) -> None:
    assert sentence(parse(rule), texts("en", "sharing_rule")) == shown


def test_long_list_is_cut() -> None:
    rule = parse("contentRating=" + ",".join(f"r{n}" for n in range(VALUES_MAX + 3)))
    assert sentence(rule, texts("en", "sharing_rule")).endswith("or 3 more")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_is_a_sentence_in_every_language(language: str) -> None:
    words = texts(language, "sharing_rule")
    assert set(words) == set(WORDS)
    for text, _, _ in RULES:
        assert "{" not in sentence(parse(text), words)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("group", ["sharing_warning", "sharing_fix"])
def test_every_warning_has_its_texts(language: str, group: str) -> None:
    assert {one.value for one in WarningKey} <= set(texts(language, group))
    assert len(Problem) > 0


@given(st.data())
def test_values_are_quoted_and_never_read_as_a_pattern(data: st.DataObject) -> None:
    rule = parse(data.draw(written(data.draw(meanings))))
    shown = sentence(rule, texts("en", "sharing_rule"), lambda text: f"<{{{text}}}>")
    for condition in rule.conditions:
        assert f"<{{{condition.texts[0]}}}>" in shown
