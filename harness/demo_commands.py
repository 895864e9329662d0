"""Commands for a running demo, from a second terminal; each prints in plain words what happened."""

from __future__ import annotations

from dataclasses import dataclass
import difflib
import time
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from harness.client import AnswerError, HomeAssistantClient
from harness.demo_follow import Follower, follow_import
from harness.demo_sharing import set_rule
from harness.demo_state import DemoError, DemoState
from harness.demo_texts import listed, second_household
from harness.integration import Integration
from harness.plex_view import titles_in_plex
from harness.simulators import Control, ControlError
from harness.waiting import WaitedTooLongError, eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

type Json = dict[str, Any]

SUGGESTIONS: Final = 5
TITLES_SHOWN: Final = 12
LABEL_SECONDS: Final = 30.0  # maximum duration of a live sync
WISH_SECONDS: Final = 120.0  # until a wish is noticed that Pulsarr does not announce
RECOVERY_SECONDS: Final = 150.0  # the longest retry interval, and a margin
OUTAGE_SECONDS_MAX: Final = 600.0


@dataclass(slots=True)
class Visit:
    """A connection to a running demo."""

    session: aiohttp.ClientSession
    state: DemoState
    client: HomeAssistantClient
    plex: Control
    pulsarr: Control
    plex_tv: Control
    entry: Integration

    @classmethod
    def of(cls, session: aiohttp.ClientSession, state: DemoState) -> Visit:
        """Connect to what the state describes."""
        client = HomeAssistantClient(session, state.home_url, state.home_token)
        return cls(
            session,
            state,
            client,
            Control(session, state.plex_url),
            Control(session, state.pulsarr_url),
            Control(session, state.plex_tv_url),
            Integration(client, state.entry_id),
        )

    # Commands

    async def bring(self, title: str) -> None:
        """Import a file of a title and follow it until it is labeled."""
        name = await self.known(title)
        there = (await self.plex.get("labels", title=name))["items"]
        if there:
            raise DemoError(
                f"“{there[0]['title']}” is in Plex already; scripts/demo titles --missing shows what is not."
            )
        people = (await self.pulsarr.get("state"))["people"]
        await follow_import(Follower(self.plex, self.pulsarr), name, people)

    async def wish(self, person: str, title: str) -> None:
        """Put a title on a watchlist and follow it until it is labeled."""
        name = await self.known(title)
        began = time.monotonic()
        done = await self._found(self.pulsarr.post("wish", person=person, title=name), person)
        who, name = done["person"], done["title"]
        print(f"{who} has put “{name}” on the watchlist.")
        syncs = {one["name"]: one["can_sync"] for one in await self._people()}
        if not syncs[who]:
            print(f"{who}'s sync is off in Pulsarr, so no title gets {who}'s label.")
            return
        if not (await self.plex.get("labels", title=name))["items"]:
            print(f'It is not in Plex yet. Let it come: scripts/demo import "{name}"')
            return

        print(
            "Pulsarr does not announce a wish for a title that is in Plex already: it is noticed within a minute."
        )

        async def labelled() -> bool:
            items = (await self.plex.get("labels", title=name))["items"]
            return all(who.casefold() in _folded(item["labels"]) for item in items)

        await eventually(labelled, f"{who}'s label is on it", within=WISH_SECONDS)
        print(f"After {time.monotonic() - began:.1f} s its label was in Plex:")
        await self.labels(name)

    async def unwish(self, person: str, title: str) -> None:
        """Remove a title from a watchlist."""
        name = await self.known(title)
        done = await self._found(self.pulsarr.post("unwish", person=person, title=name), person)
        if not done["removed"]:
            raise DemoError(f"{done['person']} did not have “{done['title']}” on the watchlist.")
        print(f"{done['person']} has taken “{done['title']}” off the watchlist.")
        print("Its labels stay unless the options say otherwise. In Plex:")
        await self.labels(name)

    async def labels(self, title: str) -> None:
        """Show the labels of a title in Plex."""
        items = (await self.plex.get("labels", title=await self.known(title)))["items"]
        if not items:
            print("It is not in Plex.")
        for item in items:
            edition = f", {item['edition']}" if item["edition"] else ""
            labels = ", ".join(item["labels"]) or "no labels"
            print(f"  {item['title']} ({item['library']}{edition}): {labels}")

    async def outage(self, server: str, seconds: float) -> None:
        """Make a server refuse connections for a while, and show how the integration reacts."""
        if not 0 < seconds <= OUTAGE_SECONDS_MAX:
            raise DemoError(
                f"An outage lasts more than 0 and at most {OUTAGE_SECONDS_MAX:g} seconds."
            )
        name = {"plex": "Plex", "pulsarr": "Pulsarr"}[server]
        control = self.plex if server == "plex" else self.pulsarr
        began = time.monotonic()

        def say(text: str) -> None:
            print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

        async def away() -> bool:
            return not await control.answers()

        async def settled() -> bool:
            return await self.entry.state("status") not in (
                "waiting_for_plex",
                "waiting_for_pulsarr",
            )

        await control.post("outage", seconds=seconds)
        await eventually(away, f"{name} is away", within=5, every=0.02)
        say(f"{name} is away for {seconds:g} s. Import something meanwhile, or press a button.")
        try:
            await self.entry.call("sync_all")  # to notice it at once
        except AnswerError as err:
            say(f"A full sync was asked for and says: {err.text}")
            say(f"Home Assistant shows: {await self.entry.state('status')}")
        await eventually(control.answers, f"{name} is back", within=seconds + LABEL_SECONDS)
        say(f"{name} is back.")
        await eventually(settled, "the next full sync has been done", within=RECOVERY_SECONDS)
        await self.entry.until_state("status", "idle", within=RECOVERY_SECONDS)
        say("The integration has caught up and is idle.")

    async def rule(self, person: str, text: str) -> None:
        """Set a person's rule at plex.tv, and show the integration's result."""
        await set_rule(self.plex_tv, self.entry, person, text)

    async def status(self) -> None:
        """Show the numbers of the dashboard, and what is pending."""
        for key, name in (
            ("status", "Status"),
            ("last_sync", "Last full sync"),
            ("titles_wanted", "Titles on watchlists"),
            ("titles_missing", "Of these not in Plex"),
            ("labelled_items", "Items with our labels"),
            ("labels_added", "Labels added by the last run"),
            ("labels_removed", "Labels removed by it"),
            ("pending", "Waiting for Plex"),
        ):
            print(f"  {name:<29} {await self.entry.state(key)}")
        for row in (await self.entry.call("get_pending"))["pending"]:
            who = f" for {listed(row['people'])}" if row["people"] else ""
            tries = f"{row['tries']} {'try' if row['tries'] == 1 else 'tries'}"
            print(f"    “{row['title']}”{who}: {row['reason'].replace('_', ' ')}, {tries}")
        for name, control in (("Plex", self.plex), ("Pulsarr", self.pulsarr)):
            print(f"  {name:<29} {'answers' if await control.answers() else 'is away'}")
        print(f"  {'Home Assistant':<29} {self.state.home_url}")

    async def second(self) -> None:
        """Print how to set up the second household."""
        print(second_household(self.state.second))

    async def titles(self, *, missing_only: bool) -> None:
        """List the titles that commands accept."""
        wanted = (await self.pulsarr.get("missing"))["missing"]
        missing = await self.plex.get("missing")
        names = {row["title"] for row in wanted}
        print("Wanted and not in Plex yet (import):")
        for row in wanted:
            print(f"  {row['title']} ({row['type']}), wanted by {listed(row['people'])}")
        print("\nWanted by nobody and not in Plex (wish, then import):")
        for row in missing["titles"]:
            if row["title"] not in names:
                print(f"  {row['title']} ({row['type']}, {row['year']})")
        if missing_only:
            return
        print(f"\nIn Plex, for example {TITLES_SHOWN} titles (wish, labels):")
        rows = await titles_in_plex(self.session, self.state.plex_url, self.state.plex_token)
        for title in rows[:: max(1, len(rows) // TITLES_SHOWN)][:TITLES_SHOWN]:
            print(f"  {title.title} ({title.type}, {title.year})")
        print(f"\nPeople: {', '.join(one['name'] for one in await self._people())}")

    # Names

    async def known(self, title: str) -> str:
        """Return the full name of a title of the world. Raises DemoError with suggestions."""
        names = sorted(await self._all_names())
        folded = {name.casefold(): name for name in names}
        text = title.strip().casefold()
        if text in folded:
            return folded[text]
        similar = [name for name in names if text and text in name.casefold()]
        if len(similar) == 1:
            return similar[0]
        if not similar:
            close = difflib.get_close_matches(text, folded, n=SUGGESTIONS, cutoff=0.5)
            similar = [folded[one] for one in close]
            if not similar:
                raise DemoError(
                    f"No title is called “{title}”; scripts/demo titles shows what there is."
                )
        raise DemoError(
            f"No title is called exactly “{title}”. Did you mean "
            + " or ".join(f"“{name}”" for name in similar[:SUGGESTIONS])
            + "?"
        )

    async def _all_names(self) -> set[str]:
        plex = await titles_in_plex(self.session, self.state.plex_url, self.state.plex_token)
        wanted = (await self.pulsarr.get("missing"))["missing"]
        missing = (await self.plex.get("missing"))["titles"]
        return {title.title for title in plex} | _names(wanted) | _names(missing)

    async def _people(self) -> list[Json]:
        people: list[Json] = (await self.pulsarr.get("state"))["people"]
        return people

    async def _found(self, work: Any, person: str) -> Json:  # noqa: ANN401
        try:
            answer: Json = await work
        except ControlError as err:
            names = ", ".join(one["name"] for one in await self._people())
            raise DemoError(f"Nobody is called “{person}”. The people are: {names}.") from err
        return answer


def _names(rows: Iterable[Json]) -> set[str]:
    return {row["title"] for row in rows}


def _folded(labels: Iterable[str]) -> set[str]:
    return {label.casefold() for label in labels}


async def visit(state: DemoState, command: str, arguments: dict[str, Any]) -> None:
    """Run one command. Raises DemoError."""
    async with aiohttp.ClientSession() as session:
        demo = Visit.of(session, state)
        works: dict[str, Callable[..., Awaitable[None]]] = {
            "import": demo.bring,
            "wish": demo.wish,
            "unwish": demo.unwish,
            "labels": demo.labels,
            "outage": demo.outage,
            "rule": demo.rule,
            "status": demo.status,
            "titles": demo.titles,
            "second": demo.second,
        }
        try:
            await works[command](**arguments)
        except WaitedTooLongError as err:
            text = str(err)
            raise DemoError(f"{text[:1].upper()}{text[1:]}.") from err
        except (AnswerError, ControlError) as err:
            raise DemoError(f"{err}.") from err
        except aiohttp.ClientError as err:
            raise DemoError("A server of the demo does not answer; is there an outage?") from err
        finally:
            await demo.client.close()
