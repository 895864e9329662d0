"""Sums up the test suite's JUnit XML reports: prints a line per stage, and a total.

Arguments, per stage: a title, the report's path, pytest's last exit code, the duration in seconds.
If a stage reran its failures, that report is beside the first one, its name ending in `-again`: a
test that passes then is unsteady, which is not a failure; it is printed and listed in
`unsteady.txt` beside the reports. Exits with 1 if anything failed or no test ran.
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
    """The counted results of one run of pytest."""

    title: str
    exit_code: int
    seconds: int
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    unsteady: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Return one line for the terminal."""
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        verdict = {OK: "ok", NOTHING_COLLECTED: "no test matches"}.get(self.exit_code, "FAILED")
        if self.unsteady:
            counts += f", {len(self.unsteady)} UNSTEADY"
        return f"{self.title:<44} {verdict:<16} {counts}, {self.seconds} s"


def outcomes_of(path: Path) -> list[tuple[str, set[str]]]:
    """Return each test of a report with its tags. Raises OSError or ParseError if unreadable."""
    suites = ET.parse(path).getroot().iter("testsuite")  # noqa: S314 - written by pytest
    # Test by test: one whose clean-up fails too is one failure, not two, and did not pass.
    return [
        (f"{case.get('classname')}::{case.get('name')}", {child.tag for child in case})
        for suite in suites
        for case in suite.iter("testcase")
    ]


def read(title: str, path: Path, exit_code: int, seconds: int) -> Stage:
    """Count the report of one stage; an unreadable report counts as one failure."""
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
        failed = max(failed, 1)  # an error outside the tests
    return Stage(title, exit_code, seconds, passed, failed, skipped, unsteady)


def report_unsteady(stages: list[Stage], folder: Path) -> None:
    """Print the tests that passed only when rerun, and write them to a file."""
    lines = [f"{stage.title}: {name}" for stage in stages for name in stage.unsteady]
    if lines:
        print("\nUNSTEADY, passed only when run once more by itself; please mend:")
        print("\n".join(f"  {line}" for line in lines))
        (folder / "unsteady.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Print the lines and return the exit code."""
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
    report_unsteady(stages, Path(arguments[1]).parent)
    print()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
