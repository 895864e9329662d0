"""Takes pictures of the running demo's pages, for the eyes and for the README: python -m harness.screenshots."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
import sys
from typing import TYPE_CHECKING, Final

from playwright.async_api import (  # type: ignore[import-not-found]  # only in .venv, and only when wanted
    Browser,
    BrowserContext,
    Error,
    Page,
    async_playwright,
)

from harness.checkout import ARTIFACTS, DEMO, ROOT
from harness.demo_start import OWNER
from harness.demo_state import DemoError, DemoState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

CHROMIUM: Final = ROOT / ".tools" / "chromium"
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
WIDE: Final = (1440, 1100)  # pixels
SETTLE_MS: Final = 2500  # until cards have drawn themselves
PATIENCE_MS: Final = 60_000


class Album:
    """Pictures of one signed-in visit."""

    def __init__(self, page: Page, state: DemoState, folder: Path) -> None:
        self.page = page
        self.state = state
        self.folder = folder
        self.complaints: list[str] = []  # what the web interface wrote to its console as errors

    async def take(self, name: str) -> None:
        """Save what is to be seen as NAME.png."""
        await self.page.wait_for_timeout(SETTLE_MS)
        await self.page.screenshot(path=self.folder / f"{name}.png")
        print(f"{self.folder / name}.png", flush=True)

    async def visit(self, path: str) -> None:
        """Open a page of Home Assistant."""
        await self.page.goto(f"{self.state.home_url}{path}")
        await self.page.wait_for_selector("home-assistant-main", state="attached")
        await self.page.wait_for_timeout(SETTLE_MS)

    async def sign_in(self) -> None:
        """Sign in as the demo's owner; the start page is what comes up."""
        await self.page.goto(self.state.home_url)
        await self.page.locator("input[name=username]").fill(OWNER.username)
        await self.page.locator("input[name=password]").fill(OWNER.password)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_selector("home-assistant-main", state="attached")

    async def dashboard(self) -> None:
        """The start page."""
        await self.page.get_by_text("Plex and Pulsarr are simulated").wait_for()
        await self.take("dashboard")

    async def integration(self) -> None:
        """The integration's page, its device, and the entry's options."""
        await self.visit("/config/integrations/integration/plex_label_sync")
        await self.take("integration")

    async def device(self) -> None:
        """The device with all entities."""
        await self.visit("/config/integrations/integration/plex_label_sync")
        await self.page.get_by_text("1 service", exact=False).first.click()
        await self.take("device")

    async def options(self) -> None:
        """The options form."""
        await self.visit("/config/integrations/integration/plex_label_sync")
        await self.page.get_by_label("Configure").first.click()
        await self.page.get_by_text("Live updates").wait_for()
        await self.take("options")

    async def config_flow(self) -> None:
        """The first steps of the config flow."""
        await self.visit("/config/integrations/dashboard/add?domain=plex_label_sync")
        ok = self.page.get_by_role("button", name="OK", exact=True)
        if await ok.count():
            await ok.first.click()
        await self.page.get_by_text("Enter address and token").first.wait_for()
        await self.take("flow-menu")
        await self.page.get_by_text("Enter address and token").first.click()
        await self.page.get_by_text("Verify the certificate").first.wait_for()
        await self.take("flow-plex")

    async def activity(self) -> None:
        """What the logbook tells of the integration."""
        await self.visit("/logbook")
        await self.take("logbook")

    async def actions(self) -> None:
        """An action in the developer tools, and its answer."""
        await self.visit("/developer-tools/action")
        await self.page.get_by_text("Action", exact=True).last.click()
        await self.page.wait_for_timeout(SETTLE_MS)
        await self.page.keyboard.type("sync all")
        await self.page.get_by_text("plex_label_sync.sync_all").first.click()
        await self.take("action")
        await self.page.get_by_role("button", name="Perform action").click()
        await self.page.wait_for_timeout(SETTLE_MS)
        await self.take("action-answer")


async def take_all(state: DemoState, folder: Path, only: Sequence[str]) -> list[str]:
    """Take the pictures, all or only some; returns what went wrong, one line each."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # before anything runs
    problems: list[str] = []
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS], headless=True
        )
        context: BrowserContext = await browser.new_context(
            viewport={"width": WIDE[0], "height": WIDE[1]}, locale="en-GB"
        )
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        album = Album(page, state, folder)
        page.on(
            "console",
            lambda message: (
                album.complaints.append(message.text) if message.type == "error" else None
            ),
        )
        await album.sign_in()
        pictures: dict[str, Callable[[], Awaitable[None]]] = {
            "dashboard": album.dashboard,
            "integration": album.integration,
            "device": album.device,
            "options": album.options,
            "config_flow": album.config_flow,
            "activity": album.activity,
            "actions": album.actions,
        }
        for name, take in pictures.items():
            if only and name not in only:
                continue
            try:
                await take()
            except Error as err:
                await page.screenshot(path=folder / f"failed-{name}.png")
                problems.append(f"{name}: {str(err).splitlines()[0]}")
        problems += [f"console: {text}" for text in dict.fromkeys(album.complaints)]
        await browser.close()
    return problems


def main() -> int:
    """Take pictures of the demo that runs; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m harness.screenshots", description=__doc__)
    parser.add_argument("only", nargs="*", help="names of pictures; all by default")
    parser.add_argument("--folder", type=Path, default=DEMO, help="of the running demo")
    parser.add_argument("--to", type=Path, default=ARTIFACTS / "screenshots")
    given = parser.parse_args()
    try:
        problems = asyncio.run(
            take_all(DemoState.load(given.folder.resolve()), given.to.resolve(), given.only)
        )
    except DemoError as err:
        print(f"Error: {err}", file=sys.stderr)
        return 1
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
