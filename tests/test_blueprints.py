"""The blueprints, as Home Assistant loads them and as automations made of them act."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
import shutil
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components.automation.helpers import async_get_blueprints
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed, async_mock_service

from .household import later
from .markdown import as_shown
from .sharing_house import SharingHouse, house
from .test_brake import forget

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory
    from homeassistant.core import HomeAssistant, ServiceCall

    from .household import Household

__all__ = ["house"]

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


async def automate(household: Household, name: str, **inputs: Any) -> None:
    """Make an automation of a blueprint."""
    blueprint = {"path": f"plex_label_sync/{name}", "input": inputs}
    assert await async_setup_component(
        household.hass,
        "automation",
        {"automation": {"id": "ours", "alias": "Ours", "use_blueprint": blueprint}},
    )
    await household.settle()
    state = household.hass.states.get("automation.ours")
    assert state is not None
    assert state.state == "on"


async def soon(household: Household, clock: TickingDateTimeFactory) -> None:
    """Let what was announced be acted on."""
    await household.settle()
    await later(household, clock, 1)


def said(messages: list[ServiceCall]) -> list[tuple[str, str]]:
    """Return titles and texts of what was said, as they are shown."""
    return [(call.data["title"], as_shown(call.data["message"])) for call in messages]


def test_there_are_four() -> None:
    assert NAMES == [
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


async def test_person_is_told_of_titles_of_theirs_and_of_nobody_elses(
    household: Household, clock: TickingDateTimeFactory, messages: list[ServiceCall]
) -> None:
    await household.set_up(batch_mode=False)
    await automate(
        household, "title_is_there.yaml", activity=household.entity_id("activity"), person="ROSA"
    )
    theirs = household.spare(in_plex=True)
    await household.pulsarr.wish(household.person("rosa"), theirs, force=True)
    await soon(household, clock)
    others = household.spare(in_plex=True)
    await household.pulsarr.wish(household.person("tim"), others, force=True)
    await soon(household, clock)

    assert said(messages) == [("In Plex for ROSA", f"{theirs.title} is in Plex now.")]


async def test_person_is_told_what_they_can_watch_now(
    house: SharingHouse, clock: TickingDateTimeFactory, messages: list[ServiceCall]
) -> None:
    household = house.household
    await house.set_up()
    await house.check()
    await automate(
        household, "visible_now.yaml", activity=household.entity_id("activity"), person="TIM"
    )
    title = household.spare(in_plex=True)
    for name in ("tim", "sam"):
        household.pulsarr.state.wish(household.person(name), title)
    await household.call("sync_all")
    await soon(household, clock)

    assert said(messages) == [("Ready for TIM", f"You can watch {title.title} now.")]


async def test_person_may_be_told_of_shows_only_with_an_action_of_their_own(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(batch_mode=False)
    sent = async_mock_service(household.hass, "notify", "phone")
    await automate(
        household,
        "title_is_there.yaml",
        activity=household.entity_id("activity"),
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
    movie, title = household.spare("movie", in_plex=True), household.spare("show", in_plex=True)
    for one in (movie, title):
        await household.pulsarr.wish(household.person("rosa"), one, force=True)
        await soon(household, clock)

    (call,) = sent
    assert call.data["message"] == (
        f"{title.title} is in Plex now. {title.title} show ['rosa'] ['Rosa']"
    )
    assert call.data["data"] == {"image": f"https://metadata-static.plex.tv/{title.key}.jpg"}


async def test_activity_of_another_server_is_not_told(
    household: Household, clock: TickingDateTimeFactory, messages: list[ServiceCall]
) -> None:
    await household.set_up(batch_mode=False)
    await automate(household, "title_is_there.yaml", activity="event.another_server", person="rosa")
    await household.pulsarr.wish(
        household.person("rosa"), household.spare(in_plex=True), force=True
    )
    await soon(household, clock)

    assert messages == []


def at_noon(clock: TickingDateTimeFactory) -> None:
    """Let it be noon of the next day, whatever time it is: texts name whole days."""
    tomorrow = (dt_util.now() + timedelta(days=1)).date()
    noon = datetime.combine(tomorrow, time(12), dt_util.get_default_time_zone())
    clock.move_to(noon.astimezone(UTC).replace(tzinfo=None))


async def at_six(household: Household, clock: TickingDateTimeFactory) -> None:
    """Let it become six o'clock in the evening of the next day, and end the automation then."""
    tomorrow = (dt_util.now() + timedelta(days=1)).date()
    six = datetime.combine(tomorrow, time(18, 0, 1), dt_util.get_default_time_zone())
    clock.move_to(six.astimezone(UTC).replace(tzinfo=None))
    async_fire_time_changed(household.hass, dt_util.utcnow())
    await household.settle()
    await household.hass.services.async_call(
        "automation", "turn_off", {"entity_id": "automation.ours"}, blocking=True
    )


async def test_digest_tells_what_waits_for_whom_and_why(
    household: Household, clock: TickingDateTimeFactory, messages: list[ServiceCall]
) -> None:
    at_noon(clock)
    await household.set_up(batch_mode=False, pending_max_age=100_000)
    await automate(household, "waiting_digest.yaml")
    title = household.spare(in_plex=False)
    await household.pulsarr.wish(household.person("rosa"), title, force=True)
    assert await household.pulsarr.announce(title, force=True)
    nobodys = household.spare("show", in_plex=False)
    assert await household.pulsarr.announce(nobodys, force=True)
    await soon(household, clock)
    waiting = [entry["title"] for entry in (await household.call("get_pending"))["pending"]]
    await at_six(household, clock)

    ((heading, text),) = said(messages)
    assert heading == "Waiting for Plex"
    lines = text.splitlines()
    assert len(lines) == len(waiting)
    assert lines[0].startswith(f"- {title.title} for rosa, since 1 day")
    assert lines[0].endswith("(not in plex)")


@pytest.mark.parametrize("quiet", [True, False])
async def test_digest_is_silent_when_nothing_waits_if_that_is_wanted(
    household: Household,
    clock: TickingDateTimeFactory,
    messages: list[ServiceCall],
    quiet: bool,
) -> None:
    await household.set_up(batch_mode=False)
    server = household.entry.entry_id
    await automate(household, "waiting_digest.yaml", quiet=quiet, server=server)
    await at_six(household, clock)

    assert said(messages) == ([] if quiet else [("Waiting for Plex", "Nothing waits for Plex.")])


async def test_held_sync_alerts(full_house: Household, messages: list[ServiceCall]) -> None:
    labels = len(full_house.plex.state.carriers("rosa"))
    await automate(full_house, "held_alert.yaml", activity=full_house.entity_id("activity"))
    forget(full_house)
    await full_house.call("sync_all")
    await full_house.call("sync_all")  # it is the same question

    ((heading, text),) = said(messages)
    assert heading == "Plex Label Sync asks"
    assert text.splitlines()[0] == (
        f"A sync of {full_house.plex.state.name} would take off {labels} labels at once."
    )
    assert text.endswith("until you decide in Settings > Repairs.")


async def test_vanished_labels_alert(full_house: Household, messages: list[ServiceCall]) -> None:
    await automate(full_house, "held_alert.yaml", activity=full_house.entity_id("activity"))
    items = full_house.plex.state.carriers("rosa")
    for item in items:
        full_house.plex.state.remove_label(item.rating_key, "rosa")
    await full_house.call("sync_all")

    ((_, text),) = said(messages)
    assert f"{len(items)} labels have vanished from Plex." in text
