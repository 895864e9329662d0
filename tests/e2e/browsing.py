"""Browser fixtures for the tests of Home Assistant's web interface."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pytest_asyncio

from harness.browser import Appearance, Visitor, open_browser
from harness.checkout import ARTIFACTS
from harness.texts import Texts, flaws
from harness.waiting import WaitedTooLongError, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser  # type: ignore[import-not-found]  # only in .venv
    import pytest

    from tests.e2e.e2e_env import Home

WALK: Final = Appearance()
PICTURES: Final = ARTIFACTS / "browser"
READ_SECONDS: Final = 12.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Start a headless browser."""
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(
    browser: Browser, home: Home, request: pytest.FixtureRequest
) -> AsyncIterator[Visitor]:
    """Open a signed-in window; a screenshot of its final state is kept."""
    appearance: Appearance = getattr(request, "param", WALK)
    visitor = await Visitor.come(browser, home.process.url, appearance, home.client.token)
    yield visitor
    await visitor.picture(PICTURES / f"{request.node.name}.png")
    await visitor.leave()
    assert visitor.complaints == []


@pytest_asyncio.fixture(loop_scope="session")
async def texts(visitor: Visitor, home: Home) -> AsyncIterator[Texts]:
    """Set Home Assistant to the visitor's language, and return the texts in it."""
    client = home.client
    await client.command("config/core/update", language=visitor.appearance.language)
    yield Texts(visitor.appearance.language)
    await client.command("config/core/update", language="en")


async def read(visitor: Visitor, *wanted: str) -> str:
    """Wait until all texts are visible, without missing texts; return the text of the page.

    A text that is part of another one must appear once more.
    """
    words = ""
    times = {text: sum(other.count(text) for other in wanted) for text in wanted}

    async def missing() -> list[str]:
        nonlocal words
        words = await visitor.words()
        return [text for text, number in times.items() if words.count(text) < number]

    async def complete() -> bool:
        return not await missing()

    with contextlib.suppress(WaitedTooLongError):
        await eventually(complete, "the page is complete", within=READ_SECONDS, every=0.25)
    assert await missing() == [], f"{visitor.appearance}: cannot be read in: {words}"
    assert flaws(words) == []
    return words
