"""How a change of labels is written as requests."""

from urllib.parse import parse_qsl, unquote

from hypothesis import assume, example, given, strategies as st
import pytest

from custom_components.plex_label_sync.plex.edits import (
    PUT_IDS_MAX,
    TYPE_NUMBERS,
    URL_MAX,
    EditPart,
    edit_parts,
    edit_query,
)
from custom_components.plex_label_sync.sync.model import MediaType
from custom_components.plex_label_sync.sync.naming import LABEL_MAX

MOVIE, SHOW = MediaType.MOVIE, MediaType.SHOW
PATH_BYTES = len("/library/sections/1/all")

# As in labels that are ours: no longer than LABEL_MAX; foreign ones may hold anything.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=LABEL_MAX).filter(
    str.strip
)
nasty = st.lists(
    st.sampled_from(
        ["%", "+", ",", "&", "=", "#", "%2C", "%41", " ", "🎬", "é", "a", "/", "?", ";"]
    ),
    min_size=1,
    max_size=12,
).map("".join)
labels = st.lists(texts | nasty.filter(str.strip), max_size=6, unique=True).map(tuple)
keys = st.lists(st.integers(1, 10**8).map(str), min_size=1, max_size=400, unique=True).map(tuple)


def test_every_kind_of_title_has_a_number_of_its_own() -> None:
    assert set(TYPE_NUMBERS) == set(MediaType)
    assert len(set(TYPE_NUMBERS.values())) == len(MediaType)


def understood(query: str) -> tuple[list[str], list[str], list[str], dict[str, str]]:
    """Return ids, added and removed labels and the rest, as Plex understands a query."""
    added, removed, rest = [], [], {}
    for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=True):
        if name.startswith("label[") and name.endswith("].tag.tag"):
            added.append(value)
        elif name == "label[].tag.tag-":
            removed += [unquote(part) for part in value.split(",")]
        else:
            assert name not in rest
            rest[name] = value
    return rest.pop("id").split(","), added, removed, rest


def test_edit_is_written_as_plex_expects_it() -> None:
    part = EditPart(("101", "102"), ("Family", "Watch & Go"), ("Old one", "C, x"))
    assert edit_query(SHOW, part) == (
        "type=2&id=101,102"
        "&label%5B0%5D.tag.tag=Family&label%5B1%5D.tag.tag=Watch%20%26%20Go"
        "&label%5B%5D.tag.tag-=Old%2520one%2CC%252C%2520x"
        "&label.locked=1"
    )


@pytest.mark.parametrize(
    "rating_keys", [(), ("",), ("1", ""), ("all",), ("1,2",), ("1 ",), ("-1",), ("٣",), ("1\n",)]
)
def test_edit_that_names_no_item_is_refused(rating_keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="name its items"):
        edit_query(MOVIE, EditPart(rating_keys, ("Family",), ()))


def test_edit_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="change something"):
        edit_query(MOVIE, EditPart(("1",), (), ()))


@pytest.mark.parametrize("part", [EditPart((), ("a",), ()), EditPart(("1",), (), ())])
def test_edit_without_sense_is_refused_before_it_is_cut_into_parts(part: EditPart) -> None:
    with pytest.raises(ValueError, match="must"):
        list(edit_parts(MOVIE, part, path_bytes=PATH_BYTES))


@pytest.mark.parametrize("text", ["100% a+b", "a,b", "%41", "%", "+", "👩‍🚀 & co", "a=b;c#d?e/f"])
def test_awkward_label_arrives_as_it_is(text: str) -> None:
    query = edit_query(MOVIE, EditPart(("1",), (text,), (text,)))
    assert understood(query) == (["1"], [text], [text], {"type": "1", "label.locked": "1"})


@given(keys, labels, labels)
@example(("1",), (), ("%2C", ",", "a,%"))
def test_every_label_and_every_item_arrive_as_they_are(
    ids: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    assume(add or remove)
    query = edit_query(MOVIE, EditPart(ids, add, remove))
    rest = {"type": "1", "label.locked": "1"}
    assert understood(query) == (list(ids), list(add), list(remove), rest)


@given(keys, labels, labels)
def test_parts_make_every_change_on_every_item_exactly_once(
    ids: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    assume(add or remove)
    parts = list(edit_parts(MOVIE, EditPart(ids, add, remove), path_bytes=PATH_BYTES))
    done = [
        (what, label, key)
        for part in parts
        for what, some in (("add", part.add), ("remove", part.remove))
        for label in some
        for key in part.rating_keys
    ]
    expected = [("add", label, key) for label in add for key in ids]
    expected += [("remove", label, key) for label in remove for key in ids]
    assert sorted(done) == sorted(expected)


@given(keys, labels, labels, st.integers(PATH_BYTES, 900))
@example(
    tuple(map(str, range(10**7, 10**7 + 400))), tuple("🎬" * n for n in range(50, 60)), (), 900
)
@example(tuple(map(str, range(10**7, 10**7 + 400))), ("🎬" * 180,), (), 900)
@example(tuple(map(str, range(10**7, 10**7 + 400))), ("🎬" * 180,), (), PATH_BYTES)
def test_no_part_is_longer_than_servers_and_proxies_take(
    ids: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...], path_bytes: int
) -> None:
    assume(add or remove)
    for part in edit_parts(MOVIE, EditPart(ids, add, remove), path_bytes=path_bytes):
        assert 1 <= len(part.rating_keys) <= PUT_IDS_MAX
        assert len(set(part.rating_keys)) == len(part.rating_keys)
        size = path_bytes + len("?") + len(edit_query(MOVIE, part))
        assert size <= URL_MAX


@given(st.integers(1, 1000), labels.filter(bool))
def test_short_labels_cost_no_more_edits_than_there_are_chunks(
    count: int, add: tuple[str, ...]
) -> None:
    ids = tuple(map(str, range(1, count + 1)))
    short = tuple(f"label {number}" for number in range(len(add)))
    parts = list(edit_parts(MOVIE, EditPart(ids, short, ()), path_bytes=PATH_BYTES))
    assert len(parts) == -(-count // PUT_IDS_MAX)


def test_label_too_long_for_any_address_still_goes_out_one_item_at_a_time() -> None:
    whole = EditPart(("1", "2"), (), ("🎬" * 500,))
    parts = list(edit_parts(MOVIE, whole, path_bytes=PATH_BYTES))
    assert [part.rating_keys for part in parts] == [("1",), ("2",)]


@given(keys.filter(lambda some: len(some) > 1))
def test_halves_hold_all_items_once(ids: tuple[str, ...]) -> None:
    whole = EditPart(ids, ("a",), ("b",))
    first, second = whole.halves()
    assert first.rating_keys + second.rating_keys == ids
    assert first.rating_keys
    assert second.rating_keys
    assert (first.add, first.remove) == (second.add, second.remove) == (("a",), ("b",))
