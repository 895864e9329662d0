"""Child processes that answer commands as lines of JSON."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import sys
from typing import Any, Final

ANSWER_MAX: Final = 1 << 24  # bytes
COMMAND_TIMEOUT: Final = 900.0  # seconds for one command


class Child:
    """One process; `request` sends a command and returns the answer."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.hello: dict[str, Any] = {}

    async def answer(self) -> dict[str, Any]:
        """Return the next answer. Raises RuntimeError when the process has ended."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        async with asyncio.timeout(COMMAND_TIMEOUT):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the benchmark ended early; its complaint is above")
        result: dict[str, Any] = json.loads(line)
        return result

    async def request(self, do: str, **fields: object) -> dict[str, Any]:
        """Send a command and return the answer."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        self._process.stdin.write(json.dumps({"do": do, **fields}).encode() + b"\n")
        await self._process.stdin.drain()
        return await self.answer()


@asynccontextmanager
async def child(module: str, *arguments: str, tree: Path | None = None) -> AsyncIterator[Child]:
    """Run a module of this checkout or another `tree`; it ends when its standard input closes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=PIPE,
        stdout=PIPE,
        limit=ANSWER_MAX,
        cwd=tree,
    )
    try:
        started = Child(process)
        started.hello = await started.answer()
        yield started
    finally:
        assert process.stdin is not None  # noqa: S101 - a pipe
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
