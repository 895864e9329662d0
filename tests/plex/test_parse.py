"""What Plex's answers mean."""

from collections.abc import Callable
import copy
from typing import Any

from hypothesis import example, given, strategies as st
import pytest

from custom_components.plex_label_sync.plex import item_answers, parse
from custom_components.plex_label_sync.sync.model import Library, MediaType, StoredLabel
from custom_components.plex_label_sync.transport import BrokenText

MOVIES = Library("1", MediaType.MOVIE, "Movies")
SHOWS = Library("2", MediaType.SHOW, "TV Shows")
HEX = "5d7768267228e5001f1df33e"


def answer(**fields: object) -> dict[str, object]:
    """Return an answer in Plex's envelope."""
    return {"MediaContainer": fields}


def row(rating_key: object = "101", **fields: object) -> dict[str, object]:
    """Return one row of a listing."""
    return {"ratingKey": rating_key, "title": "Heat", "guid": f"plex://movie/{HEX}", **fields}


# Ids


@pytest.mark.parametrize(
    ("guid", "ids"),
    [
        (f"plex://movie/{HEX}", {f"plex:{HEX}"}),
        (f"plex://show/{HEX}", {f"plex:{HEX}"}),
        (f"plex://season/{HEX}", set()),
        (f"plex://movie/{HEX}0", set()),
        ("plex://movie/short", set()),
        ("com.plexapp.agents.imdb://tt0133093?lang=en", {"imdb:tt0133093"}),
        ("com.plexapp.agents.imdb://tt0133093", {"imdb:tt0133093"}),
        ("com.plexapp.agents.themoviedb://603?lang=en", {"tmdb:603"}),
        ("com.plexapp.agents.thetvdb://121361?lang=de", {"tvdb:121361"}),
        ("com.plexapp.agents.thetvdb://121361/1/2?lang=en", {"tvdb:121361"}),
        ("com.plexapp.agents.hama://tvdb-121361?lang=en", {"tvdb:121361"}),
        ("com.plexapp.agents.hama://tmdb-603?lang=en", {"tmdb:603"}),
        ("com.plexapp.agents.hama://imdb-tt0133093?lang=en", {"imdb:tt0133093"}),
        ("com.plexapp.agents.hama://anidb-1234?lang=en", set()),
        ("com.plexapp.agents.hama://1234?lang=en", set()),
        ("com.plexapp.agents.hama://tvdb2-121361?lang=en", {"tvdb:121361"}),
        ("com.plexapp.agents.hama://tvdb5-121361-s2?lang=en", {"tvdb:121361"}),
        ("com.plexapp.agents.hama://tvdb6-121361?lang=en", set()),
        ("com.plexapp.agents.hama://tsdb-1399?lang=en", {"tmdb:1399"}),
        ("com.plexapp.agents.hama://tvdb-none?lang=en", set()),
        ("com.plexapp.agents.xbmcnfo://tt0133093?lang=xn", {"imdb:tt0133093"}),
        ("com.plexapp.agents.xbmcnfo://603?lang=xn", {"tmdb:603"}),
        ("com.plexapp.agents.xbmcnfo://a-name?lang=xn", set()),
        ("xbmcnfo://603", {"tmdb:603"}),
        ("com.plexapp.agents.xbmcnfotv://121361?lang=xn", {"tvdb:121361"}),
        ("xbmcnfotv://121361/1/2", {"tvdb:121361"}),
        ("imdb://tt0133093", set()),
        ("tv.plex.agents.custom.example://movie/tmdb-movie-603", set()),
        ("tv.plex.agents.custom.example://movie/tt0133093", set()),
        ("com.plexapp.agents.imdb://tvdb-1234?lang=en", set()),
        ("com.plexapp.agents.none://0f3a?lang=xn", set()),
        ("local://4711", set()),
        ("collection://12", set()),
        ("", set()),
    ],
)
def test_primary_guid_of_every_agent_is_understood(guid: str, ids: set[str]) -> None:
    assert parse.ids_of(guid, []) == ids


def test_external_ids_stand_beside_the_primary_guid() -> None:
    children: list[dict[str, object]] = [
        {"id": "imdb://tt0113277"},
        {"id": "tmdb://949"},
        {"id": "tvdb://347"},
        {"id": "mbid://1"},
        {"id": "tmdb://"},
        {"id": "tmdb://1/2"},
        {"id": 949},
        {},
    ]
    assert parse.ids_of(f"plex://movie/{HEX}", children) == {
        f"plex:{HEX}",
        "imdb:tt0113277",
        "tmdb:949",
        "tvdb:347",
    }


def test_item_of_a_custom_provider_has_the_ids_that_stand_beside_its_guid() -> None:
    guid = "tv.plex.agents.custom.example://show/tvdb-78874"
    assert parse.ids_of(guid, [{"id": "tvdb://78874"}]) == {"tvdb:78874"}


@given(st.text(), st.lists(st.fixed_dictionaries({"id": st.text() | st.integers()})))
def test_ids_are_always_of_a_known_kind(guid: str, children: list[dict[str, object]]) -> None:
    for one in parse.ids_of(guid, children):
        kind, _, value = one.partition(":")
        assert kind in {"plex", "imdb", "tmdb", "tvdb"}
        assert value


# Listings


def test_page_holds_items_with_their_ids_and_place() -> None:
    rows = [row("101", Guid=[{"id": "tmdb://949"}]), row("102", guid="local://1", title="Up")]
    page = parse.items(answer(size=2, offset=5, totalSize=9, Metadata=rows), MOVIES, tuple)
    assert (page.offset, page.total) == (5, 9)
    heat, up = page.content
    assert (heat.rating_key, heat.library, heat.type) == ("101", "1", MediaType.MOVIE)
    assert (heat.title, set(heat.ids)) == ("Heat", {f"plex:{HEX}", "tmdb:949"})
    assert (up.title, up.ids) == ("Up", frozenset())


def test_absent_lists_mean_empty_ones() -> None:
    page = parse.items(answer(size=0), MOVIES, tuple)
    assert page == parse.Page((), 0, 0, 0)
    assert parse.rating_keys(answer(size=0)) == parse.Page((), 0, 0, 0)
    assert parse.libraries(answer(size=0)) == parse.Directory(())
    assert parse.stored_labels(answer(size=0)) == parse.Directory(())


def test_numbers_may_be_text_and_text_may_be_numbers() -> None:
    listing = answer(size="1", offset="0", totalSize="1", Metadata=[row(101)])
    page = parse.items(listing, SHOWS, tuple)
    assert (page.content[0].rating_key, page.total) == ("101", 1)
    assert parse.rating_keys(listing) == parse.Page(("101",), 1, 0, 1, keys=("101",))
    assert parse.total(answer(size="0", totalSize="7")) == 7
    assert parse.stored_labels(answer(Directory=[{"key": 20481, "title": "Anna"}])).content == (
        StoredLabel("20481", "Anna"),
    )


def test_listing_that_was_not_paged_is_everything() -> None:
    page = parse.items(answer(size=1, Metadata=[row()]), MOVIES, tuple)
    assert (page.offset, page.total) == (0, 1)


@pytest.mark.parametrize("fields", [{"size": 3}, {"size": 1}, {"size": 0}])
def test_page_with_other_rows_than_it_claims_is_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="2 rows instead of"):
        parse.items(answer(**fields, Metadata=[row("1"), row("2")]), MOVIES, tuple)


@pytest.mark.parametrize("fields", [{"size": 3}, {"size": 1}, {"size": 0}])
def test_list_of_carriers_with_other_rows_than_it_claims_is_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="2 rows instead of"):
        parse.rating_keys(answer(**fields, Metadata=[row("1"), row("2")]))


@pytest.mark.parametrize("size", [0, 2, 7])
def test_directory_with_other_rows_than_it_claims_is_not_known_in_full(size: int) -> None:
    rows = [{"key": "1", "type": "movie", "title": "Movies"}]
    for parser in (parse.libraries, parse.stored_labels):
        assert len(parser(answer(size=1, Directory=rows)).content) == 1
        assert parser(answer(size=1, Directory=rows)).bad == ()
        directory = parser(answer(size=size, Directory=rows))
        assert len(directory.content) == 1
        assert directory.bad == ("",)
        with pytest.raises(ValueError, match="neither rows nor a row count"):
            parser(answer())


def test_rows_may_lack_what_is_not_needed() -> None:
    (bare,) = parse.items(answer(Metadata=[{"ratingKey": "7"}]), MOVIES, tuple).content
    assert (bare.rating_key, bare.title, bare.ids) == ("7", "", frozenset())


@pytest.mark.parametrize("rating_key", ["", "abc", "1,2", "-1", None, 1.5])
def test_row_whose_key_no_edit_could_name_is_a_bad_one(rating_key: object) -> None:
    listing = answer(Metadata=[row("7"), row(rating_key)])
    page = parse.items(listing, MOVIES, tuple)
    assert [item.rating_key for item in page.content] == ["7"]
    assert page.bad == parse.rating_keys(listing).bad == (parse.BadRow(1),)


@pytest.mark.parametrize(
    "fields",
    [
        {"guid": None},
        {"guid": []},
        {"guid": BrokenText("plex://movie/\N{REPLACEMENT CHARACTER}")},
        {"Guid": "tmdb://949"},
        {"Guid": ["tmdb://949"]},
        {"Guid": [{"id": BrokenText("tmdb://9\N{REPLACEMENT CHARACTER}9")}]},
    ],
)
def test_row_whose_ids_cannot_be_read_is_a_bad_one(fields: dict[str, object]) -> None:
    page = parse.items(answer(Metadata=[row("7"), row("8", **fields)]), MOVIES, tuple)
    assert [item.rating_key for item in page.content] == ["7"]
    assert (page.keys, page.bad) == (("7", "8"), (parse.BadRow(1, "8"),))


@pytest.mark.parametrize("other", ["7", None, ["ratingKey"]])
def test_what_is_no_row_at_all_is_a_bad_one(other: object) -> None:
    page = parse.items(answer(size=2, Metadata=[row("7"), other]), MOVIES, tuple)
    assert (len(page.content), page.bad) == (1, (parse.BadRow(1),))


def test_row_that_comes_twice_is_taken_once() -> None:
    page = parse.items(answer(Metadata=[row("7"), row("8"), row("7")]), MOVIES, tuple)
    assert [item.rating_key for item in page.content] == ["7", "8"]
    assert (page.size, page.keys, page.repeated) == (3, ("7", "8"), 1)


def test_rows_that_are_there_already_are_passed_over() -> None:
    listing = answer(Metadata=[row("7"), row("8"), row("9")])
    first = parse.items(listing, MOVIES, tuple, parse.Passed(first=1))
    known = parse.items(listing, MOVIES, tuple, parse.Passed(keys={"8"}))
    assert [item.rating_key for item in first.content] == ["8", "9"]
    assert [item.rating_key for item in known.content] == ["7", "9"]
    assert first.keys == known.keys == ("7", "8", "9")


def test_items_come_with_their_primary_guid() -> None:
    page = parse.items(answer(Metadata=[row("7"), {"ratingKey": "8"}]), MOVIES, tuple)
    assert [item.guid for item in page.content] == [f"plex://movie/{HEX}", ""]


@pytest.mark.parametrize(
    "parser",
    [parse.libraries, parse.stored_labels, parse.rating_keys, item_answers.labelled_items],
)
def test_answer_without_rows_and_without_their_number_is_not_an_empty_one(
    parser: Callable[[object], object],
) -> None:
    with pytest.raises(ValueError, match="neither rows nor a row count"):
        parser(answer(identifier="com.plexapp.plugins.library"))


# Sections, labels, identity


def test_only_movie_and_show_sections_are_libraries() -> None:
    sections = [
        {"key": "1", "type": "movie", "title": "Movies", "allowSync": True},
        {"key": "5", "type": "artist", "title": "Music"},
        {"key": 2, "type": "show"},
        {"key": "6", "type": "photo", "title": "Photos"},
    ]
    assert parse.libraries(answer(Directory=sections)) == parse.Directory(
        (Library("1", MediaType.MOVIE, "Movies"), Library("2", MediaType.SHOW, "2"))
    )


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (None, ""),
        ({}, ""),
        ({"key": "7"}, ""),
        ({"key": None, "type": "movie", "title": "Attic"}, "Attic"),
        ({"key": "", "type": "movie", "title": "Attic"}, "Attic"),
        ({"type": "movie", "title": "Attic"}, "Attic"),
        ({"key": "7", "type": ["movie"], "title": "Attic"}, "Attic"),
        ({"key": BrokenText("\ufffd"), "type": "movie", "title": BrokenText("A\ufffd")}, ""),
    ],
)
def test_row_of_a_section_that_cannot_be_read_costs_no_other(bad: object, name: str) -> None:
    rows = [bad, {"key": "1", "type": "movie", "title": "Movies"}]
    assert parse.libraries(answer(size=2, Directory=rows)) == parse.Directory(
        (Library("1", MediaType.MOVIE, "Movies"),), (name,)
    )


@pytest.mark.parametrize("title", [None, 7, ["x"], ""])
def test_section_without_a_name_is_called_by_its_key(title: object) -> None:
    rows = [{"key": "1", "type": "movie", "title": title}]
    assert parse.libraries(answer(Directory=rows)).content[0].name == "1"


@pytest.mark.parametrize("value", [None, [], {}, True, ""])
def test_what_a_section_does_not_state_is_no_other_value(value: object) -> None:
    rows = [{"key": "1", "type": "movie", "uuid": value, "contentChangedAt": value}]
    (library,) = parse.libraries(answer(Directory=rows)).content
    assert (library.uuid, library.content_changed) == ("", "")


def test_uuid_that_is_no_text_is_not_reported() -> None:
    (library,) = parse.libraries(
        answer(Directory=[{"key": "1", "type": "movie", "uuid": 7}])
    ).content
    assert library.uuid == ""


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (None, ""),
        ({}, ""),
        ({"key": "7"}, ""),
        ({"key": "7", "title": None}, ""),
        ({"key": "7", "title": ""}, ""),
        ({"key": "7", "title": BrokenText("A\ufffd")}, ""),
        ({"title": "Ben"}, "Ben"),
        ({"key": None, "title": "Ben"}, "Ben"),
        ({"key": [], "title": "Ben"}, "Ben"),
    ],
)
def test_row_of_a_label_that_cannot_be_read_costs_no_other(bad: object, text: str) -> None:
    rows = [bad, {"key": "8", "title": "Anna"}]
    assert parse.stored_labels(answer(size=2, Directory=rows)) == parse.Directory(
        (StoredLabel("8", "Anna"),), (text,)
    )


@pytest.mark.parametrize("value", [False, 0, "0", "false", "False"])
def test_section_that_may_not_be_synced_is_perhaps_someone_elses(value: object) -> None:
    sections = [{"key": "1", "type": "movie", "title": "Movies", "allowSync": value}]
    assert parse.libraries(answer(Directory=sections)).content[0].editable is False


@pytest.mark.parametrize("value", [True, 1, "1", "true"])
def test_section_that_may_be_synced_is_the_owners(value: object) -> None:
    sections = [{"key": "1", "type": "movie", "title": "Movies", "allowSync": value}]
    assert parse.libraries(answer(Directory=sections)).content[0].editable is True


def test_name_of_a_library_has_no_blanks_around_it() -> None:
    sections = [{"key": "1", "type": "movie", "title": " Movies "}]
    assert parse.libraries(answer(Directory=sections)).content[0].name == "Movies"


def test_library_of_an_item_may_stand_on_the_container_alone() -> None:
    rows = [row("7", type="movie"), row("8", type="movie", librarySectionID=2)]
    parsed = item_answers.labelled_items(answer(librarySectionID=1, Metadata=rows))
    assert [one.item.library for one in parsed.items] == ["1", "2"]
    untold = item_answers.labelled_items(answer(Metadata=rows))
    assert [one.item.library for one in untold.items] == ["", "2"]


def test_server_says_who_it_is() -> None:
    identity = answer(machineIdentifier="abc", version="1.43.5", claimed=True)
    assert parse.machine_id(identity) == "abc"
    assert parse.server_info(identity) == parse.ServerInfo("abc", "Plex", "1.43.5")
    named = answer(machineIdentifier="abc", friendlyName="Attic")
    assert parse.server_info(named) == parse.ServerInfo("abc", "Attic", "")


def test_total_is_the_number_of_rows_that_match() -> None:
    assert parse.total(answer(size=0, totalSize=12)) == 12
    assert parse.total(answer(size=3)) == 3


@pytest.mark.parametrize(
    "total", [answer(), answer(size=None), answer(size="many"), answer(totalSize=[])]
)
def test_total_that_is_not_reported_is_no_zero(total: object) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        parse.total(total)


PARSERS: list[Callable[[object], object]] = [
    parse.container,
    lambda data: parse.items(data, MOVIES, tuple),
    parse.rating_keys,
    parse.total,
    parse.libraries,
    parse.stored_labels,
    parse.machine_id,
    parse.server_info,
    item_answers.labelled_items,
]


@pytest.mark.parametrize("data", [None, [], "", 7, {}, {"MediaContainer": None}, {"x": {}}])
@pytest.mark.parametrize("parser", PARSERS)
def test_what_is_not_plexs_envelope_is_refused(
    parser: Callable[[object], object], data: object
) -> None:
    with pytest.raises(ValueError, match="no MediaContainer"):
        parser(data)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)
SENSIBLE = answer(
    size=1,
    offset=0,
    totalSize=1,
    machineIdentifier="abc",
    friendlyName="Attic",
    Metadata=[row(Guid=[{"id": "tmdb://949"}])],
    Directory=[{"key": "1", "type": "movie", "title": "Movies", "allowSync": True}],
)


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Return the paths to all values inside a document."""
    inner: list[tuple[object, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path] * bool(path) + [
        found for name, child in inner for found in places(child, (*path, name))
    ]


@given(st.sampled_from(PARSERS), st.sampled_from(places(SENSIBLE)), json_values)
@example(PARSERS[1], ("MediaContainer", "Metadata", 0, "Guid"), {"id": "tmdb://949"})
@example(PARSERS[1], ("MediaContainer", "Metadata", 0, "Guid", 0), "tmdb://949")
@example(PARSERS[4], ("MediaContainer", "Directory", 0), "1")
@example(PARSERS[4], ("MediaContainer", "Directory", 0, "type"), [])
def test_answer_with_one_odd_value_is_understood_or_refused(
    parser: Callable[[object], object], place: tuple[object, ...], value: object
) -> None:
    document: Any = copy.deepcopy(SENSIBLE)
    inside = document
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    before = copy.deepcopy(document)

    def outcome() -> object:
        try:
            return parser(document)
        except (ValueError, KeyError, TypeError) as err:  # the transport makes an error of these
            return type(err)

    assert outcome() == outcome()
    assert document == before
