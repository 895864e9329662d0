"""`python -m simulators` as a person, the demo and the benchmarks start it: real processes on real ports."""

from __future__ import annotations

from contextlib import contextmanager
import json
from pathlib import Path
import re
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from simulators.__main__ import import_into, main
from simulators.plex import PlexSimulator
from simulators.pulsarr.payloads import entry_json
from simulators.world import make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("socket_enabled")

ROOT = Path(__file__).parents[2]
SMALL = ("--movies", "30", "--shows", "10", "--people", "3")

TIMEOUT_S = 60  # a busy machine needs ten seconds to start Python

type Json = Any
"""What JSON may hold."""


class Process:
    """A running simulator command and the addresses it printed."""

    def __init__(self, *arguments: str, lines: int) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "simulators", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.popen.stdout is not None
        self.output = "".join(self.popen.stdout.readline() for _ in range(lines))
        self.urls = dict(
            re.findall(r"^(\w+) (http://127\.0\.0\.1:\d+\S*)", self.output, re.MULTILINE)
        )

    def call(self, url: str, body: Json = None, **headers: str) -> Json:
        """GET, or POST if there is a body; headers with underscores for dashes."""
        request = Request(  # noqa: S310  # an address of our own
            url,
            data=None if body is None else json.dumps(body).encode(),
            headers={name.replace("_", "-"): value for name, value in headers.items()}
            | {"Accept": "application/json"},
        )
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return json.loads(answer.read())

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Stop it; returns the exit code and everything it wrote."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """Wait until it has ended by itself; returns the exit code and everything it wrote."""
        out, err = self.popen.communicate(timeout=TIMEOUT_S)
        return self.popen.returncode, self.output + out + err


@contextmanager
def process(*arguments: str, lines: int = 1) -> Iterator[Process]:
    """A simulator command that has printed `lines` lines; it does not outlive the test."""
    running = Process(*arguments, lines=lines)
    try:
        yield running
    finally:
        if running.popen.poll() is None:
            running.popen.kill()
            running.popen.communicate()


def test_both_servers_share_one_world_and_an_import_reaches_both(tmp_path: Path) -> None:
    token, key = tmp_path / "token", tmp_path / "key"
    files = ("--token-file", str(token), "--key-file", str(key))
    ports = ("--plex-port", "0", "--pulsarr-port", "0")
    with process("both", *ports, *SMALL, *files, lines=2) as both:
        plex, pulsarr = both.urls["Plex"], both.urls["Pulsarr"]
        assert token.stat().st_mode & 0o777 == key.stat().st_mode & 0o777 == 0o600
        secrets = [token.read_text().strip(), key.read_text().strip()]
        root = both.call(f"{plex}/", X_Plex_Token=secrets[0])
        assert root["MediaContainer"]["friendlyName"]
        users = both.call(f"{pulsarr}/v1/users/users/list", X_API_Key=secrets[1])["users"]
        assert len(users) == 3

        title = both.call(f"{pulsarr}/_control/missing")["missing"][0]["title"]
        given = {"title": title, "announce_after": 0, "plex_after": 0.2, "match_after": 0.3}
        response = both.call(f"{pulsarr}/_control/import", given)
        assert (response["title"], response["plex"]) == (title, True)
        assert response["wanted_by"]
        guids: list[str] = []
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline and not any("plex://" in guid for guid in guids):
            labels = both.call(f"{plex}/_control/labels?{urlencode({'title': title})}")
            guids += [item["guid"] for item in labels["items"]]
            time.sleep(0.02)
        assert guids[0].startswith("local://")
        assert guids[-1].startswith("plex://")
        code, output = both.end()
    assert code == 0
    assert not any(secret in output for secret in secrets)


def test_pulsarr_alone_makes_the_same_world_and_uses_an_existing_key(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("made-up-key-of-mine\n")
    arguments = ("--port", "0", "--seed", "5", *SMALL, "--key-file", str(key), "--base-path", "/p")
    with process("pulsarr", *arguments) as alone:
        url = alone.urls["Pulsarr"]
        assert url.endswith("/p")
        answer = alone.call(f"{url}/v1/users/1/watchlist", X_API_Key="made-up-key-of-mine")
        code, output = alone.end(signal.SIGINT)
    assert (code, "made-up-key-of-mine" in output) == (0, False)
    state = make_world(5, 30, 10, 3).pulsarr
    assert answer["data"]["watchlistItems"] == [entry_json(entry) for entry in state.watchlist(1)]


@pytest.mark.parametrize("command", ["pulsarr", "plex", "both"])
def test_taken_port_is_explained_in_one_sentence(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = str(holder.getsockname()[1])
        ports = ["--port", taken]
        if command == "both":
            ports = ["--plex-port", "0", "--pulsarr-port", taken]
        assert main([command, *ports, *SMALL]) == 1
    output = "".join(capsys.readouterr())
    assert taken in output
    assert len(output.strip().splitlines()) == 1
    assert "Traceback" not in output


def test_simulator_ends_when_the_process_that_started_it_ends() -> None:
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with process("pulsarr", "--port", "0", *SMALL, "--parent-pid", str(parent.pid)) as child:
            assert child.popen.poll() is None
            parent.kill()
            code, _ = child.ended()
    finally:
        parent.kill()
        parent.wait()
    assert code == 0


def test_unknown_command_is_refused() -> None:
    with pytest.raises(SystemExit) as stop:
        main(["nonsense"])
    assert stop.value.code == 2


async def test_import_of_what_is_there_adds_an_episode_or_refreshes_the_movie() -> None:
    world = make_world(1, 30, 10, missing=0.0, editions=0.0, uhd_library=False)
    movie, show = world.catalog[0], world.catalog[-1]
    async with PlexSimulator(world.plex) as plex:
        arr_import = import_into(plex, find_after=0.0, match_after=0.0)
        items = len(world.plex.items)
        episodes = world.plex.items_of(show, identified=False)[0].episodes
        await arr_import(movie, {})
        await arr_import(show, {"plex_after": 0})
        assert len(world.plex.items) == items
        assert world.plex.items_of(show, identified=False)[0].episodes == episodes + 1


async def test_import_of_a_missing_title_ends_matched() -> None:
    world = make_world(1, 60, 10)
    title = world.missing()[0]
    async with PlexSimulator(world.plex) as plex:
        await import_into(plex, find_after=5, match_after=5)(
            title, {"plex_after": 0, "match_after": 0.01}
        )
    (item,) = world.plex.items_of(title)
    assert item.guid == title.plex_guid
    assert title not in world.missing()
