"""What python-plexapi, which shares no code with ours, finds in Plex after a sync."""

from collections.abc import Iterable
from typing import Any

from plexapi import server as plexapi_server

from custom_components.plex_label_sync.sync.changes import Change
from custom_components.plex_label_sync.sync.model import SyncSettings
from tests.simulators.plex_fixtures import in_thread

from .engine_env import PLEX_TOKEN, EngineEnv, open_env

PlexServer: Any = plexapi_server.PlexServer  # plexapi has no types


async def carriers(env: EngineEnv, texts: Iterable[str]) -> dict[str, set[str]]:
    """Return the rating keys of all items that carry each of some labels, as plexapi finds them."""
    url, some = env.plex.url, sorted(texts)

    def search() -> dict[str, set[str]]:
        plex = PlexServer(url, PLEX_TOKEN, timeout=10)
        libraries = plex.library.sections()
        found: dict[str, set[str]] = {}
        for text in some:
            for library in libraries:
                if text in {choice.title for choice in library.listFilterChoices("label")}:
                    keys = {str(item.ratingKey) for item in library.search(label=text)}
                    found.setdefault(text, set()).update(keys)
        return found

    return await in_thread(search)


def by_label(changes: Iterable[Change]) -> dict[str, set[str]]:
    """Return the items of changes by what the label is called once Plex has stored it."""
    labels: dict[str, set[str]] = {}
    for change in changes:
        stored = change.label[:1].upper() + change.label[1:]
        labels.setdefault(stored, set()).add(change.rating_key)
    return labels


async def test_plexapi_finds_the_labels_on_exactly_the_items_that_the_run_named() -> None:
    async with open_env(foreign_labels=False) as env:
        run = await env.sync()
        expected = by_label(run.changes)
        assert len(expected) == 5
        assert await carriers(env, expected) == expected


async def test_plexapi_finds_foreign_labels_gone_where_they_were_not_wanted() -> None:
    async with open_env() as env:
        env.settings = SyncSettings(preserve_existing_labels=False)
        foreign = {label for item in env.plex.state.items.values() for label in item.labels}
        before = await carriers(env, foreign)
        await env.sync()
        wanted = set(env.wanted())
        assert any(keys & wanted for keys in before.values())
        left = {text: keys - wanted for text, keys in before.items() if keys - wanted}
        assert await carriers(env, foreign) == left
