"""The throw-away labels: told from all others, whatever the server makes of their spelling."""

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.probe.labels import (
    LONG,
    all_in_capitals,
    belongs,
    in_capitals,
    long_label,
    other_spelling,
    short_label,
)
from custom_components.plex_label_sync.probe.model import Trial
from simulators.plex.tags import LabelRules, capitalized

suffixes = st.text("0123456789", min_size=8, max_size=8)
capitals = st.sampled_from(("first", "words", "none"))


def trial(suffix: str, before: tuple[str, ...] = ()) -> Trial:
    short = short_label(suffix)
    texts = (short, in_capitals(short), all_in_capitals(short), long_label(suffix))
    return Trial("1", "1", texts, before, locked=False)


@given(suffixes, capitals, st.integers(20, LONG))
def test_whatever_is_stored_belongs_to_its_trial(suffix: str, mode: str, cut: int) -> None:
    one = trial(suffix)
    for text in one.texts:
        assert belongs(capitalized(text, mode)[:cut], one)  # type: ignore[arg-type]


@given(suffixes, st.text(max_size=30))
def test_other_labels_do_not_belong(suffix: str, text: str) -> None:
    if not text.casefold().startswith("plex-probe"):
        assert not belongs(text, trial(suffix))


@given(suffixes, suffixes)
def test_labels_of_another_trial_do_not_belong(suffix: str, other: str) -> None:
    if suffix != other:
        assert not any(belongs(text, trial(suffix)) for text in trial(other).texts)


@given(suffixes)
def test_what_the_movie_carried_before_does_not_belong(suffix: str) -> None:
    short = short_label(suffix)
    assert not belongs(short, trial(suffix, before=(short,)))


@given(suffixes, capitals, st.booleans())
def test_other_spelling_is_none_that_is_there_and_the_same_to_the_server(
    suffix: str, mode: str, reused: bool
) -> None:
    first = capitalized(short_label(suffix), mode)  # type: ignore[arg-type]
    present = {first} if reused else {first, in_capitals(first), all_in_capitals(first)}
    other = other_spelling(first, present)
    ascii_fold = LabelRules(label_fold="ascii").fold
    assert other not in present
    assert ascii_fold(other) == ascii_fold(first)


def test_long_label_is_long_and_has_its_suffix_early() -> None:
    text = long_label("12345678")
    assert len(text) == LONG
    assert "12345678" in text[:30]
