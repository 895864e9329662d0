"""The blueprints, as Home Assistant loads them and as automations made of them act."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
import shutil
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components.automation.helpers import async_get_blueprints
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed, async_mock_service

from custom_components.plex_label_sync.const import DOMAIN

from .ha_env import later
from .markdown import as_shown
from .sharing_env import SharingEnv, env
from .test_held_runs import answer_issue, forget

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory
    from homeassistant.core import HomeAssistant, ServiceCall
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .ha_env import HaEnv

__all__ = ["env"]

FOLDER: Final = Path(__file__).parent.parent / "blueprints" / "automation" / "plex_label_sync"
NAMES: Final = sorted(path.name for path in FOLDER.iterdir())
SOURCE: Final = (
    "https://github.com/plex-label-sync/plex_label_sync/blob/main/"
    "blueprints/automation/plex_label_sync/"
)

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture(autouse=True)
def _installed(hass: HomeAssistant, tmp_path: Path) -> None:
    """Put the blueprints where an import puts them."""
    hass.config.config_dir = str(tmp_path)
    shutil.copytree(FOLDER, tmp_path / "blueprints" / "automation" / "plex_label_sync")


@pytest.fixture
def messages(hass: HomeAssistant) -> list[ServiceCall]:
    """Collect what the default action of every blueprint says."""
    return async_mock_service(hass, "persistent_notification", "create")


async def automate(ha_env: HaEnv, name: str, **inputs: Any) -> None:
    """Make an automation of a blueprint."""
    blueprint = {"path": f"plex_label_sync/{name}", "input": inputs}
    assert await async_setup_component(
        ha_env.hass,
        "automation",
        {"automation": {"id": "ours", "alias": "Ours", "use_blueprint": blueprint}},
    )
    await ha_env.settle()
    state = ha_env.hass.states.get("automation.ours")
    assert state is not None
    assert state.state == "on"


async def soon(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    """Let what was announced be acted on."""
    await ha_env.settle()
    await later(ha_env, clock, 1)


def said(messages: list[ServiceCall]) -> list[tuple[str, str]]:
    """Return titles and texts of what was said, as they are shown."""
    return [(call.data["title"], as_shown(call.data["message"])) for call in messages]


def test_there_are_five() -> None:
    assert NAMES == [
        "arrived_weekly.yaml",
        "held_alert.yaml",
        "title_is_there.yaml",
        "visible_now.yaml",
        "waiting_digest.yaml",
    ]


@pytest.mark.parametrize("name", NAMES)
async def test_home_assistant_loads_it(hass: HomeAssistant, name: str) -> None:
    assert await async_setup_component(hass, "automation", {})
    blueprint = await async_get_blueprints(hass).async_get_blueprint(f"plex_label_sync/{name}")

    assert blueprint.validate() is None
    assert blueprint.domain == "automation"
    assert blueprint.metadata["source_url"] == SOURCE + name
    for field in blueprint.inputs.values():
        assert field["name"]
    used = load_yaml_dict(str(FOLDER / name))
    assert used["blueprint"]["homeassistant"]["min_version"] == "2025.4.0"


async def test_person_is_notified_of_titles_of_theirs_and_of_no_one_elses(
    ha_env: HaEnv, clock: TickingDateTimeFactory, messages: list[ServiceCall]
) -> None:
    await ha_env.set_up(batch_mode=False)
    await automate(
        ha_env, "title_is_there.yaml", activity=ha_env.entity_id("activity"), person="ROSA"
    )
    theirs = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), theirs, force=True)
    await soon(ha_env, clock)
    others = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("tim"), others, force=True)
    await soon(ha_env, clock)

    assert said(messages) == [("In Plex for ROSA", f"{theirs.title} is in Plex now.")]


async def test_person_is_notified_what_they_can_watch_now(
    env: SharingEnv, clock: TickingDateTimeFactory, messages: list[ServiceCall]
) -> None:
    ha_env = env.ha_env
    await env.set_up()
    await env.check()
    await automate(ha_env, "visible_now.yaml", activity=ha_env.entity_id("activity"), person="TIM")
    title = ha_env.spare(in_plex=True)
    for name in ("tim", "sam"):
        ha_env.pulsarr.state.want(ha_env.person(name), title)
    await ha_env.call("sync_all")
    await soon(ha_env, clock)

    assert said(messages) == [("Ready for TIM", f"You can watch {title.title} now.")]


async def test_person_may_be_notified_of_shows_only_with_an_action_of_their_own(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(batch_mode=False)
    sent = async_mock_service(ha_env.hass, "notify", "phone")
    await automate(
        ha_env,
        "title_is_there.yaml",
        activity=ha_env.entity_id("activity"),
        person="rosa",
        types=["show"],
        actions=[
            {
                "action": "notify.phone",
                "data": {
                    "message": "{{ message }} {{ title }} {{ type }} {{ people }} {{ labels }}",
                    "data": {"image": "{{ poster }}"},
                },
            }
        ],
    )
    movie, title = ha_env.spare("movie", in_plex=True), ha_env.spare("show", in_plex=True)
    for one in (movie, title):
        await ha_env.pulsarr.want(ha_env.person("rosa"), one, force=True)
        await soon(ha_env, clock)

    (call,) = sent
    assert call.data["message"] == (
        f"{title.title} is in Plex now. {title.title} show ['rosa'] ['Rosa']"
    )
    assert call.data["data"] == {"image": f"https://metadata-static.plex.tv/{title.key}.jpg"}


async def test_activity_of_another_server_is_not_reported(
    ha_env: HaEnv, clock: TickingDateTimeFactory, messages: list[ServiceCall]
) -> None:
    await ha_env.set_up(batch_mode=False)
    await automate(ha_env, "title_is_there.yaml", activity="event.another_server", person="rosa")
    await ha_env.pulsarr.want(ha_env.person("rosa"), ha_env.spare(in_plex=True), force=True)
    await soon(ha_env, clock)

    assert messages == []


def at_noon(clock: TickingDateTimeFactory) -> None:
    """Let it be noon of the next day, whatever time it is: texts name whole days."""
    tomorrow = (dt_util.now() + timedelta(days=1)).date()
    noon = datetime.combine(tomorrow, time(12), dt_util.get_default_time_zone())
    clock.move_to(noon.astimezone(UTC).replace(tzinfo=None))


async def at_six(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    """Let it become six o'clock in the evening of the next day, and end the automation then."""
    tomorrow = (dt_util.now() + timedelta(days=1)).date()
    six = datetime.combine(tomorrow, time(18, 0, 1), dt_util.get_default_time_zone())
    clock.move_to(six.astimezone(UTC).replace(tzinfo=None))
    async_fire_time_changed(ha_env.hass, dt_util.utcnow())
    await ha_env.settle()
    await ha_env.hass.services.async_call(
        "automation", "turn_off", {"entity_id": "automation.ours"}, blocking=True
    )


async def test_digest_reports_what_waits_for_whom_and_why(
    ha_env: HaEnv, clock: TickingDateTimeFactory, messages: list[ServiceCall]
) -> None:
    at_noon(clock)
    await ha_env.set_up(batch_mode=False, pending_max_age=100_000)
    await automate(ha_env, "waiting_digest.yaml")
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    assert await ha_env.pulsarr.announce(title, force=True)
    nobodys = ha_env.spare("show", in_plex=False)
    assert await ha_env.pulsarr.announce(nobodys, force=True)
    await soon(ha_env, clock)
    waiting = [entry["title"] for entry in (await ha_env.call("get_pending"))["pending"]]
    await at_six(ha_env, clock)

    ((heading, text),) = said(messages)
    assert heading == "Waiting for Plex"
    lines = text.splitlines()
    assert len(lines) == len(waiting)
    assert lines[0].startswith(f"- {title.title} for rosa, waiting for 1 day")
    assert lines[0].endswith("(not in Plex)")


@pytest.mark.parametrize("quiet", [True, False])
async def test_digest_is_silent_when_nothing_waits_if_that_is_wanted(
    ha_env: HaEnv,
    clock: TickingDateTimeFactory,
    messages: list[ServiceCall],
    quiet: bool,
) -> None:
    await ha_env.set_up(batch_mode=False)
    server = ha_env.entry.entry_id
    await automate(ha_env, "waiting_digest.yaml", quiet=quiet, server=server)
    await at_six(ha_env, clock)

    assert said(messages) == (
        [] if quiet else [("Waiting for Plex", "No titles are waiting for Plex.")]
    )


async def test_held_sync_alerts(full_env: HaEnv, messages: list[ServiceCall]) -> None:
    labels = len(full_env.plex.state.carriers("rosa"))
    await automate(full_env, "held_alert.yaml", activity=full_env.entity_id("activity"))
    forget(full_env)
    await full_env.call("sync_all")
    await full_env.call("sync_all")  # it is the same question

    ((heading, text),) = said(messages)
    assert heading == "Plex Label Sync needs a decision"
    assert text.splitlines()[0] == (
        f"A sync of {full_env.plex.state.name} would remove {labels} labels at once."
    )
    assert text.endswith("until you decide in Settings > Repairs.")


@pytest.mark.parametrize(
    ("removals", "vanished", "line"),
    [
        (1, 0, "A sync of Plex would remove 1 label at once."),
        (0, 1, "On Plex, 1 label has disappeared."),
    ],
)
async def test_single_label_alerts_in_the_singular(
    full_env: HaEnv, messages: list[ServiceCall], removals: int, vanished: int, line: str
) -> None:
    activity = full_env.entity_id("activity")
    await automate(full_env, "held_alert.yaml", activity=activity)
    full_env.hass.bus.async_fire(
        f"{DOMAIN}_activity",
        {
            "entity_id": activity,
            "activity": "run_held",
            "server": "Plex",
            "removals": removals,
            "vanished": vanished,
            "reasons": [],
        },
    )
    await full_env.settle()

    ((_, text),) = said(messages)
    assert text.splitlines()[0] == line


async def test_vanished_labels_alert(full_env: HaEnv, messages: list[ServiceCall]) -> None:
    await automate(full_env, "held_alert.yaml", activity=full_env.entity_id("activity"))
    items = full_env.plex.state.carriers("rosa")
    for item in items:
        full_env.plex.state.remove_label(item.rating_key, "rosa")
    await full_env.call("sync_all")

    ((_, text),) = said(messages)
    assert f"{len(items)} labels have disappeared." in text


def sensor_of(ha_env: HaEnv, name: str) -> str:
    """Return the sensor of a person, as the user chooses it from the list."""
    registry = er.async_get(ha_env.hass)
    unique_id = f"{ha_env.entry.entry_id}_person_{ha_env.person(name)}"
    entity = registry.async_get_or_create(
        "sensor", DOMAIN, unique_id, config_entry=ha_env.entry, suggested_object_id=name
    )
    return entity.entity_id


async def test_person_is_chosen_by_their_sensor_and_the_message_is_theirs(
    ha_env: HaEnv, clock: TickingDateTimeFactory, messages: list[ServiceCall]
) -> None:
    await ha_env.set_up(batch_mode=False)
    await automate(
        ha_env,
        "title_is_there.yaml",
        activity=ha_env.entity_id("activity"),
        person=sensor_of(ha_env, "rosa"),
        text="{{ title }} ist jetzt da.",
    )
    theirs = ha_env.spare(in_plex=True)
    for name in ("tim", "rosa"):
        await ha_env.pulsarr.want(ha_env.person(name), theirs, force=True)
    await soon(ha_env, clock)
    others = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("tim"), others, force=True)
    await soon(ha_env, clock)

    assert said(messages) == [("In Plex for rosa", f"{theirs.title} ist jetzt da.")]


async def test_notification_goes_away_when_the_question_was_answered(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    dismissed = async_mock_service(full_env.hass, "persistent_notification", "dismiss")
    created = async_mock_service(full_env.hass, "persistent_notification", "create")
    await automate(full_env, "held_alert.yaml", activity=full_env.entity_id("activity"))
    forget(full_env)
    await full_env.call("sync_all")
    assert dismissed == []

    await answer_issue(full_env, hass_client, "keep")

    ((made,), (gone,)) = created, dismissed
    assert made.data["notification_id"] == gone.data["notification_id"]
    assert full_env.entry.entry_id in gone.data["notification_id"]


@pytest.mark.parametrize("chosen", ["name", "sensor"])
async def test_weekly_list_has_what_arrived_for_the_person(
    ha_env: HaEnv, clock: TickingDateTimeFactory, messages: list[ServiceCall], chosen: str
) -> None:
    at_noon(clock)
    await ha_env.set_up(live_mode=False, batch_mode=False, removed_label_mode="remove")
    await ha_env.call("sync_all")  # long ago
    clock.move_to(clock() + timedelta(days=8))
    at_noon(clock)
    person = "ROSA"
    if chosen == "sensor":
        person = sensor_of(ha_env, "rosa")
        ha_env.hass.states.async_set(person, "1", {"label": "Rosa"})
    day = (dt_util.now() + timedelta(days=1)).strftime("%a").lower()
    await automate(ha_env, "arrived_weekly.yaml", person=person, weekday=day)
    arrived = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), arrived)
    await ha_env.call("sync_all")
    dropped = ha_env.spare("show", in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), dropped)
    ha_env.pulsarr.state.want(ha_env.person("tim"), ha_env.spare(in_plex=True))
    await ha_env.call("sync_all")
    ha_env.pulsarr.state.unwant(ha_env.person("rosa"), dropped)
    await ha_env.call("sync_all")
    await at_six(ha_env, clock)

    ((heading, text),) = said(messages)
    assert heading == "New in Plex this week"
    assert text.splitlines() == [f"- {arrived.title}"]
