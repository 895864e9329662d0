"""Takes screenshots of a demo's pages for review and for the README: python -m harness.screenshots.

Every page is taken in every language, light and dark, on a desktop and on a phone, into
.artifacts/screenshots. The README's pictures are made from some of these and written to
docs/images.
"""

from __future__ import annotations

import argparse
import asyncio
from functools import partial
from pathlib import Path
import sys
from typing import TYPE_CHECKING, Final

import aiohttp
from PIL import Image
from playwright.async_api import (  # type: ignore[import-not-found]  # optional, only in .venv
    Error,
)

from harness import dashboard, integration
from harness.browser import Appearance, Visitor, open_browser
from harness.checkout import ARTIFACTS, IMAGES
from harness.children import free_port
from harness.demo_start import Demo
from harness.demo_state import own
from harness.home_assistant import HomeAssistant
from harness.integration import DOMAIN, Connections, Integration
from harness.pages import SHARING_WRONG, Pages
from harness.plex_view import titles_in_plex
from harness.texts import Texts, flaws, languages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

SETTLE_MS: Final = 1500  # until cards are drawn
WHEN_HELD: Final = {"removed_label_mode": "remove", "max_removals": 1}
"""Options with which removing a few people requires approval."""
GONE: Final = 2
MORE_WISHES: Final = 10  # per person, so that those who stay keep more than half of all
WHOLE: Final = 4  # window heights, to show all of a long form
LIVE_TITLES: Final = 2  # imported while the demo runs, for the logbook
ARRIVAL_SECONDS: Final = 6

IN_README: Final[Mapping[str, tuple[str, tuple[int, int, int, int]]]] = {
    "dashboard": ("dashboard-en-light-desktop", (258, 58, 1440, 800)),
    "preview": ("flow-libraries-en-light-desktop", (412, 195, 1028, 895)),
    "question": ("question-en-light-desktop", (412, 285, 1028, 800)),
    "logbook": ("logbook-en-light-desktop", (596, 112, 1440, 800)),
    "phone": ("dashboard-en-dark-phone", (0, 0, 824, 1830)),
}
"""The README's pictures by name: source picture, and left, top, right and bottom in its pixels."""
PHONE_WIDTH: Final = 412  # pixels, half of the original
COLORS: Final = 96


class Album:
    """The screenshots of one look, as one user sees the pages."""

    def __init__(
        self,
        visitor: Visitor,
        folder: Path,
        only: Sequence[str],
        entry: Integration,
        second: Connections,
    ) -> None:
        self.visitor = visitor
        self.folder = folder
        self.only = only
        self.entry = entry
        self.second = second
        self.pages = Pages(visitor, Texts(visitor.appearance.language))
        self.problems: list[str] = []

    async def all(self) -> None:
        """Take all pages in the normal state."""
        await self.take("dashboard", self.dashboard)
        await self.take("integration", self.pages.page)
        await self.take("device", lambda: self.pages.device(self.entry))
        await self.take("options", self.pages.options)
        await self.visitor.lengthen(WHOLE * self.visitor.appearance.size[1])
        await self.take("options-sections", self.pages.open_sections)
        await self.visitor.lengthen(self.visitor.appearance.size[1])
        await self.pages.close_dialog()
        await self.take("reconfigure", self.pages.reconfigure)
        await self.take("reconfigure-pulsarr", self.pages.reconfigure_pulsarr)
        await self.visitor.page.goto(self.visitor.url)
        for name in self.pages.texts["services"]:
            await self.take(f"action-{name}", partial(self.pages.action, name))
        await self.take("sharing", self.pages.who_can_see_what)
        await self.visitor.page.goto(self.visitor.url)  # this form would not close
        await self.take("sharing-repair", lambda: self.pages.repair(SHARING_WRONG))
        await self.pages.close_dialog()
        await self.take("logbook", lambda: self.pages.logbook(self.entry))
        await self.take("flow-menu", self.pages.menu)
        await self.take("flow-plex", self.pages.plex_form)
        await self.take("flow-pulsarr", lambda: self.pages.pulsarr_form(self.second))
        await self.take("flow-libraries", lambda: self.pages.libraries_form(self.second))
        await self.take("flow-review", self.pages.review_form)
        await self.visitor.page.goto(self.visitor.url)  # nor would this one

    async def held(self) -> None:
        """Take the pages while a sync waits for approval."""
        await self.take("dashboard-held", self.dashboard)
        await self.take("repairs", self.pages.repairs)
        await self.take("question", self.pages.question)

    async def speak(self) -> None:
        """Set Home Assistant's language to that of this look, as it creates some texts itself."""
        language = self.visitor.appearance.language
        await self.entry.client.command("config/core/update", language=language)

    async def dashboard(self) -> None:
        """Install the integration's dashboard in this look's language."""
        made = await dashboard.made(self.entry, self.visitor.appearance.language)
        await dashboard.save(self.entry.client, made)
        await self.pages.dashboard()

    async def take(self, name: str, way: Callable[[], Awaitable[None]]) -> None:
        """Go to a page and save a screenshot, or report what is wrong with it."""
        picture = f"{name}-{self.visitor.appearance}"
        if self.only and not any(name.startswith(one.partition("-")[0]) for one in self.only):
            return
        try:
            await way()
            await self.visitor.page.wait_for_timeout(SETTLE_MS)
            self.problems += [
                f"{picture}: reads {one}" for one in flaws(await self.visitor.words())
            ]
            if pixels := await self.visitor.overflow():
                self.problems.append(f"{picture}: {pixels} pixels wider than the window")
            self.problems += [
                f"{picture}: cuts off {text}"
                for text in dict.fromkeys(await self.visitor.cut_off())
                if self.pages.texts.has(text)
            ]
        except (Error, LookupError) as err:
            self.problems.append(f"{picture}: {str(err).splitlines()[0]}")
        await self.visitor.picture(self.folder / f"{picture}.png")


async def take_all(folder: Path, looks: Sequence[Appearance], only: Sequence[str]) -> list[str]:
    """Start a demo and take all or some screenshots; return the problems, one line each."""
    with own(folder / "demo"):
        async with aiohttp.ClientSession() as session, open_browser() as browser:
            home = HomeAssistant(folder / "demo" / "config", free_port(), "Demo")
            demo = Demo(folder / "demo", session, home)
            try:
                await demo.start()
                assert demo.second is not None  # noqa: S101  # started above
                assert demo.client is not None  # noqa: S101  # started above
                assert demo.simulators is not None  # noqa: S101
                entry = await the_entry(demo)
                albums = []
                for appearance in looks:
                    visitor = await Visitor.come(browser, home.url, appearance, demo.client.token)
                    albums.append(Album(visitor, folder, only, entry, demo.second.connections))
                await let_things_happen(demo, entry)
                for album in albums:
                    demo.say(f"Taking pictures: {album.visitor.appearance}")
                    await album.speak()
                    await album.all()
                await hold(demo, entry)
                for album in albums:
                    await album.speak()
                    await album.held()
                return [
                    problem
                    for album in albums
                    for problem in [
                        *album.problems,
                        *(
                            f"console, {album.visitor.appearance}: {text}"
                            for text in dict.fromkeys(album.visitor.complaints)
                        ),
                    ]
                ]
            finally:
                await demo.stop()


async def the_entry(demo: Demo) -> Integration:
    """Return the entry that the demo has set up."""
    assert demo.client is not None  # noqa: S101  # started before
    (row,) = await demo.client.command("config_entries/get", domain=DOMAIN)
    return Integration(demo.client, row["entry_id"])


async def let_things_happen(demo: Demo, entry: Integration) -> None:
    """Import files; the last of them is still pending, in addition to the demo's pending title."""
    assert demo.simulators is not None  # noqa: S101  # started before
    await entry.until_state("pending", "1")
    pulsarr = demo.simulators.pulsarr
    *coming, waiting = (await pulsarr.get("missing"))["missing"][: LIVE_TITLES + 1]
    for row in coming:
        await pulsarr.post("import", title=row["title"], plex_after=1, match_after=1)
        await pulsarr.post("announce", title=row["title"], force=True)
    await asyncio.sleep(ARRIVAL_SECONDS)
    await entry.until_state("pending", "1", within=120)
    await pulsarr.post("announce", title=waiting["title"], force=True)
    await entry.until_state("pending", "2")


async def hold(demo: Demo, entry: Integration) -> None:
    """Make a sync ask for approval, by removing people from Pulsarr."""
    assert demo.simulators is not None  # noqa: S101  # started before
    await integration.change_options(entry.client, entry.entry_id, **WHEN_HELD)
    await integration.until_loaded(entry.client, entry.entry_id)
    await entry.until_synced()
    people = (await demo.simulators.pulsarr.get("state"))["people"]
    syncing = [one for one in people if one["can_sync"]]
    state = demo.simulators.connections
    there = await titles_in_plex(demo.session, state.plex_url, state.plex_token)
    for number, one in enumerate(syncing):
        for title in there[number :: len(syncing)][:MORE_WISHES]:
            await demo.simulators.pulsarr.post("wish", person=one["name"], title=title.title)
    await entry.call("sync_all")
    for one in sorted(syncing, key=lambda one: -one["watchlist_count"])[:GONE]:
        await demo.simulators.pulsarr.post("user", person=one["name"], remove=True)
    await entry.call("sync_all")
    await entry.until_state("status", "held")


def write_readme_images(folder: Path) -> None:
    """Create the README's pictures: small, with few colors and without metadata."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, (source, box) in IN_README.items():
        with Image.open(folder / f"{source}.png") as picture:
            image = picture.convert("RGB").crop(box)
        if source.endswith("phone"):
            image.thumbnail((PHONE_WIDTH, image.height))
        few = image.quantize(COLORS, dither=Image.Dither.NONE)
        few.save(IMAGES / f"{name}.png", optimize=True)
        print(f"{IMAGES / name}.png: {(IMAGES / f'{name}.png').stat().st_size // 1024} KiB")


def main() -> int:
    """Take screenshots; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m harness.screenshots", description=__doc__)
    parser.add_argument("only", nargs="*", help="names of pictures; all by default")
    parser.add_argument("--languages", nargs="+", default=languages())
    parser.add_argument("--light-desktop", action="store_true", help="only these looks")
    parser.add_argument("--readme", action="store_true", help="also write the README's pictures")
    parser.add_argument("--to", type=Path, default=ARTIFACTS / "screenshots")
    given = parser.parse_args()
    folder = given.to.resolve()
    looks = [
        Appearance(language, dark, phone)
        for language in given.languages
        for dark in (False, True)
        for phone in (False, True)
        if not given.light_desktop or not (dark or phone)
    ]
    problems = asyncio.run(take_all(folder, looks, given.only))
    if given.readme:
        write_readme_images(folder)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
