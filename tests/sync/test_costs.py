"""What a open_env of the usual size costs: requests are facts."""

from simulators.plex.server import METADATA_ROUTE

from .engine_env import open_env

ITEMS = 10_000
FIRST_MAX = 95  # sections, 10 pages, 20 labels in 2 libraries: written, and read back
UNCHANGED = 3  # sections and the sizes of two libraries; beside them the items, 200 at a time


async def test_ten_thousand_items_and_twenty_people_cost_no_more_than_their_labels() -> None:
    async with open_env(
        movies=ITEMS * 4 // 5,
        shows=ITEMS // 5,
        people=20,
        wishes=1000,
        wishes_missing=0,
        missing=0.0,
        editions=0.0,
        uhd_library=False,
        legacy=0.0,
        unmatched=0.0,
        foreign_labels=False,
    ) as env:
        run = await env.sync()
        assert run.added > 500
        first = env.plex.stats.total
        items = len(env.wanted())
        env.plex.stats.reset()

        idle = await env.sync(routine=True)

        assert first <= FIRST_MAX
        assert idle.changes == ()
        assert env.plex.stats.count("GET", METADATA_ROUTE) == -(-items // 200)
        assert env.plex.stats.total <= UNCHANGED + -(-items // 200)
