"""What a person's label is called."""

from string import Formatter

from hypothesis import example, given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.model import MediaType, Person, SyncSettings, fold
from custom_components.plex_label_sync.sync.naming import (
    FIELDS,
    FORMAT_TEXT_MAX,
    LABEL_MAX,
    InvalidLabelFormatError,
    check_label_format,
    clean_label,
    label_of,
)
from custom_components.plex_label_sync.sync.person_id import pulsarr_id

from .builders import MOVIE, SHOW

JOINER = "\u200d"
names = st.one_of(
    st.text(max_size=80),
    st.text(
        alphabet=st.sampled_from(
            ["a", "B", ",", "&", "|", " ", "\t", "\x00", JOINER, "🎬", "é", "ß"]
        )
    ),
)
optional_names = st.none() | names
persons = st.builds(
    Person,
    id=st.integers(1, 10**6).map(pulsarr_id),
    username=names,
    alias=optional_names,
    display_name=optional_names,
)
good_formats = st.builds(
    "{}{{{}}}{}".format,
    st.text(alphabet="ab .:-/é", max_size=FORMAT_TEXT_MAX - 3),
    st.sampled_from(["username", "alias", "display_name", "user_id"]),
    st.sampled_from(["", " {type}", "-{user_id}", "{{}}"]),
)


def visible(text: str) -> str:
    """Return what of a label can be seen."""
    return "".join(char for char in text if char.isprintable() and not char.isspace())


@pytest.mark.parametrize(
    ("person", "label_format", "label"),
    [
        (Person(pulsarr_id(1), "rosa"), "{username}", "rosa"),
        (Person(pulsarr_id(1), "rosa", alias="Oma Rosa"), "{alias}", "Oma Rosa"),
        (Person(pulsarr_id(1), "rosa", display_name="Rosa R."), "{display_name}", "Rosa R."),
        (Person(pulsarr_id(1), "rosa"), "{alias}", "rosa"),
        (
            Person(pulsarr_id(1), "rosa", alias="", display_name="  "),
            "{alias}/{display_name}",
            "rosa/rosa",
        ),
        (
            Person(pulsarr_id(1), "rosa", alias=" ,&", display_name="\t"),
            "{alias}/{display_name}",
            "rosa/rosa",
        ),
        (Person(pulsarr_id(7), "rosa"), "wl {user_id} {type}", "wl 7 movie"),
        (Person(pulsarr_id(7), "rosa"), "{{{username}}}", "{rosa}"),
    ],
)
def test_label_follows_the_format_and_falls_back_to_the_username(
    person: Person, label_format: str, label: str
) -> None:
    assert label_of(person, MOVIE, SyncSettings(label_format=label_format)) == label


def test_type_distinguishes_movies_and_shows() -> None:
    assert (
        label_of(
            Person(pulsarr_id(1), "rosa"), MOVIE, SyncSettings(label_format="{username} {type}")
        )
        == "rosa movie"
    )
    assert (
        label_of(
            Person(pulsarr_id(1), "rosa"), SHOW, SyncSettings(label_format="{username} {type}")
        )
        == "rosa show"
    )


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Kim, Lou & Max", "Kim Lou Max"),
        ("  two\t\twords \n", "two words"),
        ("a\x00b\u202ec", "a b c"),
        ("Jurg\u0065\u0301n", "Jurg\u00e9n"),  # e and an accent become one character
        ("100% film +1", "100% film +1"),
        ("👨‍👩‍👧 family", "👨‍👩‍👧 family"),
        ("x" * 100, "x" * LABEL_MAX),
        ("y" * (LABEL_MAX - 1) + " z", "y" * (LABEL_MAX - 1)),
        (",&, ", ""),
        ("a|b", "a b"),
        (JOINER, ""),
        (f"{JOINER} rosa{JOINER}", "rosa"),
    ],
)
def test_text_is_cleaned_of_what_filters_cannot_take(text: str, label: str) -> None:
    assert clean_label(text) == label


def test_person_without_a_usable_name_is_called_by_id() -> None:
    nameless = Person(pulsarr_id(12), " ,&\x07", alias=JOINER, display_name="\u200b")
    for field in ("username", "alias", "display_name"):
        assert label_of(nameless, MOVIE, SyncSettings(label_format=f"{{{field}}}")) == "user_12"


@given(persons, st.sampled_from(MediaType), good_formats)
@example(Person(pulsarr_id(3), JOINER), MOVIE, "{username}")
@example(Person(pulsarr_id(3), "x", alias=JOINER * 3), MOVIE, "{alias}")
@example(Person(pulsarr_id(3), ","), MOVIE, "                              {username}")
def test_every_label_can_stand_in_plex_and_in_a_share_filter(
    person: Person, media_type: MediaType, label_format: str
) -> None:
    label = label_of(person, media_type, SyncSettings(label_format=label_format))
    assert visible(label)
    assert len(label) <= LABEL_MAX
    assert label == label.strip()
    assert not set(label) & {",", "&", "|"}
    assert all(char.isprintable() or char == JOINER for char in label)


@given(names)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_label(text)
    assert clean_label(once) == once
    assert bool(once) is bool(visible(once))


def upper_first(text: str) -> str:
    """Return a label as Plex stores a new one: the first letter in upper case."""
    for index, char in enumerate(text):
        if char.isalpha():
            return text[:index] + char.upper() + text[index + 1 :]
    return text


@given(persons)
@example(Person(pulsarr_id(1), "\u0131pek"))  # its upper case is a plain I
@example(Person(pulsarr_id(1), "straße"))
@example(Person(pulsarr_id(1), "ǆ"))
@example(Person(pulsarr_id(1), "ŉo"))
def test_label_is_the_same_however_plex_writes_its_letters(person: Person) -> None:
    label = label_of(person, MOVIE, SyncSettings())
    assert fold(upper_first(label)) == fold(label)
    assert fold(label.title()) == fold(label)
    assert fold(label.upper()) == fold(label)
    assert fold(fold(label)) == fold(label)


@given(good_formats)
def test_format_that_names_people_is_accepted(label_format: str) -> None:
    check_label_format(label_format)
    settings = SyncSettings(label_format=label_format)
    rosa, tim = Person(pulsarr_id(1), "rosa"), Person(pulsarr_id(2), "tim")
    assert fold(label_of(rosa, MOVIE, settings)) != fold(label_of(tim, MOVIE, settings))


@pytest.mark.parametrize(
    "label_format",
    [
        "",
        "watched",
        "{type}",
        "{{username}}",
        "{}",
        "{0}",
        "{name}",
        "{username} {nobody}",
        "{username.__class__}",
        "{username[0]}",
        "{username!r}",
        "{username:>500}",
        "{username:{alias}}",
        "{username",
        "username}",
        "{username},{alias}",
        "{username} & co",
        f"{'too long, so that no room is left for names':60}{{username}}".replace(",", ""),
    ],
)
def test_format_that_names_no_one_or_breaks_filters_is_refused(label_format: str) -> None:
    with pytest.raises(InvalidLabelFormatError):
        check_label_format(label_format)


def fields_of(label_format: str) -> set[str] | None:
    """Return the fields of a format, None when it is no format."""
    try:
        return {name for _, name, _, _ in Formatter().parse(label_format) if name is not None}
    except ValueError:
        return None


@given(
    st.lists(
        st.sampled_from(
            [
                "{",
                "}",
                "{{",
                "}}",
                *(f"{{{name}}}" for name in sorted(FIELDS)),
                "{x}",
                ",",
                "&",
                "|",
                "a",
            ]
        ),
        max_size=6,
    ).map("".join)
    | st.text()
)
def test_exactly_the_formats_that_name_people_are_accepted(label_format: str) -> None:
    fields = fields_of(label_format)
    try:
        check_label_format(label_format)
    except InvalidLabelFormatError:
        assert (
            not fields
            or fields == {"type"}
            or not fields <= set(FIELDS)
            or "," in label_format
            or "&" in label_format
            or "|" in label_format
            or len(label_format) > FORMAT_TEXT_MAX
        )
    else:
        assert fields is not None
        assert fields <= set(FIELDS)
        assert fields - {"type"}
        one, other = (
            label_of(
                Person(pulsarr_id(n), f"name {n}"), MOVIE, SyncSettings(label_format=label_format)
            )
            for n in (1, 2)
        )
        assert fold(one) != fold(other)
