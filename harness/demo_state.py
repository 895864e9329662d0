"""State of a running demo on disk, for the commands of a second terminal, and its lock."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, field
import fcntl
import json
import os
import shutil
from typing import IO, TYPE_CHECKING, Final, Self

from harness.integration import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK: Final = "lock"  # held while a demo runs, however it ends
STATE: Final = "state.json"


class DemoError(Exception):
    """An error for the person at the terminal, in one sentence."""


@dataclass(frozen=True, slots=True)
class DemoState:
    """How to reach the demo's servers."""

    home_url: str
    home_token: str = field(repr=False)
    entry_id: str
    plex_url: str
    plex_token: str = field(repr=False)
    pulsarr_url: str
    plex_tv_url: str
    second: Connections
    """The second household, which is not set up."""

    def save(self, folder: Path) -> None:
        """Save the state, readable by its owner only."""
        file = os.open(folder / STATE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the state of the running demo. Raises DemoError when none runs, or not yet."""
        with contextlib.suppress(OSError), (folder / LOCK).open("ab") as lock:
            if not _take(lock):
                try:
                    kept = json.loads((folder / STATE).read_text(encoding="utf-8"))
                    return cls(**{**kept, "second": Connections(**kept["second"])})
                except OSError as err:
                    raise DemoError("The demo is still starting; try again in a moment.") from err
        raise DemoError("No demo is running: start one in another terminal with scripts/demo.")


@contextlib.contextmanager
def own(folder: Path) -> Iterator[None]:
    """Lock and empty a demo's folder. Raises DemoError when a demo runs there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("ab")
    except OSError as err:
        raise DemoError(f"The folder {folder} cannot be written: {err.strerror}.") from err
    with lock:
        if not _take(lock):
            raise DemoError("A demo is running already: stop it with Ctrl-C in its terminal.")
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink()
        try:
            yield
        finally:
            (folder / STATE).unlink(missing_ok=True)


def _take(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
