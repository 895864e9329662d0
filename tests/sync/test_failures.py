"""The table of failures: complete, and one answer to each question."""

from __future__ import annotations

from collections import Counter

import pytest

from custom_components.plex_label_sync.sync.failures import FAILURES, PASSING
from custom_components.plex_label_sync.sync.model import Failure
from custom_components.plex_label_sync.transport import failure_of_status

from ..texts import TEXTS


def test_every_failure_has_a_row() -> None:
    assert set(FAILURES) == set(Failure)


@pytest.mark.parametrize("failure", Failure)
def test_row_does_not_contradict_itself(failure: Failure) -> None:
    row = FAILURES[failure]
    if row.reauth:
        assert not row.passes
        assert row.form_error in {"invalid_auth", "not_owner"}
    if row.form_error is not None:
        assert row.form_error in TEXTS["config"]["error"]
    if row.passes:
        assert row.form_error is not None
    assert (failure in PASSING) is row.passes


def test_status_means_one_failure() -> None:
    counts = Counter(status for row in FAILURES.values() for status in row.statuses)
    assert set(counts.values()) == {1}
    for failure, row in FAILURES.items():
        assert {failure_of_status(status) for status in row.statuses} <= {failure}
