"""The engine against every reading of Plex that is not known for sure: the result is always right."""

from dataclasses import asdict

import pytest

from custom_components.plex_label_sync.sync.model import SyncSettings, fold
from custom_components.plex_label_sync.sync.run import RunStatus
from simulators.plex import PlexKnobs

from .engine_env import EngineEnv, merged, open_env

READINGS = [
    PlexKnobs(),
    PlexKnobs(total_size_when_unpaged=True),
    PlexKnobs(max_page=7),
    PlexKnobs(ignore_paging=True),
    PlexKnobs(inline_labels="always"),
    PlexKnobs(inline_labels="some"),
    PlexKnobs(trimming="ignored"),
    PlexKnobs(range_filters="honored"),
    PlexKnobs(linger=True),
    PlexKnobs(edit_order="add_first"),
    PlexKnobs(capitalize="words"),
    PlexKnobs(capitalize="none"),
    PlexKnobs(reuse_spelling=False),
    PlexKnobs(reuse_spelling=False, capitalize="none"),
    PlexKnobs(reuse_spelling=False, capitalize="words"),
    PlexKnobs(remove_case="fold"),
    PlexKnobs(metadata_put="merge"),
    PlexKnobs(bump=True),
    PlexKnobs(edit_events=True),
    PlexKnobs(url_limit=450),
    PlexKnobs(url_limit=450, url_status=400),
]


def turned(knobs: PlexKnobs) -> str:
    """Return which knobs are not as usual, as the name of a test."""
    usual, these = asdict(PlexKnobs()), asdict(knobs)
    return ",".join(f"{name}={these[name]}" for name in these if these[name] != usual[name])


def spellings(env: EngineEnv, label: str) -> set[str]:
    """Return in how many ways a label is written in Plex."""
    return {
        text
        for item in env.plex.state.items.values()
        for text in item.labels
        if fold(text) == label
    }


@pytest.mark.parametrize("knobs", READINGS, ids=turned)
async def test_everyone_finds_their_label_under_every_reading(
    knobs: PlexKnobs,
) -> None:
    async with open_env(knobs=knobs, people=8, awkward=True, wanted_in_plex=16) as env:
        env.limit_plex(page_rows=25, page_rows_max=25)
        state = env.plex.state
        by_hand = min((item for item in state.items.values() if item.section == "1"), key=str)
        state.add_label(by_hand.rating_key, "STRASSE")  # what a person called straße gets
        before = env.labels
        run = await env.sync()
        assert (run.status, run.failed) == (RunStatus.DONE, ())
        assert env.labels == merged(before, env.wanted())
        assert all(
            len(spellings(env, label)) == 1 for labels in env.wanted().values() for label in labels
        )
        # Foreign labels go when they may, ours and everybody else's stay.
        env.settings = SyncSettings(
            preserve_existing_labels=False, exclude_labels=frozenset({fold("4K HDR")})
        )
        wanted = env.wanted()
        run = await env.sync()
        assert (run.status, run.failed) == (RunStatus.DONE, ())
        assert env.labels == {
            key: wanted[key] | (labels & {"4k hdr"}) if key in wanted else labels
            for key, labels in merged(before, wanted).items()
        }
        env.plex.stats.reset()
        assert (await env.sync()).changes == ()
        assert env.plex.stats.puts == 0


async def test_labels_that_differ_in_case_already_are_not_multiplied() -> None:
    knobs = PlexKnobs(reuse_spelling=False, capitalize="none")
    async with open_env(knobs=knobs, foreign_labels=False) as env:
        state = env.plex.state
        titles = [env.spare("movie")]
        env.want("rosa", titles[0])
        titles.append(env.spare("movie"))
        env.want("rosa", titles[1])
        (one,), (two,) = (state.items_of(title) for title in titles)
        for label in ("ROSA", "RoSa"):
            state.add_label(one.rating_key, label)
        before = env.labels
        await env.sync()
        assert set(one.labels) >= {"ROSA", "RoSa"}  # both are there, no third one
        assert spellings(env, "rosa") == {"ROSA", "RoSa"}
        assert len([text for text in two.labels if fold(text) == "rosa"]) == 1
        assert env.labels == merged(before, env.wanted())


async def test_turkish_name_is_written_once_though_plex_capitalizes_it() -> None:
    async with open_env(people=1, wanted_in_plex=4, foreign_labels=False) as env:
        env.pulsarr.state.rename(env.person("rosa"), "\u0131pek")
        run = await env.sync()
        assert run.failed == ()
        assert spellings(env, "ipek") == {"Ipek"}
        assert (await env.sync()).changes == ()


@pytest.mark.parametrize("size", [1, 7])
async def test_pages_may_have_any_size(env: EngineEnv, size: int) -> None:
    env.limit_plex(page_rows=size, page_rows_max=size)
    before = env.labels
    await env.sync()
    assert env.labels == merged(before, env.wanted())
