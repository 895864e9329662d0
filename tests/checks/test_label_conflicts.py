"""Labels that come to mean two things after the set-up: nothing is written, and it is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.plex_label_sync.const import CONF_CONFIRMED, DOMAIN
from simulators.http import Fault

from ..flow_fixtures import assert_form, finish, submit, to_libraries
from ..markdown import HOSTILE, signs_in
from ..repair_flows import answer_repair

if TYPE_CHECKING:
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from simulators.http import FaultKind

    from ..ha_env import HaEnv


def issue(ha_env: HaEnv) -> ir.IssueEntry | None:
    """Return the question about labels."""
    registry = ir.async_get(ha_env.hass)
    return registry.async_get_issue(DOMAIN, f"labels_conflict_{ha_env.entry.entry_id}")


def carriers(ha_env: HaEnv, label: str) -> set[str]:
    """Return the items that carry a label."""
    return {item.rating_key for item in ha_env.plex.state.carriers(label)}


def rename(ha_env: HaEnv, who: str, name: str) -> None:
    """Give somebody another username in Pulsarr."""
    ha_env.pulsarr.state.change_user(ha_env.person(who), name=name)


async def decide(ha_env: HaEnv, hass_client: ClientSessionGenerator, choice: str) -> dict[str, Any]:
    """Answer the question as the web interface does, and sync."""
    shown, result = await answer_repair(ha_env, hass_client, "labels_conflict", choice)
    assert shown["type"] == "menu"
    assert shown["menu_options"] == ["meant", "leave"]
    await ha_env.call("sync_all")
    return result


async def robbed(ha_env: HaEnv, **options: Any) -> tuple[set[str], set[str]]:
    """Rosa and Tim have their labels, and then Tim takes Rosa's name; return who carries which."""
    await ha_env.set_up(live_mode=False, **options)
    before = carriers(ha_env, "rosa"), carriers(ha_env, "tim")
    assert all(before)
    assert not before[1] <= before[0]
    assert issue(ha_env) is None
    rename(ha_env, "tim", "Rosa")
    await ha_env.call("sync_all")
    return before


@pytest.mark.parametrize("mode", ["keep", "remove", "mark"])
async def test_label_of_someone_else_is_not_written_and_nothing_goes(
    ha_env: HaEnv, mode: str
) -> None:
    before = await robbed(ha_env, removed_label_mode=mode)

    assert (carriers(ha_env, "rosa"), carriers(ha_env, "tim")) == before
    repair = issue(ha_env)
    assert repair is not None
    assert (repair.translation_key, repair.is_fixable) == ("labels_conflict", True)
    assert repair.translation_placeholders is not None
    assert "`Rosa` ⚡ `rosa`" in repair.translation_placeholders["labels"]
    # Both go on with the labels that they have.
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.pulsarr.state.find_user("Rosa").id, title)
    await ha_env.call("sync_all")
    assert issue(ha_env) is repair


async def test_question_goes_when_the_names_are_apart_again(ha_env: HaEnv) -> None:
    before = await robbed(ha_env)
    (thief,) = [one for one in ha_env.pulsarr.state.users() if one.name == "Rosa"]
    ha_env.pulsarr.state.change_user(thief.id, name="timothy")

    await ha_env.call("sync_all")

    assert issue(ha_env) is None
    assert carriers(ha_env, "timothy") == before[1]


async def test_what_only_reads_confirms_no_name(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    before = dict(ha_env.entry.data)
    rename(ha_env, "tim", "timothy")
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)

    assert (await ha_env.call("sync_all", dry_run=True))["changes"]
    await ha_env.call("explain", guid=title.plex_guid)
    assert dict(ha_env.entry.data) == before

    await ha_env.call("sync_all")
    assert dict(ha_env.entry.data) != before


async def test_dry_run_asks_nothing(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    rename(ha_env, "tim", "Rosa")

    await ha_env.call("sync_all", dry_run=True)
    assert issue(ha_env) is None

    await ha_env.call("sync_all")
    assert issue(ha_env) is not None


async def test_label_that_is_meant_is_shared(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    before = await robbed(ha_env)

    result = await decide(ha_env, hass_client, "meant")

    assert result["type"] == "create_entry"
    assert issue(ha_env) is None
    assert carriers(ha_env, "rosa") == before[0] | before[1]
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    assert issue(ha_env) is None


async def test_conflict_that_is_left_stays_so_over_a_restart(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    before = await robbed(ha_env)

    await decide(ha_env, hass_client, "leave")

    for _ in range(2):
        assert issue(ha_env) is None
        assert (carriers(ha_env, "rosa"), carriers(ha_env, "tim")) == before
        await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
        await ha_env.settle()


async def test_question_is_asked_again_after_a_restart(ha_env: HaEnv) -> None:
    before = await robbed(ha_env)

    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()

    assert issue(ha_env) is not None
    assert (carriers(ha_env, "rosa"), carriers(ha_env, "tim")) == before


async def test_name_that_is_a_mark_in_the_options_is_not_written(ha_env: HaEnv) -> None:
    await ha_env.set_up(
        live_mode=False, removed_label_mode="mark", removed_label="nobody", exclude_labels=["kids"]
    )
    before = carriers(ha_env, "tim"), carriers(ha_env, "rosa")
    rename(ha_env, "tim", "nobody")
    rename(ha_env, "rosa", "Kids")

    await ha_env.call("sync_all")

    assert (carriers(ha_env, "tim"), carriers(ha_env, "rosa")) == before
    assert carriers(ha_env, "nobody") == set()
    repair = issue(ha_env)
    assert repair is not None
    assert repair.translation_placeholders is not None
    lines = repair.translation_placeholders["labels"].splitlines()
    assert sorted(lines) == ["- `Kids`: `Kids` ⚡ ⚙️", "- `nobody`: `nobody` ⚡ ⚙️"]


async def test_newcomer_by_somebodys_name_gets_nothing_by_live_sync_either(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(batch_mode=False)
    await ha_env.call("sync_all")
    before = carriers(ha_env, "rosa")
    newcomer = ha_env.pulsarr.state.add_user("ROSA")
    title = ha_env.spare(in_plex=True)

    await ha_env.pulsarr.want(newcomer.id, title, force=True)
    await ha_env.settle()
    await ha_env.call("process_pending")

    assert carriers(ha_env, "rosa") == before
    assert issue(ha_env) is not None


async def test_names_in_the_question_are_text(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, exclude_labels=[HOSTILE[0]])
    rename(ha_env, "tim", HOSTILE[0])

    await ha_env.call("sync_all")

    repair = issue(ha_env)
    assert repair is not None
    assert repair.translation_placeholders is not None
    line = repair.translation_placeholders["labels"]
    assert line.count("`") == 4
    assert signs_in("".join(line.split("`")[::2])) == []


async def test_question_goes_with_the_entry(ha_env: HaEnv) -> None:
    await robbed(ha_env)
    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    assert issue(ha_env) is None


# What the forms confirm


async def test_set_up_confirms_who_shares_a_label_when_it_is_submitted_twice(
    ha_env: HaEnv,
) -> None:
    rename(ha_env, "tim", "Rosa")
    shown = await to_libraries(ha_env)
    shown = await submit(ha_env.hass, shown)
    assert_form(shown, "libraries", label_format="labels_clash")

    created = await finish(ha_env.hass, shown)

    assert created["type"] is FlowResultType.CREATE_ENTRY
    ha_env.entry = created["result"]  # type: ignore[assignment] # as good as a test's own
    await ha_env.settle()
    assert issue(ha_env) is None
    rename(ha_env, "nina", "rosa")
    await ha_env.call("sync_all")
    assert issue(ha_env) is not None


async def test_people_who_were_not_known_at_the_set_up_are_asked_about(
    ha_env: HaEnv,
) -> None:
    rename(ha_env, "tim", "Rosa")
    entry = ha_env.add_entry(live_mode=False)
    nothing: dict[str, Any] = {"people": [], "meant": {}, "left": {}}
    ha_env.hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_CONFIRMED: nothing}
    )
    assert await ha_env.hass.config_entries.async_setup(entry.entry_id)
    await ha_env.settle()

    assert carriers(ha_env, "rosa") == set()
    assert carriers(ha_env, "nina") != set()
    assert issue(ha_env) is not None


async def test_format_that_was_submitted_twice_is_meant(ha_env: HaEnv) -> None:
    for name in ("rosa", "tim"):
        ha_env.pulsarr.state.change_user(ha_env.person(name), alias="the kids")
    await ha_env.set_up(live_mode=False)
    options = ha_env.hass.config_entries.options
    shown = await options.async_init(ha_env.entry.entry_id)
    for _ in range(2):
        shown = await options.async_configure(shown["flow_id"], {"label_format": "{alias}"})
    assert shown["type"] is FlowResultType.CREATE_ENTRY
    await ha_env.settle()
    await ha_env.call("sync_all", allow_mass_removal=True)

    assert issue(ha_env) is None
    assert carriers(ha_env, "the kids") != set()


async def test_options_that_change_nothing_about_labels_confirm_nothing(
    ha_env: HaEnv,
) -> None:
    before = await robbed(ha_env)
    options = ha_env.hass.config_entries.options
    shown = await options.async_init(ha_env.entry.entry_id)
    saved = await options.async_configure(shown["flow_id"], {"sync_interval": 7200})
    assert saved["type"] is FlowResultType.CREATE_ENTRY
    await ha_env.settle()

    assert issue(ha_env) is not None
    assert (carriers(ha_env, "rosa"), carriers(ha_env, "tim")) == before


async def test_name_stays_with_whom_the_list_of_people_leaves_out(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    first, second = (user.name for user in ha_env.pulsarr.state.users()[:2])
    before = carriers(ha_env, first), carriers(ha_env, second)
    number = ha_env.person(first)
    ha_env.pulsarr.knobs.hidden_users.add(number)
    rename(ha_env, second, first.capitalize())

    for _ in range(2):
        await ha_env.call("sync_all")
        assert (carriers(ha_env, first), carriers(ha_env, second)) == before
    assert issue(ha_env) is not None

    # Whoever is gone by Pulsarr's own account has no name any more.
    ha_env.pulsarr.knobs.hidden_users.clear()
    ha_env.pulsarr.state.remove_user(number)
    await ha_env.call("sync_all", allow_mass_removal=True)
    assert issue(ha_env) is None
    assert carriers(ha_env, first) >= before[1]


@pytest.mark.parametrize("kind", ["null_row", "keyless_row"])
async def test_name_stays_with_whom_it_was_known_for_while_the_row_cannot_be_read(
    ha_env: HaEnv, kind: FaultKind
) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    first, second = (user.name for user in ha_env.pulsarr.state.users()[:2])
    before = carriers(ha_env, first), carriers(ha_env, second)
    assert not before[1] <= before[0]
    number = ha_env.person(second)
    ha_env.pulsarr.faults.add(Fault(kind, match="users/list", times=None))
    rename(ha_env, second, first.capitalize())

    for _ in range(2):
        assert (await ha_env.call("sync_all"))["status"] == "partial"
        assert (carriers(ha_env, first), carriers(ha_env, second)) == before
    repair = issue(ha_env)
    assert repair is not None

    ha_env.pulsarr.faults.clear()
    await ha_env.call("sync_all")
    assert (carriers(ha_env, first), carriers(ha_env, second)) == before
    ha_env.pulsarr.state.change_user(number, name=second)
    await ha_env.call("sync_all")
    assert (carriers(ha_env, first), carriers(ha_env, second)) == before
    assert issue(ha_env) is None
