"""Who can see what, in a browser: the repairs that go by themselves, and the page of the options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from harness.browser import Appearance
from harness.pages import SHARING_OPEN, SHARING_WRONG, Pages
from harness.texts import Texts
from tests.e2e.browsing import PICTURES, browser, read, texts, visitor

if TYPE_CHECKING:
    from harness.browser import Visitor
    from tests.e2e.e2e_env import E2eEnv

__all__ = ["browser", "texts", "visitor"]

pytestmark = pytest.mark.browser

SHARING: Final = True
"""plex.tv knows the people; one of them has a broken rule."""

# Each language and each size of page once; the texts of all pages in more looks are in test_browser.py.
APPEARANCES: Final = [Appearance(), Appearance("de", phone=True)]
PERSON: Final = "tim"
BROKEN: Final = "label=tim|label!=Kids"
MENDED: Final = "label=tim"
STEP: Final = "fix_flow.step.init"
SELECTOR: Final = "selector.sharing"
STEPS: Final = ("account", "labelled", "preset", "preview", "movies", "shows", "wishes")


async def rule(env: E2eEnv, text: str) -> dict[str, Any]:
    """Set somebody's rule at plex.tv; returns what follows from it."""
    await env.servers.plex_tv.post("rule", person=PERSON, rule=text)
    return await env.entry.check_sharing()


async def photograph(visitor: Visitor, request: pytest.FixtureRequest, what: str) -> None:
    """Keep what is to be seen, for the eyes."""
    await visitor.picture(PICTURES / f"{request.node.name}-{what}.png")


def pieces_of(texts: Texts, group: str, *keys: str) -> list[str]:
    """What can be read of texts that are told in the language of the env."""
    return [piece for key in keys for piece in texts.pieces(f"{SELECTOR}_{group}.options.{key}")]


def foreign(words: str, texts: Texts, *groups: str) -> list[str]:
    """English texts that are on a page in another language."""
    english = Texts("en")
    return [
        piece
        for group in groups
        for own in [" ".join(texts.pieces(f"{SELECTOR}_{group}"))]
        for piece in english.pieces(f"{SELECTOR}_{group}")
        if " " in piece and piece not in own and piece in words
    ]


@pytest.mark.parametrize("visitor", APPEARANCES, ids=str, indirect=True)
async def test_repair_about_a_broken_rule_is_reported_and_goes_when_it_is_mended(
    visitor: Visitor, env: E2eEnv, texts: Texts, request: pytest.FixtureRequest
) -> None:
    response = await rule(env, BROKEN)
    assert [one["account"] for one in response["warnings"] if one["severity"] == "error"] == [
        PERSON
    ]
    pages = Pages(visitor, texts)

    await pages.repairs(SHARING_WRONG)
    await photograph(visitor, request, "list")
    assert await visitor.overflow() == 0
    await pages.repair(SHARING_WRONG)
    words = await read(
        visitor,
        *texts.pieces(f"{SHARING_WRONG}.{STEP}"),
        *pieces_of(texts, "warning", "opens_everything"),
        *pieces_of(texts, "fix", "opens_everything"),
    )
    await photograph(visitor, request, "told")
    assert PERSON in words
    assert foreign(words, texts, "warning", "fix", "page") == []
    assert await visitor.overflow() == 0

    await env.servers.plex_tv.post("rule", person=PERSON, rule=MENDED)
    await visitor.choose(texts[f"{SHARING_WRONG}.{STEP}.menu_options.look_again"])
    await visitor.until_done()
    await photograph(visitor, request, "mended")
    await pages.close_dialog()
    await visitor.until_gone(texts[f"{SHARING_WRONG}.title"])
    assert await env.entry.state("sharing_warnings") == "0"


@pytest.mark.parametrize("visitor", APPEARANCES, ids=str, indirect=True)
async def test_rule_that_vanished_is_reported_with_what_it_was_until_it_is_back(
    visitor: Visitor, env: E2eEnv, texts: Texts, request: pytest.FixtureRequest
) -> None:
    before = await rule(env, MENDED)
    after = await rule(env, "")
    pages = Pages(visitor, texts)

    await pages.repair(SHARING_OPEN)
    words = await read(
        visitor,
        *texts.pieces(f"{SHARING_OPEN}.{STEP}"),
        *(str(titles_seen(one)) for one in (before, after)),
        texts[f"{SELECTOR}_rule.options.carries"].format(values=PERSON),
    )
    await photograph(visitor, request, "told")
    assert foreign(words, texts, "rule") == []
    assert await visitor.overflow() == 0
    await visitor.choose(texts[f"{SHARING_OPEN}.{STEP}.menu_options.look_again"])
    await read(visitor, texts[f"{SHARING_OPEN}.fix_flow.abort.still_so"])
    await photograph(visitor, request, "still-so")
    await pages.close_dialog()

    await rule(env, MENDED)
    await visitor.until_gone(texts[f"{SHARING_OPEN}.title"])


def titles_seen(response: dict[str, Any]) -> int:
    """How many titles somebody sees."""
    (row,) = [one for one in response["people"] if one["account"] == PERSON]
    number: int = row["movies"]["visible"] + row["shows"]["visible"]
    return number


@pytest.mark.parametrize("visitor", APPEARANCES, ids=str, indirect=True)
async def test_options_show_who_can_see_what(
    visitor: Visitor, env: E2eEnv, texts: Texts, request: pytest.FixtureRequest
) -> None:
    response = await rule(env, BROKEN)
    pages = Pages(visitor, texts)

    await pages.who_can_see_what()
    names = [one["person"] or one["account"] for one in response["people"]]
    states = {one["state"] for one in response["people"]}
    assert states >= {"owner", "everything", "restricted", "invited", "preset"}
    words = await read(
        visitor,
        *names,
        *(texts[f"{SELECTOR}_state.options.{state}"] for state in states),
        *pieces_of(texts, "page", "checked", "rule_both", "sees"),
        *pieces_of(texts, "warning", "opens_everything"),
        *pieces_of(texts, "fix", "opens_everything"),
        *pieces_of(texts, "step", *STEPS),
        texts["options.step.sharing.data.no_rule_for"],
        texts["options.step.sharing.data_description.no_rule_for"],
    )
    (way, *_) = pieces_of(texts, "step", "movies")
    assert f"☐ {way} {PERSON}" in words  # not done, whatever the broken rule names
    assert foreign(words, texts, "state", "page", "warning", "fix", "step", "rule") == []
    assert await visitor.overflow() == 0
    await photograph(visitor, request, "top")
    await visitor.lengthen(4 * visitor.appearance.size[1])
    await photograph(visitor, request, "whole")
    await visitor.submit()
    await visitor.until_gone(texts["options.step.sharing.title"])
