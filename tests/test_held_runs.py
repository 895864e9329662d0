"""The brake: what would remove many labels asks first, and waits for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from simulators.plex import Fault

from .ha_env import later
from .repair_flows import answer_repair
from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .ha_env import HaEnv


def forget(ha_env: HaEnv, name: str = "rosa") -> None:
    """Let a person's watchlist be empty, and nobody else's."""
    person = ha_env.person(name)
    for title in ha_env.world.catalog:
        ha_env.pulsarr.state.unwant(person, title)


def issue(ha_env: HaEnv) -> ir.IssueEntry | None:
    """Return the question that waits for an answer."""
    return ir.async_get(ha_env.hass).async_get_issue(DOMAIN, f"held_{ha_env.entry.entry_id}")


async def answer_issue(
    ha_env: HaEnv, hass_client: ClientSessionGenerator, choice: str
) -> dict[str, Any]:
    """Answer the question as the web interface does."""
    shown, result = await answer_repair(ha_env, hass_client, "held", choice)
    assert choice in shown["menu_options"]
    return result


async def test_many_removals_are_held_and_asked_about(full_env: HaEnv) -> None:
    before = len(full_env.plex.state.carriers("rosa"))
    forget(full_env)
    title = full_env.spare("show", in_plex=True)
    full_env.pulsarr.state.want(full_env.person("tim"), title)

    answer = await full_env.call("sync_all")

    assert answer["status"] == "held"
    assert answer["removed"] == 0
    assert len(full_env.plex.state.carriers("rosa")) == before
    # What is beyond doubt is written all the same.
    assert all("tim" in labels for labels in full_env.labels(title))
    assert full_env.state("status") == "held"
    assert full_env.state("problem") == "on"
    question = issue(full_env)
    assert question is not None
    assert question.translation_placeholders is not None
    assert question.translation_placeholders["removals"] == f"{before} labels"
    event = full_env.entity("activity").attributes
    assert event["event_type"] in {"run_held", "sync_finished"}


async def test_many_removals_that_pulsarr_announces_one_by_one_are_asked_about_as_well(
    clock: TickingDateTimeFactory, full_env: HaEnv
) -> None:
    switch = {"entity_id": full_env.entity_id("live_mode")}
    await full_env.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    await full_env.settle()
    before = len(full_env.plex.state.carriers("rosa"))
    person = full_env.person("rosa")
    for key in full_env.wanted_by("rosa"):
        title = next(one for one in full_env.world.catalog if one.key == key)
        await full_env.pulsarr.unwant(person, title)
    await full_env.settle()
    await later(full_env, clock, 1)
    assert len(full_env.plex.state.carriers("rosa")) == before

    await later(full_env, clock, 61)

    assert len(full_env.plex.state.carriers("rosa")) == before
    assert full_env.state("status") == "held"
    assert issue(full_env) is not None


async def test_question_survives_a_restart_and_goes_when_the_reason_goes(
    full_env: HaEnv,
) -> None:
    wanted = full_env.wanted_by("rosa")
    forget(full_env)
    await full_env.call("sync_all")
    await full_env.hass.config_entries.async_reload(full_env.entry.entry_id)
    await full_env.settle()
    assert issue(full_env) is not None

    for title in full_env.world.catalog:
        if title.key in wanted:
            full_env.pulsarr.state.want(full_env.person("rosa"), title)
    await full_env.call("sync_all")

    assert issue(full_env) is None
    assert full_env.state("status") == "idle"
    assert full_env.state("problem") == "off"


async def test_held_removals_are_done_when_someone_says_so(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    forget(full_env)
    await full_env.call("sync_all")

    result = await answer_issue(full_env, hass_client, "apply")

    assert result["type"] == "create_entry"
    assert full_env.plex.state.carriers("rosa") == []
    assert issue(full_env) is None
    assert full_env.state("status") == "idle"


async def test_confirmation_holds_for_no_more_than_was_shown(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    forget(full_env)
    await full_env.call("sync_all")
    shown = len(full_env.plex.state.carriers("rosa"))
    for user in full_env.pulsarr.state.users():
        full_env.pulsarr.state.remove_user(user.id)
    before = {key: set(item.labels) for key, item in full_env.plex.state.items.items()}

    result = await answer_issue(full_env, hass_client, "apply")

    assert (result["type"], result["reason"]) == ("abort", "more_than_shown")
    assert {key: set(item.labels) for key, item in full_env.plex.state.items.items()} == before
    question = issue(full_env)
    assert question is not None
    assert question.translation_placeholders is not None
    assert int(question.translation_placeholders["removals"].partition(" ")[0]) > shown
    # Whoever has seen the new numbers may say yes to them.
    assert (await answer_issue(full_env, hass_client, "apply"))["type"] == "create_entry"


async def test_held_removals_are_forgotten_when_someone_says_so(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    before = len(full_env.plex.state.carriers("rosa"))
    forget(full_env)
    await full_env.call("sync_all")

    await answer_issue(full_env, hass_client, "keep")
    answer = await full_env.call("sync_all")

    assert answer["status"] == "done"
    assert len(full_env.plex.state.carriers("rosa")) == before
    assert issue(full_env) is None


async def test_keeping_holds_for_no_more_than_was_shown(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    forget(full_env)
    await full_env.call("sync_all")
    shown = {item.rating_key for item in full_env.plex.state.carriers("rosa")}
    for user in full_env.pulsarr.state.users():
        full_env.pulsarr.state.remove_user(user.id)

    result = await answer_issue(full_env, hass_client, "keep")

    assert (result["type"], result["reason"]) == ("abort", "more_to_decide")
    pinned = {row.key for row in full_env.entry.runtime_data.records.ledger if row.pinned}
    assert pinned
    assert pinned <= {(key, "rosa") for key in shown}


async def test_mass_removal_can_be_allowed_beforehand(full_env: HaEnv) -> None:
    forget(full_env)

    answer = await full_env.call("sync_all", allow_mass_removal=True)

    assert answer["status"] == "done"
    assert full_env.plex.state.carriers("rosa") == []


async def test_pulsarr_that_lists_no_people_is_not_believed(full_env: HaEnv) -> None:
    before = len(full_env.plex.state.carriers("rosa"))
    for user in full_env.pulsarr.state.users():
        full_env.pulsarr.state.remove_user(user.id)

    answer = await full_env.call("sync_all")

    assert answer["status"] == "held"
    assert len(full_env.plex.state.carriers("rosa")) == before
    question = issue(full_env)
    assert question is not None
    assert question.translation_key == "nobody_listed"


async def test_labels_that_vanish_in_bulk_are_asked_about_and_put_back(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    items = full_env.plex.state.carriers("rosa")
    for item in items:
        full_env.plex.state.remove_label(item.rating_key, "rosa")

    answer = await full_env.call("sync_all")
    assert answer["status"] == "held"
    assert full_env.state("overrides") == "0"
    question = issue(full_env)
    assert question is not None
    assert question.translation_key == "labels_vanished"

    await answer_issue(full_env, hass_client, "restore")

    assert_everything_is_labelled(full_env)
    assert issue(full_env) is None


async def test_labels_that_wait_to_be_removed_still_wait_when_vanished_ones_are_left_off(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    rosas = full_env.plex.state.carriers("rosa")
    tim = full_env.person("tim")
    for title in full_env.world.catalog[:60]:
        if full_env.plex.state.items_of(title):
            full_env.pulsarr.state.want(tim, title)
    await full_env.call("sync_all")
    tims = len(full_env.plex.state.carriers("tim"))
    for item in rosas:
        full_env.plex.state.remove_label(item.rating_key, "rosa")
    forget(full_env, "tim")
    await full_env.call("sync_all")

    await answer_issue(full_env, hass_client, "accept")

    assert full_env.state("overrides") == str(len(rosas))
    assert len(full_env.plex.state.carriers("tim")) == tims
    question = issue(full_env)
    assert question is not None
    assert question.translation_key == "mass_removal"


async def test_labels_that_vanish_in_bulk_can_be_left_off(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    items = full_env.plex.state.carriers("rosa")
    for item in items:
        full_env.plex.state.remove_label(item.rating_key, "rosa")
    await full_env.call("sync_all")

    await answer_issue(full_env, hass_client, "accept")

    assert full_env.plex.state.carriers("rosa") == []
    assert full_env.state("overrides") == str(len(items))
    assert (await full_env.call("sync_all"))["status"] == "done"


@pytest.mark.parametrize("choice", ["accept", "restore"])
async def test_labels_that_vanish_in_bulk_are_asked_about_under_a_new_name_as_well(
    full_env: HaEnv, hass_client: ClientSessionGenerator, choice: str
) -> None:
    rosas = take_off_by_hand(full_env, "rosa")
    full_env.pulsarr.state.rename(full_env.person("rosa"), "rosalinde")

    assert (await full_env.call("sync_all"))["status"] == "held"
    assert full_env.state("overrides") == "0"
    assert full_env.plex.state.carriers("rosalinde") == []

    await answer_issue(full_env, hass_client, choice)

    given = len(full_env.plex.state.carriers("rosalinde"))
    off = int(full_env.state("overrides"))
    assert (given, off) == ((0, rosas) if choice == "accept" else (rosas, 0))
    assert (await full_env.call("sync_all"))["changes_total"] == 0


async def test_vanished_labels_are_left_off_only_as_many_as_were_shown(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    rosas = take_off_by_hand(full_env, "rosa")
    await full_env.call("sync_all")
    tims = take_off_by_hand(full_env, "tim")

    result = await answer_issue(full_env, hass_client, "accept")

    assert (result["type"], result["reason"]) == ("abort", "more_than_shown")
    assert full_env.state("overrides") == "0"
    question = issue(full_env)
    assert question is not None
    assert question.translation_placeholders is not None
    assert f"{rosas + tims} labels" in question.translation_placeholders.values()

    result = await answer_issue(full_env, hass_client, "accept")

    assert result["type"] == "create_entry"
    assert full_env.state("overrides") == str(rosas + tims)


async def test_removals_that_were_agreed_to_wait_when_labels_have_vanished_meanwhile(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    tim = full_env.person("tim")
    for title in full_env.world.catalog[:60]:
        if full_env.plex.state.items_of(title):
            full_env.pulsarr.state.want(tim, title)
    await full_env.call("sync_all")
    forget(full_env)
    await full_env.call("sync_all")
    rosas = len(full_env.plex.state.carriers("rosa"))
    take_off_by_hand(full_env, "tim")

    result = await answer_issue(full_env, hass_client, "apply")

    assert (result["type"], result["reason"]) == ("abort", "more_than_shown")
    assert len(full_env.plex.state.carriers("rosa")) == rosas
    assert full_env.state("overrides") == "0"


def take_off_by_hand(ha_env: HaEnv, label: str) -> int:
    """Take a label off all its items in Plex; return how many these are."""
    items = ha_env.plex.state.carriers(label)
    for item in items:
        ha_env.plex.state.remove_label(item.rating_key, label)
    return len(items)


async def test_question_cannot_be_answered_while_the_integration_does_not_run(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    forget(full_env)
    await full_env.call("sync_all")
    client = await hass_client()
    shown = await client.post(
        "/api/repairs/issues/fix",
        json={"handler": DOMAIN, "issue_id": f"held_{full_env.entry.entry_id}"},
    )
    flow = await shown.json()
    await full_env.hass.config_entries.async_unload(full_env.entry.entry_id)

    done = await client.post(
        f"/api/repairs/issues/fix/{flow['flow_id']}", json={"next_step_id": "apply"}
    )

    assert (await done.json())["reason"] == "not_loaded"


async def test_question_stays_when_the_answer_could_not_be_carried_out(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    before = len(full_env.plex.state.carriers("rosa"))
    forget(full_env)
    await full_env.call("sync_all")
    full_env.plex.faults.add(Fault("html", route="/library/sections", times=9))

    result = await answer_issue(full_env, hass_client, "apply")

    assert (result["type"], result["reason"]) == ("abort", "failed")
    assert issue(full_env) is not None
    assert len(full_env.plex.state.carriers("rosa")) == before
