"""Removes each guard of `tests/guards.py` in a copy of the tree, and runs its tests.

Arguments: parts of guard names to select by; without arguments all guards are tried. Exits with 1
if a mutant survives, or if a guard is not where the table says.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import os
from pathlib import Path
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.guards import GUARDS, Guard  # noqa: E402 - the checkout is found first

NEEDED = ("custom_components", "harness", "simulators", "tests", "pyproject.toml")
WORKERS = int(os.environ.get("TEST_WORKERS", "2")) or 1
SECONDS_MAX = 300.0  # for one guard's tests; a mutant may loop forever
TESTS_FAILED = 1  # pytest's exit code
FAILED = re.compile(r"^(?:FAILED|ERROR) (?:tests/)?(\S+?)(?:\[| |$)", re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """The test result without one guard."""

    guard: Guard
    by: str  # the failing test; empty if none failed
    problem: str = ""

    @property
    def line(self) -> str:
        """Return one row of the table."""
        outcome = f"noticed by {self.by}" if self.by else self.problem or "SURVIVED"
        return f"law {self.guard.law}  {self.guard.name:<72}  {outcome}"


def copy_tree(to: Path) -> Path:
    """Copy what the tests need, without compiled files."""
    to.mkdir()
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, to / name)
    return to


def verdict(guard: Guard, tree: Path) -> Verdict:
    """Remove a guard in a copy, run its tests, and restore it."""
    file = tree / guard.path
    whole = file.read_text(encoding="utf-8")
    try:
        file.write_text(guard.without(whole), encoding="utf-8")
    except ValueError as err:
        return Verdict(guard, "", f"NOT THERE: {err}")
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += [f"tests/{one}" for one in guard.tests]
    environment = {**os.environ, "PYTHONPATH": "", "HYPOTHESIS_PROFILE": "mutants"}
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        return Verdict(guard, "a test that never ends")
    finally:
        file.write_text(whole, encoding="utf-8")
    if done.returncode == 0:
        return Verdict(guard, "")
    noticed = FAILED.search(done.stdout)
    if done.returncode != TESTS_FAILED or noticed is None:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        return Verdict(guard, "", f"TESTS DID NOT RUN: {' '.join(last)}")
    return Verdict(guard, noticed[1])


def main(names: list[str]) -> int:
    """Try the guards, print the table and return the exit code."""
    guards = [one for one in GUARDS if not names or any(name in one.name for name in names)]
    begin = time.monotonic()
    trees: queue.SimpleQueue[Path] = queue.SimpleQueue()

    def try_one(guard: Guard) -> Verdict:
        tree = trees.get()
        try:
            result = verdict(guard, tree)
        finally:
            trees.put(tree)
        print(result.line, flush=True)
        return result

    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for number in range(WORKERS):
            trees.put(copy_tree(Path(folder) / str(number)))
        with ThreadPoolExecutor(WORKERS) as pool:
            verdicts = list(pool.map(try_one, guards))
    bad = [one for one in verdicts if not one.by]
    print(
        f"\n{len(verdicts) - len(bad)} of {len(verdicts)} guards are noticed when they are missing"
        f" ({time.monotonic() - begin:.0f} s)"
    )
    for one in bad:
        print(one.line)
    return 1 if bad or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
