"""Rehearses a release without internet: python -m harness.rehearsal [ZIP].

Builds the release's zip (or takes an existing one), installs it into a bare Home Assistant as HACS
and the Marketplace do, sets it up against simulated servers, waits for the first labels, and
removes it again.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any, Final
import zipfile

import aiohttp
from awesomeversion import AwesomeVersion

from harness import integration
from harness.checkout import ROOT
from harness.children import free_port
from harness.client import AnswerError, HomeAssistantClient
from harness.home_assistant import HomeAssistant, NotStartedError
from harness.onboarding import Owner, onboard
from harness.simulators import ControlError, Simulators, SimulatorsError
from harness.waiting import WaitedTooLongError, eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

OWNER: Final = Owner("Rehearsal", "rehearsal", "password-of-the-rehearsal")
WORLD: Final = ("--movies", "60", "--shows", "20", "--people", "3", "--server-name", "My Plex")


class RehearsalError(Exception):
    """The release cannot be installed or used; the text gives the reason."""


_FAILURES: Final = (
    AnswerError,
    ControlError,
    NotStartedError,
    RehearsalError,
    SimulatorsError,
    WaitedTooLongError,
    aiohttp.ClientError,
    integration.FlowError,
)


def read_hacs_json() -> dict[str, Any]:
    """Return the installer's metadata."""
    hacs: dict[str, Any] = json.loads((ROOT / "hacs.json").read_text(encoding="utf-8"))
    return hacs


def make_zip(folder: Path) -> Path:
    """Build the zip under the name that the installer expects. Raises RehearsalError."""
    target = folder / str(read_hacs_json()["filename"])
    made = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "_zip.py"), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise RehearsalError(f"the zip could not be made: {made.stdout}{made.stderr}")
    return target


def install(archive: Path, config: Path, running: str) -> dict[str, Any]:
    """Unpack a release into a configuration folder, and return its manifest. Raises RehearsalError.

    The checks are those of HACS and the Marketplace.
    """
    hacs = read_hacs_json()
    if not hacs.get("zip_release") or archive.name != hacs.get("filename"):
        raise RehearsalError(f"hacs.json does not announce {archive.name}")
    if AwesomeVersion(running) < hacs["homeassistant"]:
        raise RehearsalError(f"Home Assistant {running} is older than {hacs['homeassistant']}")
    with zipfile.ZipFile(archive) as content:
        if damaged := content.testzip():
            raise RehearsalError(f"{damaged} is damaged in {archive.name}")
        try:
            manifest: dict[str, Any] = json.loads(content.read("manifest.json"))
        except KeyError as err:
            raise RehearsalError("the zip has no manifest.json at its root") from err
        target = config / "custom_components" / str(manifest["domain"])
        content.extractall(target)
    if not AwesomeVersion(manifest["version"]).valid:
        raise RehearsalError(f"{manifest['version']} is not a version")
    return manifest


@dataclass(slots=True)
class Rehearsal:
    """A rehearsal in one Home Assistant, which is bare at the start and at the end."""

    folder: Path
    session: aiohttp.ClientSession
    home: HomeAssistant
    servers: Simulators
    began: float

    def say(self, text: str) -> None:
        """Print a line of progress with the time since the start."""
        print(f"{time.monotonic() - self.began:5.0f} s  {text}", flush=True)

    async def run(self, archive: Path) -> None:
        """Run all steps. Raises one of the failures."""
        self.home.prepare()
        await self.home.start(self.session)
        client = await onboard(self.session, self.home, OWNER)
        self.say(f"A bare Home Assistant {self.home.version} is up.")
        if await self._is_offered(client):
            raise RehearsalError("the integration was there before it was installed")
        await client.close()
        manifest = install(archive, self.home.folder, self.home.version)
        self.say(f"{archive.name} is installed: {manifest['name']} {manifest['version']}.")
        await self.home.stop()
        await self.home.start(self.session)
        client = HomeAssistantClient(self.session, self.home.url, client.token)
        await self.home.until_running(self.session, client.token)
        self.say("Home Assistant has restarted.")
        try:
            await self._use(client)
        finally:
            await client.close()

    async def _use(self, client: HomeAssistantClient) -> None:
        if not await self._is_offered(client):
            raise RehearsalError("the integration is not offered under Add integration")
        entry_id = await integration.set_up(client, self.servers.connections)
        await integration.until_loaded(client, entry_id)
        self.say("Set up through the config flow.")
        entry = integration.Integration(client, entry_id)
        await entry.until_synced()
        state = await self.servers.plex.get("state")
        if not state["labels"]:
            raise RehearsalError("the first sync left no labels in Plex")
        self.say(f"First sync: {sum(state['labels'].values())} labels in Plex.")
        await eventually(self._has_webhook, "the webhook is registered", within=60)
        await integration.remove(client, entry_id)
        if await self._has_webhook():
            raise RehearsalError("the webhook is still registered in Pulsarr")
        self.say("Removed; its webhook in Pulsarr is gone.")
        self._check_log()

    @staticmethod
    async def _is_offered(client: HomeAssistantClient) -> bool:
        """Return whether the dialog "Add integration" lists it, with a config flow."""
        described: dict[str, Any] = await client.command("integration/descriptions")
        found = described["custom"]["integration"].get(integration.DOMAIN)
        return bool(found and found["config_flow"])

    async def _has_webhook(self) -> bool:
        return bool((await self.servers.pulsarr.get("state"))["endpoints"])

    def _check_log(self) -> None:
        """Raise RehearsalError for log errors of the integration, or about it."""
        text = "".join(log.read_text(encoding="utf-8", errors="replace") for log in self.home.logs)
        errors = [
            line for line in text.splitlines() if " ERROR " in line and integration.DOMAIN in line
        ]
        if errors:
            raise RehearsalError("Home Assistant logged: " + errors[0])


async def rehearse(archive: Path | None) -> None:
    """Rehearse a release. Raises one of the failures."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as name:
        folder = Path(name)
        archive = archive or make_zip(folder)
        home = HomeAssistant(folder / "config", free_port(), bare=True)
        async with aiohttp.ClientSession() as session:
            servers = await Simulators.start(session, folder, WORLD, pid=os.getpid())
            try:
                await Rehearsal(folder, session, home, servers, began).run(archive)
            finally:
                await home.stop()
                await servers.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Rehearse; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/rehearse", description=__doc__)
    parser.add_argument("zip", nargs="?", type=Path, help="the zip; without it, it is made")
    try:
        asyncio.run(rehearse(parser.parse_args(arguments).zip))
    except _FAILURES as err:
        print(f"The release does not work: {err}", file=sys.stderr)
        return 1
    print("The release can be installed, set up and removed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
