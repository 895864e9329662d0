"""The page about safety names only tests that exist."""

import re

from .guards import ROOT
from .naming_tests import missing_tests


def test_every_file_and_test_that_the_page_names_exists() -> None:
    text = (ROOT / "docs" / "safety.md").read_text("utf-8")
    named = re.findall(r"`((?:tests|scripts|plex|sync)/[\w/.:]+)`", text)
    tests = [one for one in named if one.startswith("tests/")]
    assert len(tests) > 30
    assert missing_tests(tests) == []
    assert [one for one in named if one.startswith("scripts/") and not (ROOT / one).exists()] == []


def test_every_read_that_can_go_wrong_has_a_test() -> None:
    text = (ROOT / "docs" / "safety.md").read_text("utf-8")
    section = text.split("## Reads that can go wrong")[1].split("## How we know")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    assert [row for row in rows if "::test_" not in row.split("|")[3]] == []
