"""What the harness starts ends with it, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
import signal
import sys

import pytest

from harness.checkout import ROOT
from harness.children import Child
from harness.waiting import eventually

PARENT = """
import pathlib, sys, time
from harness.children import Child
folder = pathlib.Path(sys.argv[1])
child = Child(["/bin/sleep", "600"], output=folder / "output", folder=folder)
(folder / "pid.new").write_text(str(child.pid))
(folder / "pid.new").rename(folder / "pid")
time.sleep(600)
"""


async def is_gone(pid: int) -> bool:
    """Whether a process has ended, collected or not."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")  # noqa: ASYNC240  # not a disk
        return status.rpartition(")")[2].split()[0] == "Z"
    return True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_child_ends_when_its_parent_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), cwd=ROOT
    )

    async def started() -> bool:
        return (tmp_path / "pid").exists()

    try:
        await eventually(started, "the child runs")
        pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
        assert not await is_gone(pid)
    finally:
        parent.send_signal(number)
        await parent.wait()
    await eventually(lambda: is_gone(pid), "the child is gone", within=10)


async def test_child_is_not_reached_by_signals_to_the_terminal(tmp_path: Path) -> None:
    child = Child(["/bin/sleep", "600"], output=tmp_path / "output", folder=tmp_path)
    assert os.getpgid(child.pid) != os.getpgid(0)
    await child.stop()
    assert not child.running
    assert child.exit_code == -signal.SIGTERM


async def test_child_that_does_not_listen_is_ended_after_a_while(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    deaf = f"import pathlib, signal, time; signal.signal(15, signal.SIG_IGN); pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    child = Child([sys.executable, "-c", deaf], output=tmp_path / "output", folder=tmp_path)

    async def listening() -> bool:
        return ready.exists()

    await eventually(listening, "the child runs")
    await child.stop(within=0.2)
    assert child.exit_code == -signal.SIGKILL
