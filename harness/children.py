"""Child processes of the harness, which end with it."""

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
STOP_TIMEOUT: Final = 30.0  # seconds for a process to end after SIGTERM
TETHER: Final = Path(__file__).with_name("tether.py")
TAIL_LINES: Final = 15


class Child:
    """A process with its output in a file. It gets SIGTERM when this process ends for any reason.

    Terminal signals do not reach it; its owner stops it, in the right order.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        output: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the command in `folder`; `environment` is added to this process's environment."""
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
        """Return the process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Return whether the process is running."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Return the exit code; None while it runs, negative for a signal."""
        return self._process.poll()

    async def stop(self, within: float = STOP_TIMEOUT) -> None:
        """Terminate the process; kill it after `within` seconds."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, within)
        await self.kill()

    async def kill(self) -> None:
        """Kill the process immediately."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def last_words(self) -> str:
        """Return the end of the output."""
        with contextlib.suppress(OSError):
            lines = self.output.read_text(encoding="utf-8", errors="replace").splitlines()
            return "\n".join(lines[-TAIL_LINES:])
        return ""


def free_port() -> int:
    """Return an unused port of the loopback address."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Return whether a loopback port is free. Raises OverflowError for an invalid port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
