"""The other languages: as complete as the English texts, and saying the same."""

from __future__ import annotations

from collections import Counter
import json
from logging import DEBUG
import re
import runpy
from typing import TYPE_CHECKING, Final

from homeassistant.helpers import translation
from homeassistant.helpers.translation import async_get_translations
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.event import EVENT_ACTIVITY

from .guards import ROOT
from .test_logbook import described
from .texts import COMPONENT, TEXTS, UNSOUND, leaves, placeholders, read_json

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .ha_env import HaEnv

type Path = tuple[str, ...]
type Texts = dict[Path, str]

LANGUAGES: Final = ("de", "es", "fr", "nl")
ENGLISH: Final[Texts] = dict(leaves(TEXTS))

# Texts that are the same in a language as in English: names, and words that came from there.
SAME_EVERYWHERE: Final = {
    "ID",
    "Plex Media Server",
    "Pulsarr",
    "URL",
    "Webhook",
    "{page}",
    "{ranges}",
    "{reason}",
    "{rule}",
    "{sentence} ({who})",
}
# French sets the signs apart.
SENTENCE: Final = {
    "{title}: {remarks}.",
    "{first}; {last}",
    "{library}: {labels} {on_titles}",
    "{sentence}: {counts}",
    "{reason}: {labels}",
    "{people}: {reason}",
}
DAY: Final = "{day} {month} {year}"
SAME: Final = {
    "de": SAME_EVERYWHERE
    | {"Label", "Person", "Problem", "Server", "Status", "Token"}
    | SENTENCE
    | {"April", "August", "September", "November"},
    "es": SAME_EVERYWHERE | SENTENCE | {"Error", "Rating key", "Token", "webhook"},
    "fr": SAME_EVERYWHERE
    | {"Options", "Protection", "Rating key", "Type", "webhook", DAY}
    | {"{count} minute", "{count} minutes"},
    "nl": SAME_EVERYWHERE
    | SENTENCE
    | {"Label", "Rating key", "Server", "Status", "Token", "webhook"}
    | {DAY, "Labels per week", "item {rating_key}", "{count} label", "{count} labels", "{count}%"},
}

CODE: Final = re.compile(r"`[^`]+`")
LINK: Final = re.compile(r"\[[^\]]+\]\(([^)]+)\)")
BOLD: Final = re.compile(r"\*\*[^*]+\*\*")
ITALIC: Final = re.compile(r"(?<!\*)\*[^*]+\*(?!\*)")
QUOTED: Final = re.compile(r"""\*([^*]+)\*|["“]([^"”]+)["”]""")


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Return one language after the other."""
    return str(request.param)


@pytest.fixture
def texts(language: str) -> Texts:
    """Return the texts in that language."""
    return dict(leaves(read_json(f"translations/{language}.json")))


def test_languages_are_those_that_are_tested() -> None:
    files = {path.stem for path in (COMPONENT / "translations").iterdir()}
    assert files == {"en", *LANGUAGES}


def test_texts_are_those_that_there_are_in_english(texts: Texts) -> None:
    assert list(texts) == list(ENGLISH)


def test_translations_were_checked_against_the_english_texts_of_today() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "_translation_digests.py"))
    current: dict[str, str] = script["digests"](TEXTS)
    checked: dict[str, str] = json.loads(script["DIGESTS"].read_text(encoding="utf-8"))
    stale = sorted({key for key, _ in checked.items() ^ current.items()})
    assert not stale, (
        f"English texts were changed, added or removed: {', '.join(stale)}. Check them in every other "
        "language, then run scripts/_translation_digests.py."
    )


def test_text_is_there_and_sound(texts: Texts) -> None:
    assert not {path: text for path, text in texts.items() if not text or UNSOUND.search(text)}


def test_same_things_are_filled_in(texts: Texts) -> None:
    filled_in = {path: placeholders(text) for path, text in texts.items()}
    assert filled_in == {path: placeholders(text) for path, text in ENGLISH.items()}


def test_markdown_is_the_same(texts: Texts) -> None:
    assert {path: markdown(text) for path, text in texts.items()} == {
        path: markdown(text) for path, text in ENGLISH.items()
    }


def markdown(text: str) -> tuple[Counter[str], list[str], int, int, int]:
    """Return code and links, and how many words in bold, in italics and paragraphs there are."""
    return (
        Counter(CODE.findall(text)),
        LINK.findall(text),
        len(BOLD.findall(text)),
        len(ITALIC.findall(text)),
        text.count("\n\n"),
    )


def test_text_is_translated_or_known_to_be_the_same(language: str, texts: Texts) -> None:
    assert {text for path, text in texts.items() if text == ENGLISH[path]} == SAME[language]


def test_text_that_names_a_field_or_an_answer_calls_it_what_it_is_called(texts: Texts) -> None:
    named = [(path, name) for path in ENGLISH for name in names_in(path)]
    assert named
    assert not [(path, texts[name]) for path, name in named if texts[name] not in texts[path]]


def names_in(path: Path) -> list[Path]:
    """Return which other texts an English text quotes: the name of an option, an answer."""
    quoted = {"".join(groups) for groups in QUOTED.findall(ENGLISH[path])}
    return [other for other, text in ENGLISH.items() if text in quoted and other != path]


async def test_home_assistant_takes_every_text(
    hass: HomeAssistant, language: str, texts: Texts, caplog: pytest.LogCaptureFixture
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})

    for category in TEXTS:
        taken = await async_get_translations(hass, language, category, [DOMAIN])
        given = {
            ".".join(("component", DOMAIN, *path)): text
            for path, text in texts.items()
            if path[0] == category
        }
        assert given
        assert taken == given

    assert not [
        record
        for record in caplog.records
        if record.name == translation.__name__ and record.levelno > DEBUG
    ]


async def test_home_assistant_is_answered_in_its_language(
    ha_env: HaEnv, language: str, texts: Texts
) -> None:
    hass = ha_env.hass
    await hass.config.async_update(language=language)
    events = async_capture_events(hass, EVENT_ACTIVITY)
    await ha_env.set_up()

    device = texts["device", "labels", "name"].format(server=ha_env.plex.state.name)
    assert (
        ha_env.entity("last_sync").name
        == f"{device} {texts['entity', 'sensor', 'last_sync', 'name']}"
    )
    added = ha_env.state("labels_added")
    sentence = texts["common", "with_who"].format(
        sentence=texts["common", "with_counts"].format(
            sentence=texts["common", "sync_finished"],
            counts=texts["common", "count_added"].format(count=added),
        ),
        who=texts["common", "by_start_up"],
    )
    assert described(hass, events[0]) == f"{ha_env.plex.state.name} {sentence}"
