"""`python -m simulators plex` with a stand-in for plex.tv, as a process."""

from __future__ import annotations

import asyncio
from pathlib import Path
import re
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.usefixtures("socket_enabled")

ROOT = Path(__file__).parents[2]
SMALL = ("--movies", "20", "--shows", "5", "--people", "2", "--seed", "3")
TIMEOUT_S = 60


@pytest.fixture
async def command(tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command on free ports, with its token in a file."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulators", "plex", "--port", "0", "--plex-tv-port", "0", *SMALL),
        *("--token-file", str(tmp_path / "token"), "--server-name", "Attic"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    yield running
    if running.returncode is None:
        running.kill()
    await running.communicate()


async def lines(running: asyncio.subprocess.Process, count: int) -> list[str]:
    """The first lines that the command prints."""
    assert running.stdout is not None
    async with asyncio.timeout(TIMEOUT_S):
        return [(await running.stdout.readline()).decode() for _ in range(count)]


async def test_command_serves_plex_and_plex_tv_and_keeps_the_token_to_itself(
    command: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    printed = await lines(command, 2)
    plex, account = (re.findall(r"http://127\.0\.0\.1:\d+", line)[0] for line in printed)
    token_file = tmp_path / "token"
    token = token_file.read_text().strip()
    assert token_file.stat().st_mode & 0o077 == 0
    headers = {"Accept": "application/json", "X-Plex-Client-Identifier": "test"}
    with_token = headers | {"X-Plex-Token": token}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{plex}/", headers=headers) as answer:
            assert answer.status == 401
        async with session.get(f"{plex}/", headers=with_token) as answer:
            assert (await answer.json())["MediaContainer"]["friendlyName"] == "Attic"
        async with session.get(f"{account}/api/v2/resources", headers=with_token) as answer:
            (server, _) = await answer.json()
            assert server["connections"][0]["uri"] == plex
        async with session.get(f"{plex}/_control/state") as answer:
            assert (await answer.json())["libraries"][0]["title"] == "Movies"
    command.terminate()
    rest, _ = await asyncio.wait_for(command.communicate(), TIMEOUT_S)
    assert command.returncode == 0
    assert token not in "".join(printed) + rest.decode()
