"""Adds up what the stages of the test suite reported (JUnit XML) and prints a line for each, and one for all.

Arguments, per stage: a title, the report's path, pytest's exit code, the seconds it took.
Exits with 1 if anything failed or if no test ran at all.
"""

from dataclasses import dataclass
from pathlib import Path
import sys
from xml.etree import ElementTree as ET

NOTHING_COLLECTED = 5  # pytest's exit code
OK = 0


@dataclass(frozen=True)
class Stage:
    """One run of pytest, counted."""

    title: str
    exit_code: int
    seconds: int
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def line(self) -> str:
        """One line for a person."""
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        verdict = {OK: "ok", NOTHING_COLLECTED: "no test matches"}.get(self.exit_code, "FAILED")
        return f"{self.title:<44} {verdict:<16} {counts}, {self.seconds} s"


def read(title: str, path: Path, exit_code: int, seconds: int) -> Stage:
    """Count the report of one stage; without a readable report it counts as one failure."""
    try:
        suites = list(ET.parse(path).getroot().iter("testsuite"))  # noqa: S314 - written by our own pytest
    except (OSError, ET.ParseError):
        failed = int(exit_code not in (OK, NOTHING_COLLECTED))
        return Stage(title, exit_code, seconds, failed=failed)
    # Test by test: one whose clean-up fails too has one failure here, not two, and did not pass.
    outcomes = [
        {child.tag for child in case} for suite in suites for case in suite.iter("testcase")
    ]
    failed = sum(1 for tags in outcomes if tags & {"error", "failure"})
    skipped = sum(1 for tags in outcomes if "skipped" in tags and not tags & {"error", "failure"})
    passed = len(outcomes) - failed - skipped
    if exit_code not in (OK, NOTHING_COLLECTED):
        failed = max(failed, 1)  # it broke outside a test
    return Stage(title, exit_code, seconds, passed, failed, skipped)


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
    print()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
