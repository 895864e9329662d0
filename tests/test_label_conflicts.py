"""Labels that come to mean two things after the set-up: nothing is written, and it is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.plex_label_sync.const import CONF_CONFIRMED, DOMAIN

from .flow_kit import assert_form, submit, to_libraries
from .markdown import HOSTILE, signs_in

if TYPE_CHECKING:
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .household import Household


def issue(household: Household) -> ir.IssueEntry | None:
    """Return the question about labels."""
    registry = ir.async_get(household.hass)
    return registry.async_get_issue(DOMAIN, f"labels_conflict_{household.entry.entry_id}")


def carriers(household: Household, label: str) -> set[str]:
    """Return the items that carry a label."""
    return {item.rating_key for item in household.plex.state.carriers(label)}


def rename(household: Household, who: str, name: str) -> None:
    """Give somebody another username in Pulsarr."""
    household.pulsarr.state.change_user(household.person(who), name=name)


async def decide(
    household: Household, hass_client: ClientSessionGenerator, choice: str
) -> dict[str, Any]:
    """Answer the question as the web interface does, and sync."""
    client = await hass_client()
    issue_id = f"labels_conflict_{household.entry.entry_id}"
    shown = await client.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue_id}
    )
    flow = await shown.json()
    assert flow["type"] == "menu"
    assert flow["menu_options"] == ["meant", "leave"]
    done = await client.post(
        f"/api/repairs/issues/fix/{flow['flow_id']}", json={"next_step_id": choice}
    )
    result: dict[str, Any] = await done.json()
    await household.settle()
    await household.call("sync_all")
    return result


async def robbed(household: Household, **options: Any) -> tuple[set[str], set[str]]:
    """Rosa and Tim have their labels, and then Tim takes Rosa's name; return who carries which."""
    await household.set_up(live_mode=False, **options)
    before = carriers(household, "rosa"), carriers(household, "tim")
    assert all(before)
    assert not before[1] <= before[0]
    assert issue(household) is None
    rename(household, "tim", "Rosa")
    await household.call("sync_all")
    return before


@pytest.mark.parametrize("mode", ["keep", "remove", "mark"])
async def test_label_of_somebody_else_is_not_written_and_nothing_goes(
    household: Household, mode: str
) -> None:
    before = await robbed(household, removed_label_mode=mode)

    assert (carriers(household, "rosa"), carriers(household, "tim")) == before
    told = issue(household)
    assert told is not None
    assert (told.translation_key, told.is_fixable) == ("labels_conflict", True)
    assert told.translation_placeholders is not None
    assert "`Rosa` ⚡ `rosa`" in told.translation_placeholders["labels"]
    # Both go on with the labels that they have.
    title = household.spare(in_plex=True)
    household.pulsarr.state.wish(household.pulsarr.state.find_user("Rosa").id, title)
    await household.call("sync_all")
    assert issue(household) is told


async def test_question_goes_when_the_names_are_apart_again(household: Household) -> None:
    before = await robbed(household)
    (thief,) = [one for one in household.pulsarr.state.users() if one.name == "Rosa"]
    household.pulsarr.state.change_user(thief.id, name="timothy")

    await household.call("sync_all")

    assert issue(household) is None
    assert carriers(household, "timothy") == before[1]


async def test_label_that_is_meant_is_shared(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    before = await robbed(household)

    result = await decide(household, hass_client, "meant")

    assert result["type"] == "create_entry"
    assert issue(household) is None
    assert carriers(household, "rosa") == before[0] | before[1]
    await household.hass.config_entries.async_reload(household.entry.entry_id)
    await household.settle()
    assert issue(household) is None


async def test_conflict_that_is_left_stays_so_over_a_restart(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    before = await robbed(household)

    await decide(household, hass_client, "leave")

    for _ in range(2):
        assert issue(household) is None
        assert (carriers(household, "rosa"), carriers(household, "tim")) == before
        await household.hass.config_entries.async_reload(household.entry.entry_id)
        await household.settle()


async def test_question_is_asked_again_after_a_restart(household: Household) -> None:
    before = await robbed(household)

    await household.hass.config_entries.async_reload(household.entry.entry_id)
    await household.settle()

    assert issue(household) is not None
    assert (carriers(household, "rosa"), carriers(household, "tim")) == before


async def test_name_that_is_a_mark_in_the_options_is_not_written(household: Household) -> None:
    await household.set_up(
        live_mode=False, removed_label_mode="mark", removed_label="nobody", exclude_labels=["kids"]
    )
    before = carriers(household, "tim"), carriers(household, "rosa")
    rename(household, "tim", "nobody")
    rename(household, "rosa", "Kids")

    await household.call("sync_all")

    assert (carriers(household, "tim"), carriers(household, "rosa")) == before
    assert carriers(household, "nobody") == set()
    told = issue(household)
    assert told is not None
    assert told.translation_placeholders is not None
    lines = told.translation_placeholders["labels"].splitlines()
    assert sorted(lines) == ["- `Kids`: `Kids` ⚡ ⚙️", "- `nobody`: `nobody` ⚡ ⚙️"]


async def test_newcomer_by_somebodys_name_gets_nothing_by_live_sync_either(
    household: Household,
) -> None:
    await household.set_up(batch_mode=False)
    await household.call("sync_all")
    before = carriers(household, "rosa")
    newcomer = household.pulsarr.state.add_user("ROSA")
    title = household.spare(in_plex=True)

    await household.pulsarr.wish(newcomer.id, title, force=True)
    await household.settle()
    await household.call("process_pending")

    assert carriers(household, "rosa") == before
    assert issue(household) is not None


async def test_names_in_the_question_are_text(household: Household) -> None:
    await household.set_up(live_mode=False, exclude_labels=[HOSTILE[0]])
    rename(household, "tim", HOSTILE[0])

    await household.call("sync_all")

    told = issue(household)
    assert told is not None
    assert told.translation_placeholders is not None
    line = told.translation_placeholders["labels"]
    assert line.count("`") == 4
    assert signs_in("".join(line.split("`")[::2])) == []


async def test_question_goes_with_the_entry(household: Household) -> None:
    await robbed(household)
    await household.hass.config_entries.async_remove(household.entry.entry_id)
    assert issue(household) is None


# What the forms confirm


async def test_set_up_confirms_who_shares_a_label_when_it_is_submitted_twice(
    household: Household,
) -> None:
    rename(household, "tim", "Rosa")
    shown = await to_libraries(household)
    shown = await submit(household.hass, shown)
    assert_form(shown, "libraries", label_format="labels_clash")

    created = await submit(household.hass, shown)

    assert created["type"] is FlowResultType.CREATE_ENTRY
    household.entry = created["result"]  # type: ignore[assignment] # as good as a test's own
    await household.settle()
    assert issue(household) is None
    rename(household, "nina", "rosa")
    await household.call("sync_all")
    assert issue(household) is not None


async def test_people_who_were_not_known_at_the_set_up_are_asked_about(
    household: Household,
) -> None:
    rename(household, "tim", "Rosa")
    entry = household.add_entry(live_mode=False)
    nothing: dict[str, Any] = {"people": [], "meant": {}, "left": {}}
    household.hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_CONFIRMED: nothing}
    )
    assert await household.hass.config_entries.async_setup(entry.entry_id)
    await household.settle()

    assert carriers(household, "rosa") == set()
    assert carriers(household, "nina") != set()
    assert issue(household) is not None


async def test_format_that_was_submitted_twice_is_meant(household: Household) -> None:
    for name in ("rosa", "tim"):
        household.pulsarr.state.change_user(household.person(name), alias="the kids")
    await household.set_up(live_mode=False)
    options = household.hass.config_entries.options
    shown = await options.async_init(household.entry.entry_id)
    for _ in range(2):
        shown = await options.async_configure(shown["flow_id"], {"label_format": "{alias}"})
    assert shown["type"] is FlowResultType.CREATE_ENTRY
    await household.settle()
    await household.call("sync_all", allow_mass_removal=True)

    assert issue(household) is None
    assert carriers(household, "the kids") != set()


async def test_options_that_change_nothing_about_labels_confirm_nothing(
    household: Household,
) -> None:
    before = await robbed(household)
    options = household.hass.config_entries.options
    shown = await options.async_init(household.entry.entry_id)
    saved = await options.async_configure(shown["flow_id"], {"sync_interval": 7200})
    assert saved["type"] is FlowResultType.CREATE_ENTRY
    await household.settle()

    assert issue(household) is not None
    assert (carriers(household, "rosa"), carriers(household, "tim")) == before
