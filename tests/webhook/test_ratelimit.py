"""The token bucket and the silence that becomes suspicious: pure rules."""

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.webhook.missed_webhooks import (
    FINDS_MIN,
    LATE,
    SILENCE_MIN,
    Silence,
)
from custom_components.plex_label_sync.webhook.ratelimit import TokenBucket


@given(st.lists(st.floats(0, 10), max_size=200), st.integers(1, 20), st.floats(0.1, 5))
def test_never_more_pass_than_the_burst_and_the_rate_allow(
    pauses: list[float], burst: int, rate: float
) -> None:
    bucket, now, passed = TokenBucket(burst, rate), 0.0, 0
    for pause in pauses:
        now += pause
        passed += bucket.take(now) == 0
        assert passed <= burst + now * rate + 1e-6


@given(st.integers(1, 20), st.floats(0.1, 5), st.integers(1, 40))
def test_client_that_waits_as_requested_gets_through(burst: int, rate: float, greed: int) -> None:
    bucket = TokenBucket(burst, rate)
    assert [bucket.take(0.0) for _ in range(burst)] == [0] * burst
    waits = [bucket.take(0.0) for _ in range(greed)]
    assert len(set(waits)) == 1
    assert waits[0] >= 1
    assert bucket.take(float(waits[0])) == 0


def test_clock_that_goes_backwards_gives_nothing_away() -> None:
    bucket = TokenBucket(1, 1.0)
    assert bucket.take(100.0) == 0
    assert bucket.take(50.0) == 1


@given(st.lists(st.floats(0, 10 * SILENCE_MIN), max_size=20))
def test_silence_is_suspicious_only_after_a_day_and_several_late_finds(finds: list[float]) -> None:
    silence = Silence(0.0)
    for moment in sorted(finds):
        silence = silence.with_find(moment)
    late = sum(moment >= LATE for moment in finds)
    assert silence.is_suspicious(20 * SILENCE_MIN) == (late >= FINDS_MIN)
    assert not silence.is_suspicious(SILENCE_MIN - 1)
