"""What the browser tests take for a flaw of a page, and which pieces of a text they look for."""

from __future__ import annotations

import pytest

from harness.texts import Texts, flaws, languages, pieces


@pytest.mark.parametrize(
    "shown",
    [
        "Pending component.plex_label_sync.entity.sensor.pending.name",
        "Options config.step.user.title",
        "The last sync of {name} would have removed labels",
        'Translation error: The intl string context variable "name" was not provided',
        "undefined titles",
        "[object Object]",
        "Waiting: NaN",
    ],
)
def test_texts_that_did_not_come_are_flaws(shown: str) -> None:
    assert flaws(shown)


@pytest.mark.parametrize(
    "shown",
    [
        "You can use {username}, {alias}, {display_name}, {user_id}, {type}.",
        "Address of your server, for example http://192.168.1.10:32400.",
        "My Plex labelled Dune for anna and ben",
        "The Undefinables {2019}",
    ],
)
def test_what_is_meant_to_be_read_is_no_flaw(shown: str) -> None:
    assert flaws(shown) == []


def test_text_is_searched_for_without_placeholders_and_markup() -> None:
    text = "Enter **where** it is. [How to find it]({help})\n\n- `{url}` works for {name}, too."

    assert pieces(text) == ["Enter", "where", "it is.", "How to find it", "works for", ", too."]


@pytest.mark.parametrize("language", languages())
def test_every_language_has_pieces_for_every_step(language: str) -> None:
    texts = Texts(language)

    assert all(texts.pieces(f"config.step.{step}") for step in texts["config.step"])
