"""What a world of the usual size costs: requests are facts."""

import pytest

from custom_components.plex_label_sync.sync.run import RunStatus
from simulators.plex.server import LISTING_ROUTE, METADATA_ROUTE
from simulators.pulsarr.knobs import PulsarrKnobs

from .engine_env import LABEL_ROUTE, EngineEnv, open_env

ITEMS = 10_000
PAGES = 3 + 2  # of 8,000 movies and 2,000 shows: 1,000 rows first, then up to 5,000
UNCHANGED = 3  # sections and the sizes of two libraries; beside them the items, 200 at a time


async def cost(env: EngineEnv) -> int:
    """Return the requests of a thorough sync that finds nothing to do."""
    env.plex.stats.reset()
    run = await env.sync()
    assert (run.status, run.changes) == (RunStatus.DONE, ())
    assert env.plex.stats.count("GET", LABEL_ROUTE) == 0
    return env.plex.stats.total


@pytest.mark.parametrize(
    ("people", "first_max", "again_max"),
    # Sections, 5 pages, the items 200 at a time, before and after; a label in a library is an edit.
    [(20, 70, 15), (200, 455, 15)],
)
async def test_ten_thousand_items_cost_no_more_than_their_labels(
    people: int, first_max: int, again_max: int
) -> None:
    async with open_env(
        movies=ITEMS * 4 // 5,
        shows=ITEMS // 5,
        people=people,
        wanted_in_plex=1000,
        wanted_missing=0,
        missing=0.0,
        editions=0.0,
        uhd_library=False,
        legacy=0.0,
        unmatched=0.0,
        foreign_labels=False,
    ) as env:
        env.pulsarr.knobs = PulsarrKnobs(rate_limit=10_000)
        run = await env.sync()
        assert run.added > 500
        first = env.plex.stats.total
        items = len(env.wanted())
        assert first <= first_max
        env.plex.stats.reset()

        idle = await env.sync(routine=True)

        assert idle.changes == ()
        assert env.plex.stats.count("GET", METADATA_ROUTE) == -(-items // 200)
        assert env.plex.stats.total <= UNCHANGED + -(-items // 200)

        assert await cost(env) <= again_max
        env.restart()
        assert await cost(env) <= again_max
        assert env.plex.stats.count("GET", LISTING_ROUTE) == PAGES
