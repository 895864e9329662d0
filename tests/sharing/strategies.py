"""Strategies for rules: what they mean, and how different programs write them."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import strategies as st

from .brute import Meaning, Test, Thing

LABELS = ["rosa", "tim", "family", "scary", "Age 0", "Kids & Co", "a|b", "rosé", "100%", "x=y"]
RATINGS = ["G", "PG-13", "de/12", "FSK 0", "TV-MA"]
FIELDS = {"label": "label", "rating": "contentRating"}


def _tests() -> st.SearchStrategy[Test]:
    values = st.one_of(
        st.tuples(st.just("label"), st.lists(st.sampled_from(LABELS), min_size=1, max_size=3)),
        st.tuples(st.just("rating"), st.lists(st.sampled_from(RATINGS), min_size=1, max_size=3)),
        st.tuples(st.just("genre"), st.just(["Horror"])),
    )
    return st.builds(
        lambda what, negated: Test(what[0], tuple(what[1]), negated), values, st.booleans()
    )


meanings: st.SearchStrategy[Meaning] = st.lists(
    st.lists(_tests(), min_size=1, max_size=3), min_size=1, max_size=4
)

things: st.SearchStrategy[Thing] = st.builds(
    lambda labels, rating: Thing(frozenset(map(str.casefold, labels)), rating.casefold()),
    st.sets(st.sampled_from(LABELS)),
    st.sampled_from(["", *RATINGS]),
)


def folded(meaning: Meaning) -> Meaning:
    """Return the meaning with lowercase values, as items have them."""
    return [
        [Test(one.field, tuple(map(str.casefold, one.values)), one.negated) for one in line]
        for line in meaning
    ]


@st.composite
def written(draw: st.DrawFn, meaning: Meaning) -> str:
    """Draw a notation of a meaning, with either comma and any amount of encoding."""
    return "&".join("|".join(_condition(draw, one) for one in line) for line in meaning)


def _condition(draw: st.DrawFn, test: Test) -> str:
    comma = draw(st.sampled_from([",", "%2C", "%2c"]))
    sign = "!=" if test.negated else "="
    field = FIELDS.get(test.field, test.field)
    return field + sign + comma.join(_value(draw, one) for one in test.values)


def _value(draw: st.DrawFn, text: str) -> str:
    text = draw(st.sampled_from([text, text.upper(), text.lower()]))
    if draw(st.booleans()):
        return quote(text, safe="")
    # Every program encodes what has a meaning in a rule.
    return "".join(quote(one, safe="") if one in "%&|=,+" else one for one in text)
