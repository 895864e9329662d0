"""The checklist ticks itself off: labels first, restrictions after."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.sharing.model import Access, Account, Unread
from custom_components.plex_label_sync.sharing.rules import parse
from custom_components.plex_label_sync.sharing.steps import allows, steps
from custom_components.plex_label_sync.sharing.survey import Facts
from custom_components.plex_label_sync.sync.model import MediaType, Person
from custom_components.plex_label_sync.sync.person_id import pulsarr_id

from .builders import MOVIE, ROSA, SHOW, facts, friend, one


def lines(account: Account, some: Facts) -> dict[str, tuple[bool | None, Unread | None]]:
    """Return whether each line is done, and what is unread if that is unknown."""
    return {step.key.value: (step.done, step.unread) for step in steps(one(account, some))}


def undone(account: Account, some: Facts | None = None) -> list[str]:
    """Return what is left to do, in order."""
    return [step.key.value for step in steps(one(account, some)) if not step.done]


def test_everything_is_to_be_done_at_first_and_nothing_at_last() -> None:
    unlabelled = facts(movies=("", ""), shows=("", ""))
    rules = ["preview", "movies", "shows", "wishes"]
    assert undone(friend(access=Access.NONE), unlabelled) == ["account", "labelled", *rules]
    assert undone(friend(), unlabelled) == ["labelled", *rules]
    assert undone(friend(preset="teen", rule="contentRating=G")) == ["preset", *rules]
    assert undone(friend()) == rules
    assert undone(friend(movies="label=rosa")) == ["preview", "shows", "wishes"]
    assert undone(friend("label=rosa")) == []


def test_rule_that_shows_nearly_everything_leaves_its_lines_to_do() -> None:
    assert undone(friend("label=rosa|label!=kids")) == ["preview", "movies", "shows", "wishes"]
    assert undone(friend("label=rosa&label!=kids")) == []


def test_wanted_title_that_stays_hidden_is_the_last_line() -> None:
    some = facts(wanted=((MOVIE, 1), (SHOW, 0)))
    assert undone(friend("label=rosa&label!=scary"), some) == ["wishes"]


def test_only_what_is_shared_needs_a_rule() -> None:
    alone = friend("label=rosa", shows="", libraries=frozenset({"1"}))
    assert undone(alone) == []


def test_line_about_labels_counts() -> None:
    some = facts(wanted=((MOVIE, 0), (MOVIE, 3), (SHOW, -1)))
    line = next(step for step in steps(one(friend(), some)) if step.key == "labelled")
    assert line.details == {
        "name": "Rosa",
        "label": "rosa",
        "labelled": 1,
        "wanted": 3,
        "missing": 1,
    }
    assert not line.done


def test_no_one_without_a_label_has_a_list() -> None:
    assert steps(one(friend(), facts(labels={}))) == ()
    owner = facts(people=(Person(pulsarr_id(1), "max"),))
    assert steps(one(friend(), owner)) == ()


def test_label_is_allowed_in_whatever_reading() -> None:
    assert allows(parse("label=Rosa,family&label!=scary"), "rosa")
    assert allows(parse("contentRating=G|label=rosa"), "rosa")
    assert not allows(parse("label!=rosa"), "rosa")
    assert not allows(parse("label=rosa+maria"), "rosa maria")
    assert not allows(parse(None), "rosa")


RULES = (
    "",
    "label=rosa",
    "label=rosa&label!=scary",
    "label=rosa,family",
    "label=rosa&genre=1",
    "label==rosa",
    None,
)


@given(st.data())
def test_less_that_is_read_never_settles_a_line_otherwise(data: st.DataObject) -> None:
    """A line is as it would be with everything read, or unknown with a reason."""
    shelf = data.draw(st.lists(st.sampled_from(["rosa", "rosa scary", "family", ""]), max_size=6))
    absent = data.draw(st.integers(0, 2))
    wanted = [(MOVIE, n) for n in range(len(shelf))] + [(MOVIE, -1)] * absent
    full = facts(movies=(*shelf, "kids"), shows=("rosa",), wanted=wanted)
    account = friend(data.draw(st.sampled_from(RULES)))
    sets = st.integers(0, (1 << len(shelf)) - 1)
    unread, unmarked = data.draw(sets), data.draw(sets)
    list_unread = data.draw(st.booleans())
    movies = full.catalogs[MOVIE]
    carriers = {label: some & ~unread for label, some in movies.carriers.items()}
    unmarked |= unread
    less = replace(
        full,
        catalogs={
            **full.catalogs,
            MOVIE: replace(
                movies,
                carriers=carriers,
                nameless=unread,
                unidentified=unread,
                marked={"rosa": carriers["rosa"] & ~unmarked},
                unmarked=unmarked,
            ),
        },
        wanted=[
            replace(title, items=title.items & ~unread)
            for title in full.wanted[: data.draw(st.integers(0, 6)) if list_unread else None]
        ],
        unread_lists=frozenset({ROSA.id} if list_unread else ()),
    )
    everything, part = lines(account, full), lines(account, less)
    assert part.keys() == everything.keys()
    for key, (done, why) in part.items():
        assert done in {None, everything[key][0]}, key
        assert (why is not None) is (done is None), key


def test_nothing_is_done_while_nothing_was_read() -> None:
    blank = facts(wanted=(), unread_lists=None)
    unsaid = friend(None, preset=None, libraries=None)
    assert lines(unsaid, blank) == {
        "account": (None, Unread.ACCOUNT),
        "labelled": (None, Unread.WATCHLIST),
        "preset": (None, Unread.ACCOUNT),
        "preview": (None, Unread.ACCOUNT),
        "movies": (None, Unread.ACCOUNT),
        "shows": (None, Unread.ACCOUNT),
        "wishes": (None, Unread.ACCOUNT),
    }


def test_rule_that_allows_the_label_in_one_of_two_readings_leaves_its_line_unknown() -> None:
    odd = facts(labels={(ROSA.id, kind): "rosa maria" for kind in MediaType})
    assert lines(friend("label=rosa+maria"), odd)["movies"] == (None, Unread.RULE)


def test_library_that_could_not_be_read_may_have_any_wanted_title() -> None:
    known = facts(wanted=((MOVIE, 0), (SHOW, 0), (MOVIE, -1)))
    movies = replace(known.catalogs[MOVIE], partial=frozenset({"1"}))
    part = replace(known, catalogs={**known.catalogs, MOVIE: movies})
    assert lines(friend("label=rosa"), known)["wishes"] == (True, None)
    assert lines(friend("label=rosa"), part)["wishes"] == (None, Unread.ITEMS)
    assert lines(friend("label=rosa"), part)["labelled"] == (None, Unread.ITEMS)
