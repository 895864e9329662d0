"""The pure parts of the Plex simulator: edit arguments, label spelling, listing conditions."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from hypothesis import assume, given, strategies as st
import pytest

from simulators.http import Fault, Faults, parse_pairs, redact_query
from simulators.plex.edits import LabelEdit, parse_label_edit, removal_texts
from simulators.plex.filters import Condition, Group, parse_conditions, parse_listing
from simulators.plex.selection import Keys
from simulators.plex.tags import LabelRules, TagStore, capitalized

LABELS = st.text(min_size=1, max_size=12).filter(str.strip)


@given(st.lists(LABELS, unique=True, max_size=5), st.lists(LABELS, unique=True, max_size=5))
def test_properly_encoded_edits_arrive_as_meant(add: list[str], remove: list[str]) -> None:
    arguments = [(f"label[{index}].tag.tag", label) for index, label in enumerate(add)]
    if remove:
        arguments.append(("label[].tag.tag-", ",".join(quote(label, safe="") for label in remove)))
    edit = parse_label_edit(parse_pairs(urlencode(arguments)))
    assert (edit.add, edit.remove) == (tuple(add), tuple(remove))


@given(LABELS)
def test_singly_encoded_removal_is_right_only_for_simple_labels(label: str) -> None:
    assume(not set(label) & set(",%+"))
    assert removal_texts(label) == (label,)


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        ("A,B", ("A", "B")),
        ("C%2C x,D", ("C, x", "D")),
        ("a+b", ("a b",)),
        ("%41", ("A",)),
        ("100%25", ("100%",)),
        (",,", ()),
        ("", ()),
    ],
)
def test_removal_is_split_at_commas_and_decoded_again(
    sent: str, understood: tuple[str, ...]
) -> None:
    assert removal_texts(sent) == understood


@pytest.mark.parametrize("index", ["0", "7", ""])
def test_any_index_adds(index: str) -> None:
    assert parse_label_edit([(f"label[{index}].tag.tag", "X")]).add == ("X",)


def test_repeated_values_all_count() -> None:
    pairs = [
        ("label[].tag.tag", "A"),
        ("label[].tag.tag", "B"),
        ("label[].tag.tag-", "C"),
        ("label[].tag.tag-", "D,E"),
    ]
    edit = parse_label_edit(pairs)
    assert (edit.add, edit.remove) == (("A", "B"), ("C", "D", "E"))


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8))))
def test_garbage_is_no_edit(pairs: list[tuple[str, str]]) -> None:
    assume(not any(name.startswith("label") for name, _ in pairs))
    assert parse_label_edit(pairs) == LabelEdit()


@pytest.mark.parametrize(
    "name",
    [
        "label[x].tag.tag",
        "label.tag.tag",
        "label[0].tag.tagg",
        "genre[0].tag.tag",
        "label[0]",
        "Label[0].tag.tag",
    ],
)
def test_misspelled_edit_arguments_do_nothing(name: str) -> None:
    assert parse_label_edit([(name, "X")]) == LabelEdit()


@pytest.mark.parametrize(("value", "lock"), [("1", True), ("0", False), ("yes", None), ("", None)])
def test_lock_is_set_cleared_or_left_alone(value: str, lock: bool | None) -> None:
    assert parse_label_edit([("label.locked", value)]).lock is lock


@pytest.mark.parametrize(
    ("mode", "label", "stored"),
    [
        ("first", ".hidden", ".Hidden"),
        ("first", "shortlist_x", "Shortlist_x"),
        ("first", "mika-whitelist", "Mika-whitelist"),
        ("first", "jürgen", "Jürgen"),
        ("first", "émile", "Émile"),
        ("first", "ßa", "ßa"),
        ("first", "🎉party", "🎉Party"),
        ("first", "4k hdr", "4k hdr"),
        ("words", "leaving-soon", "Leaving-Soon"),
        ("words", "grade:upper", "Grade:Upper"),
        ("words", "reely_family", "Reely_family"),
        ("none", "leaving-soon", "leaving-soon"),
    ],
)
def test_new_labels_are_capitalized(mode: str, label: str, stored: str) -> None:
    assert capitalized(label, mode) == stored  # type: ignore[arg-type]  # one of the modes


@given(LABELS, st.sampled_from(["first", "words", "none"]))
def test_capitalizing_changes_case_only_and_settles(label: str, mode: str) -> None:
    stored = capitalized(label, mode)  # type: ignore[arg-type]  # one of the modes
    assert stored.casefold() == label.casefold()
    assert capitalized(stored, mode) == stored  # type: ignore[arg-type]  # one of the modes


@given(st.lists(LABELS, min_size=1, max_size=8))
def test_one_tag_per_label_whatever_the_case_when_spelling_is_reused(labels: list[str]) -> None:
    store = TagStore()
    for label in labels:
        assert store.obtain(label) is store.obtain(label)
    assert len(store.all()) == len({label.casefold() for label in labels})


def test_spellings_are_apart_when_not_reused() -> None:
    store = TagStore()
    store.rules = LabelRules(capitalize="none", reuse_spelling=False)
    assert store.obtain("Kids").id != store.obtain("kids").id
    assert store.find("KIDS") == [store.obtain("Kids"), store.obtain("kids")]


def test_a_label_may_be_found_by_id_or_text() -> None:
    store = TagStore()
    tag = store.obtain("2024")
    assert store.find(str(tag.id)) == [tag]
    assert store.find("2024") == [tag]
    assert store.find("20") == []


def a(name: str) -> Condition:
    return Condition("label", "=", (name,))


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("label=A,B", Group(((Condition("label", "=", ("A", "B")),),))),
        ("label=A&label=B", Group(((a("A"), a("B")),))),
        ("label!=A", Group(((Condition("label", "!=", ("A",)),),))),
        ("show.label=A", Group(((a("A"),),))),
        ("title==Heat", Group(((Condition("title", "==", ("Heat",)),),))),
        ("title=Heat, a film", Group(((Condition("title", "=", ("Heat, a film",)),),))),
        ("label=A&or=1&label=B", Group(((a("A"),), (a("B"),)))),
        (
            "push=1&label=A&or=1&label=B&pop=1&label=C",
            Group(((Group(((a("A"),), (a("B"),))), a("C")),)),
        ),
        ("pop=1&label=A", Group(((a("A"),),))),
        ("push=1&label=A", Group(((Group(((a("A"),),)),),))),
        ("year>>=1990&unknown=1&addedAt>>=5&label=", Group(((),))),
    ],
)
def test_conditions_are_understood_and_unknown_ones_ignored(query: str, where: Group) -> None:
    assert parse_conditions(parse_pairs(query)) == where


def test_range_filters_count_only_when_configured() -> None:
    pairs = parse_pairs("addedAt>>=5&addedAt<<=9")
    assert parse_conditions(pairs) == Group(((),))
    assert parse_conditions(pairs, ranges=True) == Group(
        ((Condition("addedAt", ">>=", ("5",)), Condition("addedAt", "<<=", ("9",))),)
    )


@given(
    st.lists(
        st.sampled_from(["push=1", "pop=1", "or=1", "and=1", "label=A", "id=5", "junk=1"]),
        max_size=40,
    )
)
def test_any_order_of_brackets_is_survived(words: list[str]) -> None:
    assert isinstance(parse_conditions(parse_pairs("&".join(words))), Group)


@given(st.text(max_size=30))
def test_any_paging_text_is_survived(text: str) -> None:
    listing = parse_listing(
        [("X-Plex-Container-Size", text), ("type", text), ("sort", text), ("limit", text)], {}
    )
    assert listing.size is None or listing.size >= 0


KEYS = st.builds(Keys, st.frozensets(st.sampled_from("abcd")), st.booleans())


def members(keys: Keys) -> set[str]:
    return set("abcdxyz") - keys.keys if keys.negated else set(keys.keys)


@given(KEYS, KEYS)
def test_key_sets_are_an_algebra(one: Keys, two: Keys) -> None:
    assert members(one & two) == members(one) & members(two)
    assert members(one | two) == members(one) | members(two)
    assert members(~one) == set("abcdxyz") - members(one)


@given(nth=st.integers(1, 5), times=st.integers(1, 4), requests=st.integers(0, 15))
def test_a_fault_acts_from_its_nth_request_as_often_as_configured(
    nth: int, times: int, requests: int
) -> None:
    faults = Faults()
    faults.add(Fault("busy", method="GET", nth=nth, times=times))
    acted = [faults.pick("GET", "/x") is not None for _ in range(requests)]
    assert acted == [nth <= number < nth + times for number in range(1, requests + 1)]
    assert faults.pick("PUT", "/x") is None


def test_a_fault_with_seconds_acts_for_that_time_after_it_began() -> None:
    faults = Faults()
    faults.add(Fault("unavailable", nth=2, seconds=30))
    times = [0.0, 100.0, 110.0, 129.0, 131.0, 200.0]
    assert [faults.pick("GET", "/x", now) is not None for now in times] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]


def test_secrets_are_taken_out_of_a_query_and_nothing_else() -> None:
    assert redact_query("type=1&X-Plex-Token=geheim&id=1%2C2") == "type=1&X-Plex-Token=***&id=1%2C2"
    assert redact_query("label%5B0%5D.tag.tag=a+b") == "label%5B0%5D.tag.tag=a+b"
