"""What becomes of runs, and what cannot be read: each is one activity and one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.core import Context
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.event import EVENT_ACTIVITY
from simulators.http import Fault

from .test_doubted_answers import WATCHLIST
from .test_held_runs import answer_issue, forget
from .test_logbook import described

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockUser
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .ha_env import HaEnv

    type Reported = Callable[[], list[tuple[str, dict[str, Any], str]]]

pytestmark = pytest.mark.usefixtures("clock")

SENT = {"entity_id", "device_id", "config_entry_id", "server", "activity", "person_entities"}


@pytest.fixture
def reported(hass: HomeAssistant) -> Reported:
    """Return the activities since this was asked last: type, attributes and sentence."""
    events = async_capture_events(hass, EVENT_ACTIVITY)
    seen = 0

    def read() -> list[tuple[str, dict[str, Any], str]]:
        nonlocal seen
        new, seen = events[seen:], len(events)
        if new:
            state = hass.states.get(new[-1].data["entity_id"])
            assert state is not None
            assert state.attributes["event_type"] == new[-1].data["activity"]
            for name in new[-1].data.keys() - SENT:
                assert state.attributes[name] == new[-1].data[name]
        return [
            (
                event.data["activity"],
                {name: value for name, value in event.data.items() if name not in SENT},
                described(hass, event).removeprefix(f"{event.data['server']} "),
            )
            for event in new
        ]

    return read


async def call_as(user: MockUser, ha_env: HaEnv, action: str, **data: Any) -> dict[str, Any]:
    """Call an action as somebody does in the web interface."""
    answer = await ha_env.hass.services.async_call(
        DOMAIN,
        action,
        data,
        blocking=True,
        return_response=True,
        context=Context(user_id=user.id),
    )
    await ha_env.settle()
    assert isinstance(answer, dict)
    return answer


async def test_undo_is_reported_with_counts_and_by_whom(
    ha_env: HaEnv, reported: Reported, hass_admin_user: MockUser
) -> None:
    await ha_env.set_up(live_mode=False)
    (run,) = (await ha_env.call("get_runs"))["runs"]
    reported()
    await ha_env.call("undo", dry_run=True)
    assert reported() == []

    await call_as(hass_admin_user, ha_env, "undo")

    counts = {"added": 0, "removed": run["added"], "failed": 0, "skipped": 0}
    who = hass_admin_user.name
    ((kind, attributes, line),) = reported()
    assert kind == "run_undone"
    assert attributes == {"run_id": run["run_id"], **counts, "started_by": who}
    assert line == f"undid a run: labels removed: {run['added']} ({who})"


@pytest.mark.parametrize(
    ("people", "sentence"),
    [
        (["rosa", "tim"], "removed the labels of rosa and tim"),
        ([], "removed the labels of everyone"),
    ],
)
async def test_removal_is_reported(
    ha_env: HaEnv, reported: Reported, people: list[str], sentence: str
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    reported()

    answer = await ha_env.call("remove_labels", people=people)

    ((kind, attributes, line),) = reported()
    assert (kind, attributes["removed"]) == ("labels_removed", answer["removed"])
    assert attributes["people"] == people
    assert answer["removed"] > 0
    assert line == f"{sentence}: labels removed: {answer['removed']} (automation)"


async def test_title_that_waits_is_reported_with_those_who_want_it(
    ha_env: HaEnv, reported: Reported
) -> None:
    title = ha_env.spare(in_plex=False)
    for name in ("rosa", "tim"):
        ha_env.pulsarr.state.want(ha_env.person(name), title)
    await ha_env.set_up(exclude_people=[str(ha_env.person("tim"))])
    reported()

    await ha_env.pulsarr.announce(title, force=True)
    await ha_env.settle()

    (attributes,) = [some for kind, some, _ in reported() if kind == "pending_added"]
    assert attributes == {"title": title.title, "type": title.type, "people": ["rosa"]}


@pytest.mark.parametrize("choice", ["apply", "keep"])
async def test_held_run_is_reported_once_and_so_is_its_release(
    full_env: HaEnv,
    reported: Reported,
    hass_client: ClientSessionGenerator,
    hass_admin_user: MockUser,
    choice: str,
) -> None:
    labels = len(full_env.plex.state.carriers("rosa"))
    forget(full_env)
    reported()

    await full_env.call("sync_all")
    ((kind, attributes, line),) = reported()
    assert (kind, attributes["removals"]) == ("run_held", labels)
    assert line == f"needs approval to remove {labels} labels (automation)"
    await full_env.call("sync_all")
    ((kind, attributes, line),) = reported()
    assert (kind, attributes["held"]) == ("sync_finished", labels)
    assert line == f"finished a full sync: held: {labels} (automation)"

    await answer_issue(full_env, hass_client, choice)

    ((kind, attributes, line),) = reported()
    assert kind == "run_released"
    counts = {"apply": (labels, 0), "keep": (0, labels)}[choice]
    assert (attributes["released"], attributes["kept"]) == counts
    word = {"apply": "labels removed", "keep": "labels kept"}[choice]
    assert line == f"no longer holds any changes: {word}: {labels} ({hass_admin_user.name})"


@pytest.mark.parametrize("choice", ["restore", "accept"])
async def test_decision_about_vanished_labels_is_reported(
    full_env: HaEnv,
    reported: Reported,
    hass_client: ClientSessionGenerator,
    hass_admin_user: MockUser,
    choice: str,
) -> None:
    items = full_env.plex.state.carriers("rosa")
    for item in items:
        full_env.plex.state.remove_label(item.rating_key, "rosa")
    await full_env.call("sync_all")
    reported()

    await answer_issue(full_env, hass_client, choice)

    ((kind, attributes, line),) = reported()
    assert kind == "run_released"
    counts = {"restore": (len(items), 0), "accept": (0, len(items))}[choice]
    assert (attributes["restored"], attributes["kept_off"]) == counts
    word = {"restore": "labels restored", "accept": "kept off"}[choice]
    assert line == f"no longer holds any changes: {word}: {len(items)} ({hass_admin_user.name})"


async def test_question_that_answers_itself_is_reported(
    full_env: HaEnv, reported: Reported
) -> None:
    rosa, keys = full_env.person("rosa"), full_env.wanted_by("rosa")
    forget(full_env)
    await full_env.call("sync_all")
    reported()
    for title in full_env.world.catalog:
        if title.key in keys:
            full_env.pulsarr.state.want(rosa, title)

    await full_env.call("sync_all")

    ((kind, attributes, _),) = reported()
    assert (kind, attributes["released"]) == ("run_released", 0)
    assert attributes["kept"] == attributes["removals"] > 0


async def test_what_cannot_be_read_is_reported_when_it_begins_and_when_it_ends(
    ha_env: HaEnv, reported: Reported
) -> None:
    await ha_env.set_up(live_mode=False)
    match = rf"/v1/users/{ha_env.person('rosa')}/watchlist"
    ha_env.pulsarr.faults.add(Fault("busy", route=WATCHLIST, match=match, times=None))
    reported()

    await ha_env.call("sync_all")

    finished, opened = reported()
    assert finished[2] == "finished a full sync: unreadable: 1 (automation)"
    assert opened[1:] == (
        {"kind": "person", "names": ["rosa"], "count": 1, "reasons": ["unreadable"]},
        "cannot read the watchlist of rosa",
    )
    assert opened[0] == "gap_opened"
    await ha_env.call("sync_all")
    assert [one[0] for one in reported()] == ["sync_finished"]

    ha_env.pulsarr.faults.clear()
    await ha_env.call("sync_all")

    finished, closed = reported()
    assert finished[2] == "finished a full sync: nothing to change (automation)"
    assert (closed[0], closed[2]) == ("gap_closed", "can read the watchlist of rosa again")
