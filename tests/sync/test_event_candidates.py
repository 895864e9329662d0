"""Which of the items that Plex speaks of are worth a look, and why titles are not there."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.sync.changes import Row
from custom_components.plex_label_sync.sync.event_candidates import (
    COOLDOWN,
    REFRESHED_MAX,
    Candidates,
    Cooldown,
    SeenItems,
    candidates_of,
    items_to_request,
)
from custom_components.plex_label_sync.sync.missing import Unmatched
from custom_components.plex_label_sync.sync.model import (
    Item,
    Library,
    MediaType,
    Person,
    Title,
    Watchlists,
)
from custom_components.plex_label_sync.sync.person_id import pulsarr_id

MOVIES = Library("1", MediaType.MOVIE, "Movies")
ANNA = Person(pulsarr_id(1), "anna")
keys = st.integers(1, 400).map(str)


def movie(key: str, *ids: str, name: str = "Heat") -> Item:
    return Item(key, "1", MediaType.MOVIE, name, frozenset(ids))


def lists(*titles: Title) -> Watchlists:
    return Watchlists((ANNA,), {pulsarr_id(1): titles}, 0.0)


HEAT = Title(MediaType.MOVIE, "Heat", frozenset({"plex:a", "tmdb:949"}))


@given(st.lists(keys, unique=True), st.frozensets(keys), st.frozensets(keys))
def test_everything_new_is_asked_for_and_only_few_refreshed_ones(
    processed: list[str], known_keys: frozenset[str], quiet_keys: frozenset[str]
) -> None:
    known, cooldown = SeenItems(), Cooldown()
    known.seen(movie(key, "plex:a") for key in known_keys)
    cooldown.add(quiet_keys, 100.0)

    new, refreshed = items_to_request(processed, known, cooldown, 100.0 + COOLDOWN / 2)

    assert new == [key for key in processed if key not in known_keys]
    assert len(refreshed) <= REFRESHED_MAX
    assert not set(refreshed) & quiet_keys
    calm = [key for key in processed if key in known_keys and key not in quiet_keys]
    assert refreshed == (calm if len(calm) <= REFRESHED_MAX else [])
    assert (
        items_to_request(processed, known, cooldown, 100.0 + COOLDOWN)[1]
        == [key for key in processed if key in known_keys]
        or len([key for key in processed if key in known_keys]) > REFRESHED_MAX
    )


def test_event_about_an_item_on_cooldown_is_checked_when_its_cooldown_is_over() -> None:
    cooldown = Cooldown()
    cooldown.add(["1", "2", "3"], 100.0)
    assert cooldown.has("1", 110.0)
    assert cooldown.has("3", 110.0)
    cooldown.item_deleted("3")
    assert cooldown.again(110.0) == COOLDOWN - 10
    assert cooldown.due(110.0) == []
    assert cooldown.due(100.0 + COOLDOWN) == ["1"]
    assert cooldown.due(100.0 + COOLDOWN) == []
    assert cooldown.again(100.0 + COOLDOWN) == 0.0
    assert not cooldown.has("1", 100.0 + COOLDOWN)


def test_item_that_is_not_recognized_rests_longer_each_time() -> None:
    cooldown, now, rests = Cooldown(), 100.0, list[float]()
    for _ in range(8):
        cooldown.add_unmatched(["1"], now)
        assert cooldown.has("1", now)
        rests.append(cooldown.again(now))
        now += rests[-1]
        assert cooldown.due(now) == ["1"]
    assert rests == [2, 4, 8, 16, 32, COOLDOWN, COOLDOWN, COOLDOWN]
    cooldown.add(["1"], now)
    cooldown.add_unmatched(["1"], now + COOLDOWN)
    assert not cooldown.has("1", now + COOLDOWN + 2)


def test_candidates_together_are_checked_again_when_the_first_of_them_is() -> None:
    assert (Candidates(again=3.0) + Candidates(again=2.0)).again == 2.0
    assert (Candidates(again=3.0) + Candidates()).again == 3.0
    assert (Candidates() + Candidates()).again == 0.0


@given(st.lists(st.tuples(keys, st.sampled_from(["seen", "matched", "gone", "listed"]))))
def test_known_items_are_those_that_were_seen_last(steps: list[tuple[str, str]]) -> None:
    known = SeenItems()
    model: dict[str, bool] = {}
    for key, step in steps:
        match step:
            case "seen":
                known.seen([movie(key)])
                model[key] = False
            case "matched":
                known.seen([movie(key, "plex:a")])
                model[key] = True
            case "gone":
                known.item_deleted(key)
                model.pop(key, None)
            case _:
                known.replace(MOVIES, {int(key), 500}, [movie("500")])
                model = {key: True, "500": False}
        assert {one for one in map(str, range(1, 501)) if one in known} == model.keys()
        assert {one for one in model if known.recognized(one)} == {
            one for one, matched in model.items() if matched
        }


def test_wanted_item_without_an_own_label_is_a_candidate() -> None:
    candidates = candidates_of([movie("1", "plex:a")], lists(HEAT), {})
    assert [title.ids for title in candidates.titles] == [frozenset({"plex:a"})]
    assert [item.rating_key for item in candidates.items] == ["1"]


def test_item_that_no_one_wants_or_that_is_labelled_is_not() -> None:
    row = Row("anna", "1", "1", 5, (pulsarr_id(1),), "plex:a")
    assert candidates_of([movie("1", "plex:b")], lists(HEAT), {}).titles == ()
    assert candidates_of([movie("1")], lists(HEAT), {}).titles == ()
    assert candidates_of([movie("1", "plex:a")], lists(HEAT), {"1": [row]}).titles == ()


def test_labelled_item_that_became_another_title_is_checked() -> None:
    ids = frozenset({"plex:a", "imdb:tt1"})
    row = Row("anna", "1", "1", 5, (pulsarr_id(1),), "plex:a", guid="plex://movie/a", ids=ids)
    other = replace(movie("1", "plex:b", "imdb:tt2"), guid="plex://movie/b")
    candidates = candidates_of([other], lists(), {"1": [row]})
    assert [title.ids for title in candidates.titles] == [other.ids]
    assert candidates_of([replace(other, guid=row.guid)], lists(), {"1": [row]}).titles == ()
    assert candidates_of([movie("1")], lists(), {"1": [row]}).titles == ()


def test_item_is_called_like_its_title_followed_by_nothing_or_a_year() -> None:
    title = Title(MediaType.MOVIE, "The Matrix", frozenset())
    for name in ("The Matrix", "the.matrix.1999.1080p", "The Matrix (1999)"):
        assert Unmatched([movie("1", name=name)]).may_hold(title), name
    for name in ("The Matrix Reloaded", "Matrix", "", "Heat"):
        assert not Unmatched([movie("1", name=name)]).may_hold(title), name
    assert not Unmatched([movie("1", "plex:a", name="The Matrix")]).may_hold(title)
    show = Title(MediaType.SHOW, "The Matrix", frozenset())
    assert not Unmatched([movie("1", name="The Matrix")]).may_hold(show)
    assert not Unmatched([movie("1", name="!")]).may_hold(Title(MediaType.MOVIE, "?", frozenset()))


@given(st.lists(st.text(max_size=8), max_size=20), st.text(max_size=5))
def test_name_is_found_among_others_exactly_when_it_is_there(names: list[str], name: str) -> None:
    def plain(text: str) -> str:
        return "".join(one for one in text.casefold() if one.isalnum())

    expected = any(
        plain(name)
        and plain(one).startswith(plain(name))
        and (len(plain(one)) == len(plain(name)) or plain(one)[len(plain(name))].isdigit())
        for one in names
    )
    found = Unmatched(movie(str(number), name=one) for number, one in enumerate(names, 1))
    assert found.may_hold(Title(MediaType.MOVIE, name, frozenset())) is expected
