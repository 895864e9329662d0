"""Adds up what the stages of the test suite reported (JUnit XML) and prints a line for each, and one for all.

Arguments, per stage: a title, the report's path, pytest's last exit code, the seconds it took.
Where a stage ran once more what had failed, that report is beside the first one, its name ending in `-again`: what
passed then is unsteady, which is no failure, and is told and written into the file `unsteady.txt` beside the reports.
Exits with 1 if anything failed or if no test ran at all.
"""

from dataclasses import dataclass
from pathlib import Path
import sys
from xml.etree import ElementTree as ET

NOTHING_COLLECTED = 5  # pytest's exit code
OK = 0
BROKEN = {"error", "failure"}


@dataclass(frozen=True)
class Stage:
    """One run of pytest, counted."""

    title: str
    exit_code: int
    seconds: int
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    unsteady: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """One line for a person."""
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        verdict = {OK: "ok", NOTHING_COLLECTED: "no test matches"}.get(self.exit_code, "FAILED")
        if self.unsteady:
            counts += f", {len(self.unsteady)} UNSTEADY"
        return f"{self.title:<44} {verdict:<16} {counts}, {self.seconds} s"


def outcomes_of(path: Path) -> list[tuple[str, set[str]]]:
    """Return each test of a report with the tags in it; raises OSError or ParseError for an unreadable one."""
    suites = ET.parse(path).getroot().iter("testsuite")  # noqa: S314 - written by our own pytest
    # Test by test: one whose clean-up fails too has one failure here, not two, and did not pass.
    return [
        (f"{case.get('classname')}::{case.get('name')}", {child.tag for child in case})
        for suite in suites
        for case in suite.iter("testcase")
    ]


def read(title: str, path: Path, exit_code: int, seconds: int) -> Stage:
    """Count the report of one stage; without a readable report it counts as one failure."""
    try:
        outcomes = outcomes_of(path)
    except (OSError, ET.ParseError):
        failed = int(exit_code not in (OK, NOTHING_COLLECTED))
        return Stage(title, exit_code, seconds, failed=failed)
    broken = [name for name, tags in outcomes if tags & BROKEN]
    unsteady: tuple[str, ...] = ()
    again = path.with_stem(f"{path.stem}-again")
    if again.exists():
        fine = {name for name, tags in outcomes_of(again) if not tags & (BROKEN | {"skipped"})}
        unsteady = tuple(name for name in broken if name in fine)
    failed = len(broken) - len(unsteady)
    skipped = sum(1 for _, tags in outcomes if "skipped" in tags and not tags & BROKEN)
    passed = len(outcomes) - failed - skipped
    if exit_code not in (OK, NOTHING_COLLECTED):
        failed = max(failed, 1)  # it broke outside a test
    return Stage(title, exit_code, seconds, passed, failed, skipped, unsteady)


def tell_unsteady(stages: list[Stage], folder: Path) -> None:
    """Print the tests that passed only when they ran once more, and write them down."""
    lines = [f"{stage.title}: {name}" for stage in stages for name in stage.unsteady]
    if lines:
        print("\nUNSTEADY, passed only when run once more by itself; please mend:")
        print("\n".join(f"  {line}" for line in lines))
        (folder / "unsteady.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Print the lines; return the exit code."""
    arguments = sys.argv[1:]
    stages = [
        read(title, Path(path), int(code), int(seconds))
        for title, path, code, seconds in zip(*[iter(arguments)] * 4, strict=True)
    ]
    print()
    for stage in stages:
        print(stage.line)
    passed, failed, skipped = (
        sum(getattr(stage, key) for stage in stages) for key in ("passed", "failed", "skipped")
    )
    if not passed + failed + skipped:
        print("Error: no test ran; nothing matches what was asked for.", file=sys.stderr)
        return 1
    tell_unsteady(stages, Path(arguments[1]).parent)
    print()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
