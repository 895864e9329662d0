"""Processes that the harness starts, and that do not outlive it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOPBACK: Final = "127.0.0.1"
PATIENCE: Final = 30.0  # seconds that a process gets to end by itself
TETHER: Final = Path(__file__).with_name("tether.py")
TAIL_LINES: Final = 15


class Child:
    """A process with its output in a file. It gets SIGTERM when this process ends, however that happens.

    Signals of the terminal do not reach it: who started it stops it, in the right order.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        output: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the command in `folder`; `environment` is added to this process's own."""
        self.output = output
        with output.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(TETHER), str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the process ended; None while it runs, negative for a signal."""
        return self._process.poll()

    async def stop(self, patience: float = PATIENCE) -> None:
        """Ask the process to end, wait for it, and insist after `patience` seconds."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, patience)
        await self.kill()

    async def kill(self) -> None:
        """End the process without giving it a chance to do anything more."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def last_words(self) -> str:
        """The end of the output."""
        with contextlib.suppress(OSError):
            lines = self.output.read_text(encoding="utf-8", errors="replace").splitlines()
            return "\n".join(lines[-TAIL_LINES:])
        return ""


def free_port() -> int:
    """A port of the loopback address that nobody uses at the moment."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a server could listen on a port of the loopback address. Raises OverflowError for no port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
