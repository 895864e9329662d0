"""Measures the state before the performance work, checked out from the history, for comparison."""

from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
import shutil
import subprocess
import sys
import tarfile
import tempfile
from typing import Any, Final

from harness.checkout import ROOT

from .bench_env import METER

# Labels read label by label, every event collected, pages of 1,000 rows, the ledger counted on the
# loop.
BEFORE: Final = "0538e57d0620f1b284c910689953b39d4d54521b"
COMPETITOR: Final = "before"
MEASURE_TIMEOUT: Final = 1800.0  # seconds


class NotThereError(Exception):
    """An earlier state is not available; the text gives the reason."""


@contextmanager
def unpacked(commit: str) -> Iterator[Path]:
    """Extract a commit into a temporary folder. Raises NotThereError."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = folder / "commit.tar"
        command = ["git", "-C", str(ROOT), "archive", "--output", str(archive), commit]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as err:
            detail = (getattr(err, "stderr", "") or str(err)).strip().splitlines()[-1]
            raise NotThereError(f"commit {commit[:7]} cannot be unpacked: {detail}") from err
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "tree", filter="data")
        yield folder / "tree"


def home_assistant(tree: Path, size: str, world: int, seed: int) -> list[dict[str, Any]]:
    """Return the loop figures of a tree in a real Home Assistant, in a world of its own benchmark.

    The tree's own harness sets it up, as its forms differ; the meter is the current one.
    """
    shutil.copytree(METER, tree / "benchmarks" / METER.name, dirs_exist_ok=True)
    sizes = [] if size == "usual" else [f"--{size}"]
    data = _measured(
        tree, "run", *sizes, f"--worlds={world}", "--competitors=house", f"--seed={seed}"
    )
    found: list[dict[str, Any]] = data["house"]
    return found


def live(tree: Path, titles: int, wishes: int, seed: int) -> dict[str, Any]:
    """Return how long live labels take in a tree, as measured by its `benchmarks.live`."""
    return _measured(tree, "live", f"--titles={titles}", f"--wishes={wishes}", f"--seed={seed}")


def _measured(tree: Path, module: str, *flags: str) -> dict[str, Any]:
    """Run a benchmark of a tree; return the parsed output."""
    with tempfile.TemporaryDirectory() as name:
        output = Path(name) / ("live.json" if module == "live" else "")
        command = [sys.executable, "-m", f"benchmarks.{module}", *flags, f"--output={output}"]
        subprocess.run(
            command, cwd=tree, check=True, timeout=MEASURE_TIMEOUT, stdout=subprocess.DEVNULL
        )
        file = output if module == "live" else output / "results.json"
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return data
