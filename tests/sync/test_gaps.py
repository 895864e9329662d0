"""What could not be read, and since when."""

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.gaps import (
    PERSISTENT_AFTER,
    PERSISTENT_SYNCS,
    Gaps,
    OpenGap,
    OpenGaps,
    open_gaps,
)
from custom_components.plex_label_sync.sync.model import (
    Failure,
    Gap,
    GapKind,
    Service,
    ServiceError,
)

ROSA = Gap(GapKind.PERSON, "1", "rosa", Failure.BUSY)
MOVIES = Gap(GapKind.LIBRARY, "1", "Movies", Failure.IMPLAUSIBLE)


def test_gap_is_reported_once_with_its_first_reason() -> None:
    gaps = Gaps()
    assert not gaps
    gaps.add(ROSA)
    gaps.add_failure(ServiceError(Service.PULSARR, Failure.TIMEOUT, "late"), ROSA.kind, "1", "rosa")
    gaps.add(MOVIES)
    assert list(gaps) == [ROSA, MOVIES]
    assert gaps.has(GapKind.PERSON, "1")
    assert not gaps.has(GapKind.PERSON, "2")


ABOUT_EVERYTHING = {
    Failure.CANNOT_CONNECT,
    Failure.SSL_ERROR,
    Failure.INVALID_AUTH,
    Failure.NOT_OWNER,
    Failure.RATE_LIMITED,
    Failure.NOT_SAVED,
}


@pytest.mark.parametrize("failure", Failure)
def test_failure_is_a_gap_unless_nothing_else_can_be_asked_either(failure: Failure) -> None:
    gaps = Gaps()
    err = ServiceError(Service.PLEX, failure, "no")
    if failure in ABOUT_EVERYTHING:
        with pytest.raises(ServiceError):
            gaps.add_failure(err, GapKind.ITEM, "7", "Heat")
        assert not gaps
    else:
        gaps.add_failure(err, GapKind.ITEM, "7", "Heat")
        assert list(gaps) == [Gap(GapKind.ITEM, "7", "Heat", failure)]


def test_gap_that_lasts_is_reported_after_two_hours_or_three_full_syncs() -> None:
    assert not OpenGap(ROSA, 0.0, PERSISTENT_SYNCS - 1).is_persistent(PERSISTENT_AFTER - 1)
    assert OpenGap(ROSA, 0.0).is_persistent(PERSISTENT_AFTER)
    assert OpenGap(ROSA, 0.0, PERSISTENT_SYNCS).is_persistent(1.0)


def test_full_sync_closes_what_it_could_read_and_others_add_to_what_is_open() -> None:
    first = open_gaps({}, [ROSA], 10.0, whole=True)
    live = open_gaps(first, [MOVIES], 20.0, whole=False)
    assert [(one.gap, one.since, one.syncs) for one in live.values()] == [
        (ROSA, 10.0, 1),
        (MOVIES, 20.0, 0),
    ]
    again = open_gaps(live, [MOVIES], 30.0, whole=True)
    assert [(one.gap, one.since, one.syncs) for one in again.values()] == [(MOVIES, 20.0, 1)]
    assert open_gaps(again, [], 40.0, whole=False) == again
    assert open_gaps(again, [], 40.0, whole=True) == {}


some_gaps = st.lists(
    st.builds(
        Gap,
        st.sampled_from(GapKind),
        st.sampled_from("12"),
        st.just("x"),
        st.sampled_from(Failure),
    ),
    max_size=4,
)


@given(st.lists(st.tuples(some_gaps, st.booleans()), max_size=6))
def test_gap_is_as_old_as_it_was_first_seen_without_a_break(
    runs: list[tuple[list[Gap], bool]],
) -> None:
    known: OpenGaps = {}
    for now, (found, whole) in enumerate(runs):
        before = known
        known = open_gaps(before, found, float(now), whole=whole)
        reported = {(gap.kind, gap.key) for gap in found}
        assert set(known) == (reported if whole else reported | set(before))
        for key, one in known.items():
            assert one.since == (before[key].since if key in before else now)
            assert one.syncs == (before[key].syncs if key in before else 0) + (
                whole and key in reported
            )
