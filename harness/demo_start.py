"""Starts the demo: simulated Plex and Pulsarr, a real Home Assistant, and the integration."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
import os
import signal
import time
from typing import TYPE_CHECKING, Final

import aiohttp

from harness import automations, dashboard, demo_texts, integration
from harness.children import is_free
from harness.client import AnswerError, HomeAssistantClient
from harness.demo_state import DemoError, DemoState, own
from harness.home_assistant import HomeAssistant, NotStartedError
from harness.onboarding import Owner, onboard
from harness.plex_view import titles_in_plex
from harness.simulators import ControlError, Simulators, SimulatorsError
from harness.waiting import WaitedTooLongError, eventually

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

OWNER: Final = Owner("Demo", "demo", "plexlabels")
"""For a Home Assistant that only this machine can reach."""

WORLD: Final = (
    *("--movies", "300", "--shows", "80", "--people", "6", "--realistic"),
    *("--server-name", "My Plex"),
    "--sharing",
)
SECOND_WORLD: Final = (
    *("--movies", "60", "--shows", "20", "--people", "5", "--realistic"),
    *("--seed", "7", "--server-name", "Cabin"),
)
"""A household that is not set up, to try the forms."""
OPTIONS: Final = {"pending_retry_interval": 5, "sync_interval": 600}
"""Seconds: short, so that changes show soon."""

RESTART: Final = 100  # Home Assistant's exit code when a restart was requested
SPARE_SHOWN: Final = 1
SECOND_FOLDER: Final = "second"
ARRIVAL_SECONDS: Final = 90.0
"""Maximum time until a live sync has labeled a new file, announced or not."""


@dataclass(slots=True)
class Demo:
    """All processes and connections of a running demo."""

    folder: Path
    session: aiohttp.ClientSession
    home: HomeAssistant
    simulators: Simulators | None = None
    second: Simulators | None = None
    client: HomeAssistantClient | None = None
    began: float = 0.0

    def say(self, text: str) -> None:
        """Print a line of progress with the time since the start."""
        print(f"{time.monotonic() - self.began:5.0f} s  {text}", flush=True)

    async def start(self) -> str:
        """Start everything; return the text to print."""
        self.began = time.monotonic()
        self.simulators = servers = await Simulators.start(
            self.session, self.folder, WORLD, pid=os.getpid()
        )
        (self.folder / SECOND_FOLDER).mkdir()
        self.second = second = await Simulators.start(
            self.session, self.folder / SECOND_FOLDER, SECOND_WORLD, pid=os.getpid()
        )
        world = await servers.pulsarr.get("state")
        self.say(
            f"A simulated Plex and Pulsarr are running: 300 films, 80 shows, "
            f"{len(world['people'])} people with {world['wishes']} wishes."
        )
        self.say(f"Home Assistant {self.home.version} is starting; this takes 10 to 60 seconds …")
        self.home.plex_tv_url = servers.plex_tv.url
        self.home.prepare()
        await self.home.start(self.session)
        self.client = client = await onboard(self.session, self.home, OWNER)
        self.say("Home Assistant is up. Setting up the integration through its config flow …")
        entry_id = await integration.set_up(client, servers.connections)
        entry = integration.Integration(client, entry_id)
        await entry.until_synced()
        self.say(f"The first full sync is done. In Plex now: {await self._labels_in_plex()}.")
        # Changed options reload the entry, which begins with a full sync.
        await integration.change_options(client, entry_id, **OPTIONS)
        await integration.until_loaded(client, entry_id)
        await entry.until_synced()
        await self._check_sharing(entry)
        rows = await self._what_to_try()
        entities = await integration.entity_ids(client, entry_id)
        await automations.install(client, entities, await self._people())
        await self._let_something_happen()
        await self._show_dashboard(entry, rows)
        DemoState(
            home_url=self.home.url,
            home_token=client.token,
            entry_id=entry_id,
            plex_url=servers.plex.url,
            plex_token=servers.connections.plex_token,
            pulsarr_url=servers.pulsarr.url,
            plex_tv_url=servers.plex_tv.url,
            second=second.connections,
        ).save(self.folder)
        return demo_texts.introduction(
            self.home.url,
            OWNER,
            self.home.version,
            rows,
            demo_texts.second_household(second.connections),
        )

    async def _check_sharing(self, entry: integration.Integration) -> None:
        """Check sharing now, which otherwise happens some minutes later."""
        told = await entry.call("check_sharing")
        if told["status"] != "ok":
            raise DemoError(f"The simulated plex.tv was not understood: {told['reason']}.")
        wrong = [one["account"] for one in told["warnings"] if one["severity"] == "error"]
        self.say(f"Who can see what is known. Somebody's rule is broken: {', '.join(wrong)}.")

    async def _labels_in_plex(self) -> str:
        """Return how many items have each person's label in Plex. Raises DemoError."""
        assert self.simulators is not None  # noqa: S101  # started before
        labels = (await self.simulators.plex.get("state"))["labels"]
        carriers = {text.casefold(): number for text, number in labels.items()}
        people = (await self.simulators.pulsarr.get("state"))["people"]
        wanting = [one["name"] for one in people if one["can_sync"] and one["watchlist_count"]]
        without = [name for name in wanting if not carriers.get(name.casefold())]
        if without:
            raise DemoError(f"The first full sync left no label in Plex for {', '.join(without)}.")
        return ", ".join(f"{name} on {carriers[name.casefold()]} items" for name in wanting)

    async def _what_to_try(self) -> list[tuple[str, str]]:
        assert self.simulators is not None  # noqa: S101  # started before
        servers = self.simulators
        missing = (await servers.pulsarr.get("missing"))["missing"]
        rows = await titles_in_plex(self.session, servers.plex.url, servers.connections.plex_token)
        spare: list[str] = []
        for row in rows:
            items = (await servers.plex.get("labels", title=row.title))["items"]
            if not any(item["labels"] for item in items):
                spare.append(row.title)
            if len(spare) == SPARE_SHOWN:
                break
        return demo_texts.what_to_try(missing, spare, await self._people())

    async def _people(self) -> list[str]:
        """Return the people who get labels."""
        assert self.simulators is not None  # noqa: S101  # started before
        people = (await self.simulators.pulsarr.get("state"))["people"]
        return [one["name"] for one in people if one["can_sync"]]

    async def _let_something_happen(self) -> None:
        """Import and label one film, and leave another title pending, to have something to show.

        Raises WaitedTooLongError.
        """
        assert self.simulators is not None  # noqa: S101  # started before
        plex, pulsarr = self.simulators.plex, self.simulators.pulsarr
        wanted = [row["title"] for row in (await pulsarr.get("missing"))["missing"]]
        missing_titles = (await plex.get("missing"))["titles"]
        films = [row["title"] for row in missing_titles if row["type"] == "movie"]
        film = next((title for title in films if title not in wanted), None)
        person = (await self._people())[0]
        if film is not None:
            await pulsarr.post("wish", person=person, title=film)
            await pulsarr.post("import", title=film, plex_after=1, match_after=1)

            async def labelled() -> bool:
                items = (await plex.get("labels", title=film))["items"]
                return bool(items) and all(item["labels"] for item in items)

            await eventually(labelled, f"“{film}” is labelled", within=ARRIVAL_SECONDS)
            self.say(f"“{film}” has just arrived, and {person}'s label is on it.")
        if wanted:  # the first ones are for the user to import
            await pulsarr.post("announce", title=wanted[-1], force=True)

    async def _show_dashboard(
        self, entry: integration.Integration, rows: list[tuple[str, str]]
    ) -> None:
        assert self.client is not None  # noqa: S101  # started before
        page = await dashboard.made(entry)
        demo_texts.fit_dashboard(page, rows)
        await dashboard.install(self.client, page)

    async def until_over(self) -> None:
        """Wait forever. Raises DemoError when a process has ended by itself."""
        assert self.simulators is not None  # noqa: S101  # started before
        assert self.second is not None  # noqa: S101
        while True:
            await asyncio.sleep(0.5)
            if not (self.simulators.child.running and self.second.child.running):
                raise DemoError("The simulators have ended by themselves.")
            if not self.home.child.running:
                if self.home.child.exit_code != RESTART:
                    raise DemoError("Home Assistant has ended by itself.")
                self.say("Home Assistant restarts …")
                await self.home.start(self.session)

    async def stop(self) -> None:
        """Stop everything that was started."""
        if self.client is not None:
            with contextlib.suppress(aiohttp.ClientError):
                await self.client.close()
        await self.home.stop()
        for servers in (self.second, self.simulators):
            if servers is not None:
                await servers.stop()


async def run(folder: Path, port: int, *, wait: bool) -> int:
    """Start the demo and run it until the user ends it; return the exit code.

    With `wait` false it ends as soon as everything has started. Raises DemoError.
    """
    if not is_free(port):
        raise DemoError(
            f"Port {port} is in use already; choose another one, "
            f"for example: scripts/demo --port {port + 1}"
        )
    stop_requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop_requested.set)
    with own(folder):
        async with aiohttp.ClientSession() as session:
            demo = Demo(folder, session, HomeAssistant(folder / "config", port, "Demo"))
            try:
                text = await _unless_stopped(demo.start(), stop_requested)
                if text is not None:
                    print(text, flush=True)
                    if wait:
                        await _unless_stopped(demo.until_over(), stop_requested)
                elif not wait:
                    raise DemoError("Stopped before everything was up.")
            except _FAILURES as err:
                raise DemoError(_sentence(err, folder)) from err
            finally:
                print("\nStopping …", flush=True)
                await demo.stop()
    return 0


_FAILURES: Final = (
    AnswerError,
    ControlError,
    NotStartedError,
    SimulatorsError,
    WaitedTooLongError,
    aiohttp.ClientError,
    integration.FlowError,
)


async def _unless_stopped[T](
    work: Coroutine[None, None, T], stop_requested: asyncio.Event
) -> T | None:
    """Do the work, or cancel it and return None if the event comes first."""
    task = asyncio.create_task(work)
    told = asyncio.create_task(stop_requested.wait())
    try:
        await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for one in (task, told):
            one.cancel()
            with contextlib.suppress(asyncio.CancelledError, *_FAILURES, DemoError):
                await one


def _sentence(err: Exception, folder: Path) -> str:
    text = str(err) or type(err).__name__
    return f"{text[:1].upper()}{text[1:]}. The logs are in {folder}."
