"""What the webhooks of Pulsarr and of the arr apps are taken to mean."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.pulsarr.payloads import Signal, SignalKind, parse_payload
from custom_components.plex_label_sync.sync.model import MediaType, Title
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from simulators.catalog import CatalogTitle
from simulators.pulsarr import PulsarrUser, WatchlistEntry, arr, payloads
from simulators.pulsarr.rules import Import

HEAT_KEY = "5d776825880197001ec90a5b"
HEAT = CatalogTitle(
    type="movie", title="Heat", year=1995, key=HEAT_KEY, imdb="tt0113277", tmdb=949, tvdb=None
)
HEAT_IDS = frozenset({"tmdb:949", "imdb:tt0113277"})
HORSES = CatalogTitle(
    type="show",
    title="Slow Horses",
    year=2022,
    key="5d9c086e02391c001f5839ab",
    imdb="tt5875444",
    tmdb=95480,
    tvdb=370139,
)
HORSES_IDS = frozenset({"tmdb:95480", "imdb:tt5875444", "tvdb:370139"})


def event(name: str, data: object) -> dict[str, object]:
    """Return a native webhook's body."""
    return {"event": name, "timestamp": "2026-05-04T19:20:21.000Z", "data": data}


def available(**data: object) -> dict[str, object]:
    """Return the body of a media.available with some of its fields changed."""
    fields: dict[str, object] = {
        "mediaType": "movie",
        "title": "Heat",
        "guids": ["imdb:tt0113277", "tmdb:949"],
        "watchlistedBy": [{"userId": 7, "username": "rosa"}],
    }
    return event("media.available", fields | data)


def test_available_title_is_known_by_type_and_ids() -> None:
    signal = parse_payload(available())
    assert signal == Signal(
        SignalKind.AVAILABLE,
        "media.available",
        Title(MediaType.MOVIE, "Heat", HEAT_IDS),
        None,
        (pulsarr_id(7),),
    )


def test_watchlist_entry_names_the_person_and_the_plex_key() -> None:
    body = event(
        "watchlist.added",
        {
            "addedBy": {"userId": 7, "username": "rosa"},
            "content": {
                "title": "Heat",
                "type": "movie",
                "key": HEAT_KEY,
                "guids": ["imdb:tt0113277", "tmdb:949"],
            },
            "routedTo": [],
        },
    )
    title = Title(MediaType.MOVIE, "Heat", HEAT_IDS | {f"plex:{HEAT_KEY}"})
    assert parse_payload(body) == Signal(
        SignalKind.WATCHLIST_ADDED, "watchlist.added", title, pulsarr_id(7), (pulsarr_id(7),)
    )


def test_removed_watchlist_entry_names_who_removed_it() -> None:
    body = event(
        "watchlist.removed",
        {
            "watchlistItemId": 812,
            "content": {"title": "Heat", "type": "movie", "key": "", "guids": ["tmdb:949"]},
            "removedBy": {"userId": 9, "username": "tim"},
        },
    )
    signal = parse_payload(body)
    assert (signal.kind, signal.person_id) == (SignalKind.WATCHLIST_REMOVED, pulsarr_id(9))
    assert signal.title == Title(MediaType.MOVIE, "Heat", frozenset({"tmdb:949"}))


@pytest.mark.parametrize(
    "name",
    ["approval.created", "delete_sync.completed", "quota.cap_reached", "new.thing"],
)
def test_other_native_events_are_ignored_whatever_they_carry(name: str) -> None:
    assert parse_payload(event(name, ["anything"])) == Signal(SignalKind.IGNORED, name)


def test_native_test_is_a_test() -> None:
    body = event("test", {"message": "hello", "endpointName": "Home Assistant"})
    assert parse_payload(body) == Signal(SignalKind.TEST, "test")
    assert parse_payload({"event": "test"}).kind is SignalKind.TEST


# --- the arr apps ---


def test_movie_imported_by_radarr_is_available() -> None:
    signal = parse_payload(arr.radarr_download(HEAT))
    title = Title(MediaType.MOVIE, "Heat", HEAT_IDS)
    assert signal == Signal(SignalKind.AVAILABLE, "Download", title, by_arr=True)


def test_series_imported_by_sonarr_is_available() -> None:
    body = arr.sonarr_download(HORSES, 4, (1, 2), complete=True)
    body["series"]["tmdbId"] = 95480
    signal = parse_payload(body)
    title = Title(MediaType.SHOW, "Slow Horses", HORSES_IDS)
    assert signal == Signal(SignalKind.AVAILABLE, "Download", title, by_arr=True)


@pytest.mark.parametrize("nothing", [0, "0", None, "", -1, True, "n/a", 9.5])
def test_unknown_arr_ids_are_left_out(nothing: object) -> None:
    body = arr.radarr_download(HEAT, imdb=False)
    body["movie"]["tmdbId"] = nothing
    assert parse_payload(body).title == Title(MediaType.MOVIE, "Heat", frozenset())


def test_movie_is_not_known_by_a_tvdb_id_that_radarr_never_sends() -> None:
    body = arr.radarr_download(HEAT)
    body["movie"]["tvdbId"] = 5
    assert parse_payload(body).title == Title(MediaType.MOVIE, "Heat", HEAT_IDS)


@pytest.mark.parametrize("body", [arr.radarr_test(), arr.sonarr_test()])
def test_made_up_title_of_an_arr_test_is_not_taken_for_real(body: object) -> None:
    assert parse_payload(body) == Signal(SignalKind.TEST, "Test", by_arr=True)


@pytest.mark.parametrize(
    "body",
    [
        arr.radarr_event("Grab", HEAT),
        arr.radarr_event("MovieDelete", HEAT),
        arr.sonarr_event("Rename", HORSES),
        arr.arr_notice("Health"),
        arr.arr_notice("SomethingNew"),
    ],
)
def test_other_arr_events_are_ignored(body: dict[str, Any]) -> None:
    assert parse_payload(body) == Signal(SignalKind.IGNORED, body["eventType"], by_arr=True)


# --- leniency ---


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mediaType", "MOVIE"),
        ("mediaType", " Movie "),
        ("guids", ["IMDB:TT0113277", "tmdb://949", "TMDB:0949"]),
        ("guids", ["imdb:tt0113277", "tmdb:949", "anidb:5", "tvdb:0", "tmdb:", 7, None, "rubbish"]),
        ("guids", ["imdb:tt0113277", "tmdb:949", "imdb:tt0000000", "imdb:0113277", "plex:"]),
        ("watchlistedBy", [{"userId": "7"}]),
        ("watchlistedBy", [{"userId": 7.0}, {"userId": 7}, {"userId": None}, {"userId": 0}, "x"]),
        ("watchlistedBy", [{"userId": 7}, {"userId": "9" * 5000}, {"userId": "7\u0663"}]),
        ("event", "ignored: unknown fields do not matter"),
    ],
)
def test_spelling_does_not_matter(field: str, value: object) -> None:
    assert parse_payload(available(**{field: value})) == parse_payload(available())


@pytest.mark.parametrize("missing", [None, {}, "rosa", 7])
def test_missing_lists_are_empty(missing: object) -> None:
    signal = parse_payload(available(watchlistedBy=missing, guids=missing))
    assert signal.people == ()
    assert signal.title == Title(MediaType.MOVIE, "Heat", frozenset())


def test_single_guid_need_not_stand_in_a_list() -> None:
    for text in ('["imdb:tt0113277","tmdb:949"]', ' ["tmdb:949", "imdb:tt0113277"] '):
        content = {"title": "Heat", "type": "movie", "key": "", "guids": text}
        stored = parse_payload(event("watchlist.added", {"content": content})).title
        assert stored == Title(MediaType.MOVIE, "Heat", frozenset({"imdb:tt0113277", "tmdb:949"}))
    for text in ("[", "[]", '["tmdb:949"', "[949]"):
        nothing = parse_payload(available(guids=text)).title
        assert nothing is not None
        assert nothing.ids == frozenset()
    assert parse_payload(available(guids="tmdb:949")).title == Title(
        MediaType.MOVIE, "Heat", frozenset({"tmdb:949"})
    )


@pytest.mark.parametrize("key", [HEAT_KEY, HEAT_KEY.upper(), f"plex://movie/{HEAT_KEY}"])
def test_plex_key_is_understood_in_every_spelling(key: str) -> None:
    by_key = parse_payload(available(key=key, guids=[]))
    by_guid = parse_payload(available(guids=[f"plex://movie/{HEAT_KEY}"]))
    assert by_key.title == Title(MediaType.MOVIE, "Heat", frozenset({f"plex:{HEAT_KEY}"}))
    assert by_guid.title == by_key.title


def test_watchlist_entry_without_a_usable_person_is_still_a_watchlist_entry() -> None:
    content = {"title": "Heat", "type": "movie", "key": HEAT_KEY, "guids": []}
    for nobody in ({}, {"addedBy": None}, {"addedBy": {"username": "rosa"}}):
        signal = parse_payload(event("watchlist.added", {"content": content, **nobody}))
        assert (signal.kind, signal.person_id, signal.people) == (
            SignalKind.WATCHLIST_ADDED,
            None,
            (),
        )


def test_nameless_title_is_called_by_an_id() -> None:
    assert parse_payload(available(title=None)).title == Title(
        MediaType.MOVIE, "imdb:tt0113277", HEAT_IDS
    )


def test_texts_of_others_stay_on_one_line_and_are_short() -> None:
    signal = parse_payload(available(title="Heat\n2026-01-01 ERROR\x1b[31m forged\ud800"))
    assert signal.title is not None
    assert signal.title.name == "Heat 2026-01-01 ERROR [31m forged"
    assert parse_payload({"event": "a\r\nb" + "c" * 500}).event == "a b" + "c" * 97


def test_event_of_pulsarr_wins_over_an_event_type() -> None:
    assert parse_payload({"event": "test", "eventType": "Download"}).kind is SignalKind.TEST
    assert parse_payload({"event": None, "eventType": "Test"}).kind is SignalKind.TEST


# --- malformed bodies ---


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "not a JSON object"),
        ([], "not a JSON object"),
        ("event", "not a JSON object"),
        ({}, "neither an event nor an eventType"),
        ({"data": {}}, "neither an event nor an eventType"),
        ({"event": 7}, "event is not text"),
        ({"event": " "}, "event is not text"),
        ({"eventType": {}}, "eventType is not text"),
        ({"event": "media.available"}, "data is not an object"),
        ({"event": "watchlist.added", "data": []}, "data is not an object"),
        ({"event": "watchlist.removed", "data": {}}, "content is not an object"),
        ({"event": "watchlist.added", "data": {"content": {}}}, "type is neither movie nor show"),
        (available(mediaType="artist"), "mediaType is neither movie nor show"),
        (available(mediaType=None), "mediaType is neither movie nor show"),
        (available(title="", guids=[]), "neither a title nor a usable id"),
        ({"eventType": "Download"}, "neither a movie nor a series"),
        ({"eventType": "Download", "movie": 7}, "movie is not an object"),
        ({"eventType": "Download", "series": []}, "series is not an object"),
        ({"eventType": "Download", "series": {}}, "neither a title nor a usable id"),
    ],
)
def test_malformed_body_is_refused_with_a_reason(body: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_payload(body)


# --- properties ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["mediaType", "title", "guids", "watchlistedBy", "content", "type", "key", "userId"]
) | st.sampled_from(["addedBy", "removedBy", "tmdbId", "tvdbId", "imdbId"])
NEARLY = st.recursive(
    JSON | st.sampled_from(["movie", "SHOW", "tmdb:1", "tt1", "plex://show/a", "9" * 5000, 1e400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=6),
    max_leaves=12,
)
EVENTS = st.sampled_from(["media.available", "watchlist.added", "watchlist.removed", "test"])
BODIES = (
    JSON
    | st.fixed_dictionaries({"event": EVENTS | JSON, "data": NEARLY})
    | st.fixed_dictionaries({"eventType": st.just("Download") | JSON, "movie": NEARLY})
    | st.fixed_dictionaries({"eventType": st.just("Download"), "series": NEARLY})
)


@given(BODIES)
def test_any_json_is_either_understood_or_refused(body: object) -> None:
    try:
        signal = parse_payload(body)
    except ValueError as err:
        assert str(err)  # noqa: PT017 - that it has a reason is the point
        return
    hint = signal.kind in {
        SignalKind.AVAILABLE,
        SignalKind.WATCHLIST_ADDED,
        SignalKind.WATCHLIST_REMOVED,
    }
    assert (signal.title is not None) is hint
    assert signal.title is None or signal.title.name
    assert all(number > pulsarr_id(0) for number in signal.people)


TITLES = st.builds(
    CatalogTitle,
    type=st.sampled_from(["movie", "show"]),
    title=st.text("abcÄß 7", min_size=1, max_size=12).map(str.split).map(" ".join).filter(bool),
    year=st.just(2026),
    key=st.text("0123456789abcdef", min_size=24, max_size=24),
    imdb=st.integers(1, 10**8).map(lambda number: f"tt{number:07}"),
    tmdb=st.integers(1, 10**7),
    tvdb=st.none() | st.integers(1, 10**6),
)
USERS = st.builds(PulsarrUser, id=st.integers(1, 10**6), name=st.text(min_size=1, max_size=9))


def external_ids(title: CatalogTitle) -> frozenset[str]:
    """Return the ids that everybody but Plex gives a title."""
    return frozenset(title.guids)


def entry_of(user: PulsarrUser, title: CatalogTitle) -> WatchlistEntry:
    """Return a wish as Pulsarr stores it."""
    return WatchlistEntry(
        id=1,
        user_id=user.id,
        catalog_key=title.key,
        title=title.title,
        type=title.type,
        kind=title.type,
        key=title.key,
        stored_guids=tuple(title.guids),
        genres=(),
        thumb=None,
        status="requested",
        added=None,
    )


@given(TITLES, st.lists(USERS, unique_by=lambda user: user.id, max_size=4))
def test_available_says_what_pulsarr_meant(
    title: CatalogTitle, watchers: list[PulsarrUser]
) -> None:
    imported = Import(title.type, title.guids[0])
    signal = parse_payload(
        event("media.available", payloads.media_available(title, imported, watchers))
    )
    assert signal.kind is SignalKind.AVAILABLE
    assert signal.title == Title(MediaType(title.type), title.title, external_ids(title))
    assert signal.people == tuple(pulsarr_id(user.id) for user in watchers)


@given(TITLES, USERS)
def test_watchlist_entries_say_what_pulsarr_meant(title: CatalogTitle, user: PulsarrUser) -> None:
    entry = entry_of(user, title)
    expected = Title(
        MediaType(title.type), title.title, external_ids(title) | {f"plex:{title.key}"}
    )
    added = parse_payload(event("watchlist.added", payloads.watchlist_added(user, entry)))
    removed = parse_payload(event("watchlist.removed", payloads.watchlist_removed(user, entry)))
    assert (added.kind, removed.kind) == (SignalKind.WATCHLIST_ADDED, SignalKind.WATCHLIST_REMOVED)
    for signal in (added, removed):
        assert (signal.title, signal.person_id) == (expected, pulsarr_id(user.id))


@given(TITLES)
def test_imports_say_what_the_arr_apps_meant(title: CatalogTitle) -> None:
    if title.type == "movie":
        body, ids = arr.radarr_download(title), {f"tmdb:{title.tmdb}", f"imdb:{title.imdb}"}
    else:
        body, ids = arr.sonarr_download(title), {f"imdb:{title.imdb}"}
        ids |= {f"tvdb:{title.tvdb}"} if title.tvdb else set()
    signal = parse_payload(body)
    assert signal.kind is SignalKind.AVAILABLE
    assert signal.title == Title(MediaType(title.type), title.title, frozenset(ids))
