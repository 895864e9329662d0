"""Ids that are wrong, missing or contradict: whose label a title gets, and whose it keeps."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from custom_components.plex_label_sync.sync.model import (
    MediaType,
    RemovedLabelMode,
    RunKind,
    SyncSettings,
    Title,
)
from simulators.catalogue import CatalogueTitle

from .home import Home, household, title_of

REMOVE = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    """A household that loses labels which nobody wants."""
    async with household(remembers=True, settings=REMOVE, missing=0.3) as running:
        yield running


def without_key(title: CatalogueTitle) -> Title:
    """Return a title as Radarr tells of it."""
    return Title(MediaType(title.type), title.title, frozenset(title.guids))


@pytest.mark.parametrize("known", ["key", "ids"])
async def test_label_stays_whatever_ids_an_event_calls_its_title_by(home: Home, known: str) -> None:
    title = home.spare()
    if known == "key":
        home.wish("rosa", title, guids=())
        told = without_key(title)
    else:
        home.wish("rosa", title, key=None)
        told = replace(title_of(title), ids=frozenset({f"plex:{title.key}"}))
    await home.sync()
    (item,) = home.plex.state.items_of(title)
    assert home.labels[item.rating_key] == {"rosa"}
    for thorough in (frozenset({told}), frozenset[Title]()):
        run = await home.sync(
            kind=RunKind.LIVE, titles=(told,), thorough=thorough, newer_than=home.clock.now
        )
        assert run.removed == 0
        assert home.labels[item.rating_key] == {"rosa"}


async def test_label_goes_when_nobody_wants_the_item_by_any_id(home: Home) -> None:
    title = home.spare()
    home.wish("rosa", title, guids=())
    await home.sync()
    (item,) = home.plex.state.items_of(title)
    home.pulsarr.state.unwish(home.person("rosa"), title)
    told = without_key(title)
    run = await home.sync(
        kind=RunKind.LIVE,
        titles=(told,),
        thorough=frozenset({told}),
        newer_than=home.clock.now,
    )
    assert run.removed == 1
    assert item.rating_key not in home.labels


@pytest.mark.parametrize("live", [True, False])
async def test_film_that_shares_only_its_weakest_number_is_not_the_one(
    home: Home, live: bool
) -> None:
    wanted, other = home.spare(in_plex=False), home.spare()
    (item,) = home.plex.state.items_of(other)
    guids = [one.replace(":", "://") for one in other.guids if not one.startswith("tvdb")]
    guids.append(f"tvdb://{wanted.tvdb or 4711}")
    home.plex.state.rematch(item.rating_key, guid=item.guid, guids=(*guids,), title=other.title)
    home.wish("rosa", wanted, guids=(*wanted.guids, f"tvdb:{wanted.tvdb or 4711}"))
    await home.sync()
    if live:
        await home.look(wanted)
    assert item.rating_key not in home.labels


@pytest.mark.parametrize("key", [True, False])
async def test_two_wishes_that_share_one_wrong_number_stay_two(home: Home, key: bool) -> None:
    one, two = home.spare("movie"), None
    home.wish("rosa", one, guids=(*one.guids, "tvdb:4711"))
    two = home.spare("movie")
    assert one.key != two.key
    fields = {} if key else {"key": None}
    home.wish("tim", two, guids=(*two.guids, "tvdb:4711"), **fields)
    await home.sync()
    (first,), (second,) = home.plex.state.items_of(one), home.plex.state.items_of(two)
    assert home.labels[first.rating_key] == {"rosa"}
    assert home.labels[second.rating_key] == {"tim"}
