"""The table of guards is true: each stands in the code exactly once, and the tests named with it exist."""

from collections import Counter

import pytest

from .guards import GUARDS, LAWS, ROOT, Guard
from .naming_tests import missing_tests


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_guard_stands_in_the_code_once_and_can_be_taken_out(guard: Guard) -> None:
    text = (ROOT / guard.path).read_text(encoding="utf-8")
    without = guard.without(text)
    assert without != text
    compile(without, guard.path, "exec")


def test_every_test_that_has_to_notice_a_missing_guard_exists() -> None:
    assert missing_tests(f"tests/{one}" for guard in GUARDS for one in guard.tests) == []


def test_every_law_that_protects_labels_has_guards_and_each_its_own_name() -> None:
    assert {guard.law for guard in GUARDS} == set(LAWS)
    assert max(Counter(guard.name for guard in GUARDS).values()) == 1
