"""The environment of the end-to-end tests: its processes, and the truth that its servers know."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
import json
import os
import re
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from plexapi.server import PlexServer

from harness import integration
from harness.integration import Integration
from harness.onboarding import Owner
from harness.simulators import Simulators
from harness.waiting import eventually
from simulators.world import World, make_world

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import aiohttp

    from harness.client import HomeAssistantClient
    from harness.home_assistant import HomeAssistant
    from simulators.catalog import CatalogTitle

type Json = dict[str, Any]

OWNER: Final = Owner("Tester", "tester", "password-of-the-tester")
FILMS, SHOWS, PEOPLE = 300, 80, 6
RECORD: Final = re.compile(r"^\d{4}-\d\d-\d\d \S+ (?P<level>[A-Z]+) \(\S+\) \[(?P<logger>[^\]]+)\]")
INTEGRATION: Final = "custom_components.plex_label_sync"
OUR_FOLDER: Final = "custom_components/plex_label_sync"


def fold(labels: Iterable[str]) -> list[str]:
    """Return labels folded and sorted; duplicates stay."""
    return sorted(label.casefold() for label in labels)


@dataclass(slots=True)
class Home:
    """A Home Assistant process and a signed-in user."""

    process: HomeAssistant
    client: HomeAssistantClient
    plex_tv_port: int | None = None
    """Port of the simulated plex.tv."""

    def records(self) -> list[tuple[str, str, str]]:
        """Return all log records: level, logger and text, tracebacks included."""
        records: list[tuple[str, str, str]] = []
        for file in self.process.logs:
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                if start := RECORD.match(line):
                    records.append((start["level"], start["logger"], line))
                elif records:
                    level, logger, text = records[-1]
                    records[-1] = (level, logger, f"{text}\n{line}")
        return records


@dataclass(slots=True)
class E2eEnv:
    """Home Assistant, Plex and Pulsarr, with the integration set up."""

    home: Home
    servers: Simulators
    entry: Integration
    world: World
    """Both servers' initial states."""
    secrets: set[str] = field(repr=False)

    @classmethod
    async def set_up(cls, home: Home, servers: Simulators) -> Self:
        """Complete the config flow and wait until the first full sync has finished."""
        env = await cls.begin(home, servers)
        await env.entry.until_synced()
        return env

    @classmethod
    async def begin(cls, home: Home, servers: Simulators) -> Self:
        """Complete the config flow; the first full sync has then started."""
        entry_id = await integration.set_up(home.client, servers.connections)
        secrets = {
            OWNER.password,
            home.client.token,
            servers.connections.plex_token,
            servers.connections.pulsarr_key,
        }
        entry = Integration(home.client, entry_id)
        world = make_world(1, FILMS, SHOWS, PEOPLE)
        env = cls(home, servers, entry, world, secrets)
        # Home Assistant writes entries one second later.
        await eventually(env._learn_webhook, "the entry is on disk")
        return env

    async def _learn_webhook(self) -> bool:
        data = entry_data(self.home.process.folder, self.entry.entry_id)
        if data is None:
            return False
        self.secrets |= {data["webhook_id"], data["webhook_secret"]}
        return True

    @property
    def webhook_url(self) -> str:
        """Return the address to which Pulsarr sends its events."""
        data = entry_data(self.home.process.folder, self.entry.entry_id)
        assert data is not None
        return f"{self.home.process.url}/api/webhook/{data['webhook_id']}"

    # Titles

    def title(self, name: str) -> CatalogTitle:
        """Return a title by its name."""
        return next(title for title in self.world.catalog if title.title == name)

    def wanted_by(self, title: CatalogTitle) -> set[str]:
        """Return the folded names of the people whose label a title gets, in the initial state."""
        users = {user.id: user for user in self.world.pulsarr.users()}
        return {
            users[entry.user_id].name.casefold()
            for entry in self.world.pulsarr.entries()
            if entry.catalog_key == title.key and users[entry.user_id].can_sync
        }

    def missing(self, kind: str = "movie") -> list[CatalogTitle]:
        """Return titles that labeled people want and that were not in Plex initially."""
        return [
            title for title in self.world.missing() if title.type == kind and self.wanted_by(title)
        ]

    def spare(self, number: int = 0) -> CatalogTitle:
        """Return a film in Plex that is unwanted and unlabeled."""
        wanted = {entry.catalog_key for entry in self.world.pulsarr.entries()}
        free = [
            title
            for title in self.world.catalog
            if title.type == "movie" and title.key not in wanted
            if (items := self.world.plex.items_of(title)) and not any(one.labels for one in items)
        ]
        return free[number]

    # Labels

    async def items(self, title: CatalogTitle) -> list[Json]:
        """Return a title's items with their labels, as the simulated Plex has them."""
        items: list[Json] = (await self.servers.plex.get("labels", title=title.key))["items"]
        return items

    async def labels(self, title: CatalogTitle) -> list[list[str]]:
        """Return the folded labels of every item of a title."""
        return [fold(item["labels"]) for item in await self.items(title)]

    async def all_items(self) -> dict[str, list[Json]]:
        """Return the items of every title, by the title's key, as the simulated Plex has them."""
        titles: dict[str, list[Json]] = (await self.servers.plex.get("labels/all"))["titles"]
        return titles

    async def all_labels(self) -> dict[str, list[str]]:
        """Return the folded labels of every item, by rating key, as the simulated Plex has them."""
        titles = await self.all_items()
        return {
            item["rating_key"]: fold(item["labels"]) for items in titles.values() for item in items
        }

    async def expected_labels(self) -> dict[str, list[str]]:
        """Return every item's expected labels: initial ones, plus one per person who wants it."""
        titles = await self.all_items()
        return {
            item["rating_key"]: self._expected(item, title)
            for title in self.world.catalog
            for item in titles[title.key]
        }

    def _expected(self, item: Json, title: CatalogTitle) -> list[str]:
        before = self.world.plex.items.get(item["rating_key"])
        labels = set(fold(before.labels)) if before is not None else set()
        if self._can_be_found(item, title):
            labels |= self.wanted_by(title)
        return sorted(labels)

    def _can_be_found(self, item: Json, title: CatalogTitle) -> bool:
        """Return whether Pulsarr's title and Plex's item have an id in common."""
        entries = [
            entry for entry in self.world.pulsarr.entries() if entry.catalog_key == title.key
        ]
        guid: str = item["guid"]
        if guid.startswith("plex://"):
            return any(entry.key or entry.guids for entry in entries)
        legacy = guid.startswith("com.plexapp.agents.") and "anidb" not in guid
        return legacy and "none://" not in guid and any(entry.guids for entry in entries)

    async def labels_by_plexapi(self) -> dict[str, list[str]]:
        """Return the folded labels of labeled items, by rating key, read by python-plexapi."""
        connections = self.servers.connections
        return await asyncio.to_thread(
            _read_by_plexapi, connections.plex_url, connections.plex_token
        )

    async def until_labelled(self, title: CatalogTitle, *names: str, within: float = 30.0) -> None:
        """Wait until every item of a title has exactly these labels. Raises WaitedTooLongError."""

        async def labelled() -> bool:
            labels = await self.labels(title)
            return bool(labels) and all(one == fold(names) for one in labels)

        await eventually(labelled, f"{title.title} has the labels {names}", within=within)

    # Invariants

    async def violations(self) -> list[str]:
        """Return the requests to Plex that clients must never send."""
        violations: list[str] = (await self.servers.plex.get("violations"))["violations"]
        return violations

    def complaints(self) -> list[str]:
        """Return forbidden log lines: any secrets, and the integration's errors and tracebacks."""
        records = self.home.records()
        own = [record for record in records if record[1].startswith(INTEGRATION)]
        if not any(level == "DEBUG" for level, _, _ in own):
            return ["the integration has logged no debug message, so there is nothing to search"]
        errors = [
            text
            for level, logger, text in records
            if (logger.startswith(INTEGRATION) and level in ("ERROR", "CRITICAL"))
            or ("Traceback" in text and OUR_FOLDER in text and not _is_wanted_error(text))
        ]
        forms = {form for secret in self.secrets for form in (secret, quote(secret, safe=""))}
        files = [*self.home.process.logs, self.home.process.folder / "output.log"]
        files.append(self.servers.child.output)
        leaks = [
            f"a secret stands in {file.name}: {_hidden(line, forms)}"
            for file in files
            for line in _lines_with(file.read_text(encoding="utf-8", errors="replace"), forms)
        ]
        return errors + leaks


def _is_wanted_error(text: str) -> bool:
    """Return whether a traceback ends in a user-facing error, which some releases log."""
    return text.splitlines()[-1].startswith("homeassistant.exceptions.")


def _lines_with(text: str, secrets: Iterable[str]) -> list[str]:
    """Return the lines of a long text that contain one of some secrets, as a rule none."""
    found = [secret for secret in secrets if secret in text]
    return [line for line in text.splitlines() if any(one in line for one in found)]


def _hidden(line: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        line = line.replace(secret, "***")
    return line


def entry_data(folder: Path, entry_id: str) -> Json | None:
    """Return a config entry's data as stored on disk; None if it is not there yet."""
    file = folder / ".storage" / "core.config_entries"
    if not file.exists():
        return None
    entries = json.loads(file.read_text(encoding="utf-8"))["data"]["entries"]
    return next((entry["data"] for entry in entries if entry["entry_id"] == entry_id), None)


async def start_servers(
    session: aiohttp.ClientSession,
    folder: Path,
    *,
    plex_tv_port: int | None = None,
    sharing: bool = False,
    seed: int = 1,
) -> Simulators:
    """Start a simulated Plex and Pulsarr with the world of these tests.

    With `sharing`, plex.tv knows its people. With another `seed` it is another server than the
    shared one.
    """
    options = [
        *("--movies", str(FILMS), "--shows", str(SHOWS), "--people", str(PEOPLE)),
        *("--plex-after", "1", "--match-after", "1"),
        *(("--sharing",) if sharing else ()),
        *("--seed", str(seed)),
    ]
    return await Simulators.start(
        session, folder, options, pid=os.getpid(), plex_tv_port=plex_tv_port
    )


def _read_by_plexapi(url: str, token: str) -> dict[str, list[str]]:
    """Read labels per library and label, as plexapi's users do."""
    labels: dict[str, list[str]] = {}
    server: Any = PlexServer  # plexapi has no types
    for section in server(url, token).library.sections():
        if section.type in ("movie", "show"):
            for choice in section.listFilterChoices("label"):
                for item in section.search(filters={"label": choice.key}):
                    labels.setdefault(str(item.ratingKey), []).append(choice.title)
    return {key: fold(found) for key, found in labels.items()}
