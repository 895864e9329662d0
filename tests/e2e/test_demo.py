"""The demo as somebody at a terminal meets it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
import os
from pathlib import Path
import re
import shutil
import signal
import socket
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from harness.checkout import ROOT
from harness.children import free_port
from harness.client import HomeAssistantClient
from harness.dashboard import URL_PATH
from harness.demo_start import OWNER
from harness.demo_state import DemoState
from harness.integration import Integration, entity_ids, remove, set_up, until_loaded
from harness.simulators import Control
from harness.waiting import eventually
from tests.e2e.test_harness import is_gone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

SYNC_IS_OFF: Final = "marta"  # gets no label
SCRIPT: Final = str(ROOT / "scripts" / "demo")
START_SECONDS: Final = 240.0
COMMAND_SECONDS: Final = 240.0
PROCESS: Final = re.compile(r"\(.*\) \S (?P<parent>\d+)")


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class RunningDemo:
    """A demo in a folder of its own."""

    folder: Path
    process: asyncio.subprocess.Process
    introduction: str

    async def run_command(self, *arguments: str) -> CommandResult:
        """Run a command as in a second terminal."""
        return await run("--folder", str(self.folder), *arguments)


async def run(*arguments: str) -> CommandResult:
    """Run scripts/demo to its end."""
    process = await asyncio.create_subprocess_exec(
        SCRIPT, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode is not None
    return CommandResult(process.returncode, out.decode(), err.decode())


async def introduced(process: asyncio.subprocess.Process) -> str:
    """Read what the demo says until it is ready."""
    assert process.stdout is not None
    result = ""
    async with asyncio.timeout(START_SECONDS):
        while "Ctrl-C ends everything" not in result:
            line = await process.stdout.readline()
            assert line, f"the demo has ended:\n{result}"
            result += line.decode()
    return result


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningDemo]:
    """A running demo."""
    folder = tmp_path_factory.mktemp("demo")
    process = await asyncio.create_subprocess_exec(
        SCRIPT,
        *("--folder", str(folder), "--port", str(free_port())),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield RunningDemo(folder, process, await introduced(process))
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.communicate()


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def checked(
    demo: RunningDemo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[asyncio.Task[CommandResult]]:
    """A second demo that only checks itself, beside the other tests here: it takes its time."""
    folder = tmp_path_factory.mktemp("checked")
    port = str(free_port())
    task = asyncio.create_task(run("--folder", str(folder), "--port", port, "--no-wait"))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def children_of(parent: int) -> list[int]:
    """The processes that a process has started and that are there."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            match = PROCESS.search(stat.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
        if match and int(match["parent"]) == parent:
            found.append(int(stat.parent.name))
    return found


async def test_without_a_demo_commands_say_so(tmp_path: Path) -> None:
    result = await run("--folder", str(tmp_path), "status")

    assert result.code == 1
    assert result.err == (
        "Error: No demo is running: start one in another terminal with scripts/demo.\n"
    )


async def test_help_comes_before_anything_is_built(tmp_path: Path) -> None:
    for folder in ("scripts", "harness"):
        await asyncio.to_thread(shutil.copytree, ROOT / folder, tmp_path / folder)
    process = await asyncio.create_subprocess_exec(
        str(tmp_path / "scripts" / "demo"),
        "--help",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    out, err = await process.communicate()

    assert (process.returncode, err) == (0, b"")
    assert b"What it downloads: " in out
    assert b" MB" in out
    assert set(await asyncio.to_thread(os.listdir, tmp_path)) == {"scripts", "harness"}


async def test_reader_that_has_seen_enough_is_no_error(demo: RunningDemo) -> None:
    command = f"set -o pipefail; '{SCRIPT}' --folder '{demo.folder}' titles | head -n 1"
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()

    assert (process.returncode, err) == (0, b"")
    assert out.count(b"\n") == 1


async def test_command_that_is_interrupted_says_nothing(
    demo: RunningDemo, session: aiohttp.ClientSession
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(SCRIPT, "--folder", str(demo.folder), "outage", "pulsarr", "10"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()

    assert (process.returncode, err) == (130, b"")
    pulsarr = Control(session, DemoState.load(demo.folder).pulsarr_url)
    await eventually(pulsarr.answers, "Pulsarr is back", within=30)


async def test_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        result = await run("--folder", str(tmp_path), "--port", str(port))

    assert result.code == 1
    assert result.err.startswith(f"Error: Port {port} is in use already")
    assert result.err.count("\n") == 1


async def test_introduction_says_where_to_go_and_how_to_sign_in(
    demo: RunningDemo, session: aiohttp.ClientSession
) -> None:
    state = DemoState.load(demo.folder)
    assert state.home_url in demo.introduction
    assert "In Plex now: rosa on " in demo.introduction
    assert state.plex_token not in demo.introduction
    assert state.home_token not in demo.introduction
    assert state.second.plex_token in demo.introduction  # good for nothing else
    assert OWNER.password in demo.introduction

    client_id = f"{state.home_url}/"
    begun = {"client_id": client_id, "handler": ["homeassistant", None], "redirect_uri": client_id}
    async with session.post(f"{state.home_url}/auth/login_flow", json=begun) as answer:
        flow = await answer.json()
    entered = {
        "client_id": client_id,
        "username": OWNER.username,
        "password": OWNER.password,
    }
    async with session.post(
        f"{state.home_url}/auth/login_flow/{flow['flow_id']}", json=entered
    ) as answer:
        assert (await answer.json())["type"] == "create_entry"


async def test_dashboard_is_the_start_page_and_has_only_entities_that_are_there(
    demo: RunningDemo, session: aiohttp.ClientSession
) -> None:
    state = DemoState.load(demo.folder)
    client = HomeAssistantClient(session, state.home_url, state.home_token)
    start = await client.command("frontend/get_system_data", key="core")
    page = await client.command("lovelace/config", url_path=URL_PATH)
    shown = set(re.findall(r"\b(?:binary_sensor|sensor|switch|button|event|image)\.\w+", str(page)))
    states = {row["entity_id"]: row["state"] for row in await client.get("states")}
    await client.close()

    assert start["value"]["default_panel"] == URL_PATH
    assert shown
    assert shown <= states.keys()
    assert "unavailable" not in {states[entity_id] for entity_id in shown}


async def test_first_dashboard_is_not_empty(
    demo: RunningDemo, session: aiohttp.ClientSession
) -> None:
    state = DemoState.load(demo.folder)
    client = HomeAssistantClient(session, state.home_url, state.home_token)
    entry = Integration(client, state.entry_id)
    await entry.until_state("pending", "1")
    shown = {key: await entry.state(key) for key in ("labelled_items", "titles_missing")}
    activity = await entry.entity("activity")
    await client.close()

    assert "has just arrived, and rosa's label is on it." in demo.introduction
    assert all(int(number) > 0 for number in shown.values())
    assert activity["state"] != "unknown"


async def test_second_household_can_be_set_up_by_hand(
    demo: RunningDemo, session: aiohttp.ClientSession
) -> None:
    result = await demo.run_command("second")
    assert result.code == 0
    state = DemoState.load(demo.folder)
    notified = dict(re.findall(r"^  (\S.*?)  +(\S+)$", result.out, re.MULTILINE))
    assert notified == {
        "Plex address": state.second.plex_url,
        "Plex token": state.second.plex_token,
        "Pulsarr address": state.second.pulsarr_url,
        "Pulsarr API key": state.second.pulsarr_key,
    }

    client = HomeAssistantClient(session, state.home_url, state.home_token)
    entry_id = await set_up(client, state.second)
    await until_loaded(client, entry_id)
    await remove(client, entry_id)
    await client.close()


async def test_import_is_followed_until_it_is_labelled(demo: RunningDemo) -> None:
    titles = await demo.run_command("titles", "--missing")
    assert titles.code == 0
    (title, people) = re.findall(r"^  (.+) \(movie\), wanted by (.+)$", titles.out, re.MULTILINE)[0]

    result = await demo.run_command("import", title)
    assert result.code == 0, result.err
    assert f"Radarr imports “{title}”, wanted by {people}." in result.out
    assert "Home Assistant answered 200" in result.out
    assert "Plex knows what it is" in result.out
    assert "label is on it" in result.out

    labels = await demo.run_command("labels", title)
    assert "no labels" not in labels.out
    again = await demo.run_command("import", title)
    assert again.code == 1
    assert "is in Plex already" in again.err


async def test_blueprints_notify_and_the_logbook_has_the_sentence(
    demo: RunningDemo, session: aiohttp.ClientSession
) -> None:
    state = DemoState.load(demo.folder)
    client = HomeAssistantClient(session, state.home_url, state.home_token)
    begin = datetime.now(UTC).isoformat()
    titles = await demo.run_command("titles", "--missing")
    (title, people) = re.findall(r"^  (.+) \(movie\), wanted by (.+)$", titles.out, re.MULTILINE)[0]
    assert (await demo.run_command("import", title)).code == 0

    labelled = [name for name in re.split(", | and ", people) if name != SYNC_IS_OFF]
    names = {f"In Plex for {name}" for name in labelled}

    async def notified() -> bool:
        rows = await client.command("persistent_notification/get")
        return names == {
            row["title"] for row in rows if row["message"] == f"{title} is in Plex now."
        }

    await eventually(notified, "everybody is told, and nobody else", within=20)

    async def sentences() -> list[str]:
        entities = await entity_ids(client, state.entry_id)
        lines = await client.command(
            "logbook/get_events", start_time=begin, entity_ids=[entities["activity"]]
        )
        return [f"{line.get('name')} {line.get('message')}" for line in lines]

    async def in_the_logbook() -> bool:
        return any(line.startswith(f"My Plex labelled {title} for ") for line in await sentences())

    await eventually(in_the_logbook, "the logbook has it", within=20)
    await client.close()


async def test_want_and_unwant_say_what_happened(demo: RunningDemo) -> None:
    title = re.findall(r'scripts/demo wish \S+ "(.+?)"', demo.introduction)[0]

    wanted = await demo.run_command("wish", "nina", title)
    assert wanted.code == 0, wanted.err
    assert "Nina" in wanted.out
    assert (await demo.run_command("unwish", "nina", title)).code == 0
    again = await demo.run_command("unwish", "nina", title)
    assert (again.code, again.out) == (1, "")
    unknown = await demo.run_command("wish", "somebody", title)
    assert unknown.code == 1
    assert "The people are: rosa, tim" in unknown.err


async def test_broken_rule_is_mended_and_its_repair_goes_away(demo: RunningDemo) -> None:
    result = await demo.run_command("rule", "TIM", "label=tim|label!=Kids")
    assert result.code == 0, result.err
    assert "error: " in result.out
    assert "counts 1 thing to mend" in result.out

    result = await demo.run_command("rule", "tim", "label=tim")
    assert result.code == 0, result.err
    assert "only what carries tim" in result.out
    assert "counts 0 things to mend" in result.out

    result = await demo.run_command("rule", "nobody", "label=tim")
    assert result.code == 1
    assert "Nobody at plex.tv is called “nobody”." in result.err


async def test_unknown_title_brings_suggestions(demo: RunningDemo) -> None:
    titles = (await demo.run_command("titles", "--missing")).out
    title = re.findall(r"^  (.+) \(movie\), wanted by", titles, re.MULTILINE)[0]

    result = await demo.run_command("import", f"{title}x")
    assert result.code == 1
    assert f"“{title}”" in result.err
    result = await demo.run_command("import", "qqqq zzzz")
    assert (result.code, result.out) == (1, "")
    assert "scripts/demo titles" in result.err


async def test_second_demo_in_the_same_folder_is_refused(demo: RunningDemo) -> None:
    result = await demo.run_command("--port", str(free_port()))

    assert result.code == 1
    assert result.err == "Error: A demo is running already: stop it with Ctrl-C in its terminal.\n"


async def test_outage_is_noticed_and_recovered_from(
    demo: RunningDemo, session: aiohttp.ClientSession
) -> None:
    state = DemoState.load(demo.folder)
    client = HomeAssistantClient(session, state.home_url, state.home_token)
    outage = asyncio.create_task(demo.run_command("outage", "plex", "3"))
    entry = Integration(client, state.entry_id)
    await entry.until_state("status", "waiting_for_plex")
    during = await demo.run_command("status")
    assert during.code == 0

    async def back() -> bool:
        return "Plex                          answers" in (await demo.run_command("status")).out

    await eventually(back, "Plex is back", within=30)
    await entry.call("sync_all")  # it would do so by itself within a minute
    result = await outage
    await client.close()
    assert result.code == 0, result.err
    assert "Plex is away for 3 s" in result.out
    assert "Home Assistant shows: waiting_for_plex" in result.out
    assert "caught up" in result.out


async def test_nothing_listens_anywhere_but_on_this_machine(demo: RunningDemo) -> None:
    """Every listening socket of the demo's processes has the loopback address."""
    pids = [demo.process.pid, *children_of(demo.process.pid)]
    own = {
        link[len("socket:[") : -1]
        for pid in pids
        for file in Path(f"/proc/{pid}/fd").iterdir()  # noqa: ASYNC240  # not a disk
        if (link := _link(file)).startswith("socket:[")
    }
    listening = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/net/{table}").read_text(encoding="utf-8").splitlines()[1:]  # noqa: ASYNC240  # not a disk
        if row.split()[3] == "0A"
    ]
    addresses = {row[1].partition(":")[0] for row in listening if row[9] in own}
    assert len(pids) == 4
    assert addresses == {"0100007F"}


def _link(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:
        return ""


async def test_ctrl_c_ends_everything(demo: RunningDemo) -> None:
    children = children_of(demo.process.pid)
    assert len(children) == 3

    demo.process.send_signal(signal.SIGINT)
    assert demo.process.stdout is not None
    rest = (await demo.process.stdout.read()).decode()

    assert await demo.process.wait() == 0
    assert "Traceback" not in rest
    for pid in children:
        assert await is_gone(pid)
    assert (await demo.run_command("status")).code == 1


async def test_no_wait_checks_and_ends_by_itself(checked: asyncio.Task[CommandResult]) -> None:
    result = await checked

    assert result.code == 0, result.err
    assert "In Plex now" in result.out
    assert result.out.endswith("Stopping …\n")
