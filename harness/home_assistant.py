"""A real Home Assistant process with the integration installed, on the loopback address."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import version
from importlib.util import find_spec
import json
from pathlib import Path
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from harness.checkout import BLUEPRINTS, INTEGRATION
from harness.children import LOOPBACK, Child, is_free
from harness.waiting import WaitedTooLongError, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

START_SECONDS: Final = 240.0  # it takes a minute on a busy machine
LOG: Final = "home-assistant.log"
DETOUR: Final = Path(__file__).with_name("plex_tv_detour")

COMPONENTS: Final = (
    "config",
    "diagnostics",
    "frontend",
    "history",
    "logbook",
    "lovelace",
    "my",
    "system_health",
    "webhook",
)
"""Components besides Home Assistant's own defaults; none needs internet or devices."""

CONFIGURATION: Final = """\
homeassistant:
  name: {name}
  latitude: 52.37
  longitude: 9.73
  elevation: 55
  unit_system: metric
  time_zone: Europe/Berlin
  currency: EUR
  country: DE
logger:
  default: warning
  logs:
    custom_components.plex_label_sync: {level}
automation: !include automations.yaml
{components}
"""
HTTP: Final = """\
http:
  server_host: {host}
  server_port: {port}
"""


class NotStartedError(Exception):
    """Home Assistant did not start; the text gives the reason in one sentence."""


@dataclass(slots=True)
class HomeAssistant:
    """One configuration folder and its Home Assistant process."""

    folder: Path
    port: int
    name: str = "Home"
    debug: bool = False
    """Whether the integration logs its debug messages."""
    plex_tv_url: str = ""
    """Address of a simulated plex.tv; empty uses the real one."""
    bare: bool = False
    """Whether the integration is to be installed later."""
    _child: Child | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Return the base URL, as in `http://127.0.0.1:8123`."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def version(self) -> str:
        """Return the version of Home Assistant in this environment."""
        return version("homeassistant")

    @property
    def logs(self) -> list[Path]:
        """Return the log files of this start and of the one before."""
        return sorted(self.folder.glob(f"{LOG}*"))

    @property
    def child(self) -> Child:
        """Return the running process. Raises RuntimeError if there is none."""
        if self._child is None:
            raise RuntimeError("Home Assistant was not started")
        return self._child

    def prepare(self) -> None:
        """Write the configuration, with the integration from the checkout unless it is bare."""
        storage = self.folder / ".storage"
        storage.mkdir(parents=True)
        settings = CONFIGURATION.format(
            name=self.name,
            level="debug" if self.debug else "info",
            components="\n".join(f"{name}:" for name in COMPONENTS),
        )
        if _keeps_http_settings():
            # Settings from YAML would be tried for five minutes only, followed by a restart.
            _write(storage, "http", 1, {"server_host": [LOOPBACK], "server_port": self.port})
        else:
            settings += HTTP.format(host=LOOPBACK, port=self.port)
        if self.plex_tv_url:
            settings += f"{DETOUR.name}:\n  url: {self.plex_tv_url}\n"
            shutil.copytree(DETOUR, self.folder / "custom_components" / DETOUR.name)
        (self.folder / "configuration.yaml").write_text(settings, encoding="utf-8")
        (self.folder / "automations.yaml").write_text("[]\n", encoding="utf-8")
        # Leaves the owner to be created; the other steps would set up integrations that need
        # internet.
        _write(storage, "onboarding", 4, {"done": ["core_config", "analytics", "integration"]})
        if self.bare:
            return
        shutil.copytree(BLUEPRINTS, self.folder / "blueprints")
        target = self.folder / "custom_components" / INTEGRATION.name
        shutil.copytree(INTEGRATION, target, ignore=shutil.ignore_patterns("__pycache__"))

    async def start(self, session: aiohttp.ClientSession) -> None:
        """Start the process and wait until it responds. Raises NotStartedError."""
        if not is_free(self.port):
            raise NotStartedError(f"port {self.port} is in use already")
        self._child = Child(
            [sys.executable, "-m", "homeassistant", "-c", str(self.folder), "--skip-pip"],
            output=self.folder / "output.log",
            folder=self.folder,
            # If the port is in use, it must not listen on another one.
            environment={"SETUP_PORT": str(self.port), "PYTHONPATH": ""},
        )
        await self.until(lambda: self._answers(session), "Home Assistant answers")

    async def until_running(self, session: aiohttp.ClientSession, token: str) -> None:
        """Wait until everything is set up. Raises NotStartedError."""
        headers = {"Authorization": f"Bearer {token}"}

        async def config() -> dict[str, Any]:
            try:
                async with session.get(f"{self.url}/api/config", headers=headers) as answer:
                    config: dict[str, Any] = await answer.json() if answer.ok else {}
            except aiohttp.ClientError:
                return {}
            return config if config.get("state") == "RUNNING" else {}

        if (await self.until(config, "Home Assistant is up")).get("recovery_mode"):
            raise NotStartedError("Home Assistant came up in recovery mode")

    async def until[T](self, appearance: Any, what: str) -> T:  # noqa: ANN401
        """Wait for a condition while the process runs. Raises NotStartedError."""

        async def careful() -> T:
            if not self.child.running:
                raise NotStartedError(f"Home Assistant ended with code {self.child.exit_code}")
            answer: T = await appearance()
            return answer

        try:
            return await eventually(careful, what, within=START_SECONDS)
        except WaitedTooLongError as err:
            raise NotStartedError(str(err)) from err

    async def stop(self) -> None:
        """Shut the process down properly."""
        if self._child is not None:
            await self._child.stop()

    async def kill(self) -> None:
        """Kill the process, as in a power failure."""
        await self.child.kill()

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.url}/manifest.json") as answer:
                return answer.status == HTTPStatus.OK
        except aiohttp.ClientError:
            return False


def _keeps_http_settings() -> bool:
    """Return whether this release stores its server settings in a file of its own, not in YAML."""
    spec = find_spec("homeassistant")
    if spec is None or spec.origin is None:
        raise NotStartedError("Home Assistant is not installed in this environment")
    return (Path(spec.origin).parent / "components" / "http" / "config.py").exists()


def _write(storage: Path, key: str, major: int, data: Mapping[str, Any]) -> None:
    content = {"version": major, "minor_version": 1, "key": key, "data": data}
    (storage / key).write_text(json.dumps(content), encoding="utf-8")
