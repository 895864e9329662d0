"""What each kind of work asks of Plex and Pulsarr, request by request, so that nothing creeps in."""

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from freezegun.api import TickingDateTimeFactory
import pytest

from custom_components.plex_label_sync.storage.files import RecordFile
from custom_components.plex_label_sync.storage.records import EXPIRES_WITHIN
from custom_components.plex_label_sync.sync.editing import JOURNAL_WRITES
from simulators.http import Fault
from simulators.plex.server import LISTING_ROUTE, METADATA_ROUTE
from tests.ha_env import HaEnv, later

if TYPE_CHECKING:
    from simulators.http import Stats

SECTIONS: Final = ("GET", "/library/sections")
LISTING: Final = ("GET", LISTING_ROUTE)  # pages, carriers of a label, what was added last
LABELS: Final = ("GET", "/library/sections/{id}/label")
ITEMS: Final = ("GET", METADATA_ROUTE)
EDIT: Final = ("PUT", LISTING_ROUTE)
PEOPLE: Final = ("GET", "/v1/users/users/list/with-counts")
WATCHLIST: Final = ("GET", "/v1/users/{id}/watchlist")
HOUR: Final = 3600.0

# The ha_env: three libraries on one page each, six people, one of them not synced. Labels of
# four of them are in the movies, of two in the shows; the third library has none.
# Items are read before they get a label, and read back.
FIRST: Final = {SECTIONS: 1, LISTING: 3, LABELS: 2, ITEMS: 3, EDIT: 9}
# One look at the items that somebody wants, one at those that Plex has not recognized.
IDLE: Final = {SECTIONS: 1, LISTING: 3, ITEMS: 2}
# Read by item: there are fewer hundreds of items than labels.
THOROUGH: Final = {SECTIONS: 1, LISTING: 3, ITEMS: 1}
WATCHLISTS: Final = {PEOPLE: 1, WATCHLIST: 6}
# In live mode a look by the way, once a minute: how long the lists are, and one of them in turn.
WITH_POLL: Final = {PEOPLE: 2, WATCHLIST: 7}

# What the setting up, listening to Plex, and the hourly look at the webhook ask beside the syncs.
ASIDE: Final = ("/", "/:/websockets/notifications", "/v1/config", "/v1/webhooks/event-types")
WEBHOOKS: Final = "/v1/webhooks/endpoints"


@pytest.fixture
async def settled(ha_env: HaEnv) -> HaEnv:
    """A ha_env after its first full sync, nothing counted yet."""
    await ha_env.set_up()
    return forget(ha_env)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each of the integration's files was written."""
    counts = Counter[str]()
    write = RecordFile._async_write_data

    async def count(file: RecordFile, *args: Any) -> None:
        counts[file.name] += 1
        await write(file, *args)

    monkeypatch.setattr(RecordFile, "_async_write_data", count)
    return counts


def forget(ha_env: HaEnv) -> HaEnv:
    """Count from zero."""
    ha_env.plex.stats.reset()
    ha_env.pulsarr.stats.reset()
    return ha_env


def asked(stats: "Stats") -> dict[tuple[str, str], int]:
    """Return what syncs asked, by method and route."""
    return {
        (method, route): number
        for (method, route), number in stats.requests.items()
        if route not in ASIDE and not route.startswith(WEBHOOKS)
    }


async def test_first_sync(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    assert asked(ha_env.plex.stats) == FIRST
    # The setting up asks for the people once before.
    assert asked(ha_env.pulsarr.stats) == {**WATCHLISTS, PEOPLE: 2}


async def test_sync_by_the_clock_that_finds_nothing_to_do(
    clock: TickingDateTimeFactory, settled: HaEnv
) -> None:
    for _ in range(3):
        await later(settled, clock, HOUR)
        assert asked(settled.plex.stats) == IDLE
        assert asked(settled.pulsarr.stats) == WITH_POLL
        forget(settled)


async def test_sync_by_the_clock_lists_everything_once_in_six_hours(
    clock: TickingDateTimeFactory, settled: HaEnv
) -> None:
    seen = []
    for _ in range(12):
        await later(settled, clock, HOUR)
        seen.append(asked(settled.plex.stats))
        forget(settled)
    assert [each for each in seen if each != IDLE] == [THOROUGH, THOROUGH]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_sync_by_hand_that_finds_nothing_to_do(settled: HaEnv, dry_run: bool) -> None:
    response = await settled.call("sync_all", dry_run=dry_run)
    assert response["changes_total"] == 0
    assert asked(settled.plex.stats) == THOROUGH
    assert asked(settled.pulsarr.stats) == WATCHLISTS


async def test_new_person_costs_an_edit_and_its_reading_back_per_library(
    settled: HaEnv,
) -> None:
    user = settled.pulsarr.state.add_user("newcomer")
    for title in settled.world.catalog:
        if settled.plex.state.items_of(title):
            settled.pulsarr.state.want(user.id, title)
    response = await settled.call("sync_all")
    assert response["added"] > 60
    assert asked(settled.plex.stats) == {SECTIONS: 1, LISTING: 12, LABELS: 3, ITEMS: 4, EDIT: 3}
    assert asked(settled.pulsarr.stats) == {PEOPLE: 1, WATCHLIST: 7}


async def test_one_more_wanted_title_costs_an_edit_and_its_reading_back(
    clock: TickingDateTimeFactory, ha_env: HaEnv
) -> None:
    await ha_env.set_up(live_mode=False)
    settled = forget(ha_env)
    settled.pulsarr.state.want(settled.person("rosa"), settled.spare("show", in_plex=True))
    await later(settled, clock, HOUR)
    # All items at a glance; the labels of the one, and the item itself before and after the edit.
    assert asked(settled.plex.stats) == {SECTIONS: 1, LISTING: 4, LABELS: 2, ITEMS: 3, EDIT: 1}


async def test_title_that_is_wanted_and_there_already(
    clock: TickingDateTimeFactory, settled: HaEnv
) -> None:
    await settled.pulsarr.want(
        settled.person("rosa"), settled.spare("show", in_plex=True), force=True
    )
    await settled.settle()
    for _ in range(3):
        await later(settled, clock, 1)
    assert settled.state("labels_added") == "1"
    # What was added last, the title's key, the label's carriers; the item itself, before and after
    # the edit.
    assert asked(settled.plex.stats) == {SECTIONS: 1, LISTING: 3, LABELS: 1, ITEMS: 2, EDIT: 1}
    assert asked(settled.pulsarr.stats) == WATCHLISTS


async def test_look_for_many_titles_that_are_not_there_yet(
    clock: TickingDateTimeFactory, settled: HaEnv
) -> None:
    titles = [one for one in settled.world.catalog if not settled.plex.state.items_of(one)]
    for title in titles:
        settled.pulsarr.state.want(settled.person("rosa"), title)
        await settled.pulsarr.announce(title, force=True)
    await settled.settle()
    await later(settled, clock, 1)
    assert settled.state("pending") == str(len(titles))
    forget(settled)
    await settled.call("process_pending")
    # What was added last in each library, and some of the titles by their keys, in turn.
    assert len(titles) > 6
    assert asked(settled.plex.stats) == {SECTIONS: 1, LISTING: 3 + 6 * 2}
    assert asked(settled.pulsarr.stats) == {}


# Files, because each write wears out the memory card of a small computer


async def test_first_sync_writes_each_file_a_few_times(
    ha_env: HaEnv, written: Counter[str]
) -> None:
    await ha_env.set_up(live_mode=False)

    assert ha_env.plex.stats.puts > JOURNAL_WRITES
    # Empty ones when the entry is set up; then the plan, what it came to, and what was held.
    assert written == {"queue": 1, "ledger": 2, "journal": 1 + JOURNAL_WRITES + 2}


async def test_sync_that_changes_nothing_writes_one_file_once(
    settled: HaEnv, written: Counter[str]
) -> None:
    await settled.call("sync_all")

    assert settled.plex.stats.puts == 0
    assert written == {"journal": 1}


async def test_watchlist_change_that_waits_for_nothing_leaves_the_queue_alone(
    settled: HaEnv, written: Counter[str], clock: TickingDateTimeFactory
) -> None:
    await settled.pulsarr.unwant(settled.person("rosa"), settled.spare(in_plex=True))
    for name in ("rosa", "tim"):
        await settled.pulsarr.want(settled.person(name), settled.spare(in_plex=True), force=True)
        await settled.settle()
        await later(settled, clock, 2)

    assert settled.plex.stats.puts >= 2
    assert written["queue"] <= 1


async def test_title_that_waits_is_not_written_down_with_each_retry(
    settled: HaEnv, written: Counter[str], clock: TickingDateTimeFactory
) -> None:
    title = settled.spare(in_plex=False)
    await settled.pulsarr.want(settled.person("rosa"), title, force=True)
    assert await settled.pulsarr.announce(title, force=True)
    await settled.settle()
    await later(settled, clock, 1)
    before = (await settled.call("get_pending"))["pending"][0]
    written.clear()

    for _ in range(6):
        await later(settled, clock, 30)

    pending = (await settled.call("get_pending"))["pending"][0]
    assert pending["tries"] >= before["tries"] + 5
    assert pending["expires"] == before["expires"]
    assert written["queue"] == 0


async def test_outage_is_written_down_in_steps(
    settled: HaEnv, written: Counter[str], clock: TickingDateTimeFactory
) -> None:
    title = settled.spare(in_plex=False)
    await settled.pulsarr.want(settled.person("rosa"), title, force=True)
    assert await settled.pulsarr.announce(title, force=True)
    await settled.settle()
    await later(settled, clock, 1)
    settled.plex.faults.add(Fault("drop", times=None))
    await later(settled, clock, 30)
    written.clear()

    for _ in range(30):
        await later(settled, clock, 30)

    assert 1 <= written["queue"] <= 1 + 30 * 30 / EXPIRES_WITHIN
