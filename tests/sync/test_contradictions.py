"""Ids that are wrong, missing or contradict: whose label a title gets, and whose it keeps."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from custom_components.plex_label_sync.sync.model import (
    MediaType,
    RemovedLabelMode,
    SyncSettings,
    Title,
)
from custom_components.plex_label_sync.sync.request import LiveRequest
from simulators.catalog import CatalogTitle

from .engine_env import EngineEnv, open_env, title_of

REMOVE = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)


@pytest.fixture
async def env() -> AsyncIterator[EngineEnv]:
    """A open_env that loses labels which nobody wants."""
    async with open_env(remembers=True, settings=REMOVE, missing=0.3) as running:
        yield running


def without_key(title: CatalogTitle) -> Title:
    """Return a title as Radarr tells of it."""
    return Title(MediaType(title.type), title.title, frozenset(title.guids))


@pytest.mark.parametrize("known", ["key", "ids"])
async def test_label_stays_whatever_ids_an_event_calls_its_title_by(
    env: EngineEnv, known: str
) -> None:
    title = env.spare()
    if known == "key":
        env.want("rosa", title, guids=())
        announced = without_key(title)
    else:
        env.want("rosa", title, key=None)
        announced = replace(title_of(title), ids=frozenset({f"plex:{title.key}"}))
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    assert env.labels[item.rating_key] == {"rosa"}
    for thorough in (frozenset({announced}), frozenset[Title]()):
        run = await env.run(
            LiveRequest(titles=(announced,), thorough=thorough, newer_than=env.clock.now)
        )
        assert run.removed == 0
        assert env.labels[item.rating_key] == {"rosa"}


async def test_label_goes_when_no_one_wants_the_item_by_any_id(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title, guids=())
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    env.pulsarr.state.unwant(env.person("rosa"), title)
    announced = without_key(title)
    run = await env.run(
        LiveRequest(titles=(announced,), thorough=frozenset({announced}), newer_than=env.clock.now)
    )
    assert run.removed == 1
    assert item.rating_key not in env.labels


@pytest.mark.parametrize("live", [True, False])
async def test_film_that_shares_only_its_weakest_number_is_not_the_one(
    env: EngineEnv, live: bool
) -> None:
    wanted, other = env.spare(in_plex=False), env.spare()
    (item,) = env.plex.state.items_of(other)
    guids = [one.replace(":", "://") for one in other.guids if not one.startswith("tvdb")]
    guids.append(f"tvdb://{wanted.tvdb or 4711}")
    env.plex.state.rematch(item.rating_key, guid=item.guid, guids=tuple(guids), title=other.title)
    env.want("rosa", wanted, guids=(*wanted.guids, f"tvdb:{wanted.tvdb or 4711}"))
    await env.sync()
    if live:
        await env.live_sync(wanted)
    assert item.rating_key not in env.labels


@pytest.mark.parametrize("key", [True, False])
async def test_two_wanted_titles_that_share_one_wrong_number_stay_two(
    env: EngineEnv, key: bool
) -> None:
    one, two = env.spare("movie"), None
    env.want("rosa", one, guids=(*one.guids, "tvdb:4711"))
    two = env.spare("movie")
    assert one.key != two.key
    fields = {} if key else {"key": None}
    env.want("tim", two, guids=(*two.guids, "tvdb:4711"), **fields)
    await env.sync()
    (first,), (second,) = env.plex.state.items_of(one), env.plex.state.items_of(two)
    assert env.labels[first.rating_key] == {"rosa"}
    assert env.labels[second.rating_key] == {"tim"}
