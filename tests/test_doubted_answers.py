"""Answers that say less: nothing is lost by them, whatever path looks at them, and somebody is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from simulators.http import Fault

from .ha_env import later
from .repair_flows import answer_repair
from .test_held_runs import answer_issue, forget, issue
from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from datetime import datetime

    from freezegun.api import TickingDateTimeFactory
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from simulators.catalog import CatalogTitle

    from .ha_env import HaEnv

WATCHLIST = "/v1/users/{id}/watchlist"


def titles_of(ha_env: HaEnv, name: str) -> list[CatalogTitle]:
    """Return what a person wants and Plex has."""
    wanted = ha_env.wanted_by(name)
    return [
        title
        for title in ha_env.world.catalog
        if title.key in wanted and ha_env.plex.state.items_of(title)
    ]


def nobody(ha_env: HaEnv) -> None:
    """Let Pulsarr list nobody from now on."""
    for user in ha_env.pulsarr.state.users():
        ha_env.pulsarr.state.remove_user(user.id)


def all_labels(ha_env: HaEnv) -> dict[str, set[str]]:
    """Return what every item carries."""
    return {key: set(item.labels) for key, item in ha_env.plex.state.items.items()}


def issue_text(ha_env: HaEnv, kind: str) -> ir.IssueEntry | None:
    """Return a message in Repairs."""
    return ir.async_get(ha_env.hass).async_get_issue(DOMAIN, f"{kind}_{ha_env.entry.entry_id}")


def more_for_rosa(ha_env: HaEnv) -> None:
    """Let rosa want eight titles that are in Plex, a few for the brake and many for one list."""
    wanted = ha_env.wanted_by("rosa")
    titles = [one for one in ha_env.world.catalog if ha_env.plex.state.items_of(one)]
    for title in [one for one in titles if one.key not in wanted][:8]:
        ha_env.pulsarr.state.want(ha_env.person("rosa"), title)


async def live(ha_env: HaEnv, **options: Any) -> None:
    """Set up with live updates and labels that go when nobody wants the title."""
    await ha_env.set_up(removed_label_mode="remove", **options)
    await ha_env.connected()


async def test_events_of_removals_remove_nothing_while_pulsarr_lists_no_people(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await live(ha_env)
    before = all_labels(ha_env)
    person, titles = ha_env.person("rosa"), titles_of(ha_env, "rosa")
    events = [
        {
            "watchlistItemId": number,
            "content": {
                "title": title.title,
                "type": title.type,
                "key": title.key,
                "guids": list(title.guids),
            },
            "removedBy": {"userId": person, "username": "rosa"},
        }
        for number, title in enumerate(titles)
    ]
    nobody(ha_env)

    for event in events:
        await ha_env.pulsarr.deliver("watchlist.removed", event)
        await ha_env.settle()
        await later(ha_env, clock, 1)

    assert all_labels(ha_env) == before
    assert issue(ha_env) is not None
    assert ha_env.state("status") == "held"


async def test_sync_of_one_library_removes_nothing_while_pulsarr_lists_no_people(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    before = all_labels(ha_env)
    nobody(ha_env)

    answer = await ha_env.call("sync_all", libraries=["1"])

    assert (answer["status"], answer["removed"]) == ("held", 0)
    assert all_labels(ha_env) == before
    assert issue(ha_env) is not None


async def test_answer_without_people_is_asked_about_at_once_where_labels_wait_for_a_delay(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(live_mode=True, removed_label_mode="remove", removal_delay=1)
    before = all_labels(ha_env)
    nobody(ha_env)

    answer = await ha_env.call("sync_all")

    assert answer["status"] == "held"
    assert issue(ha_env) is not None
    for _ in range(5):
        await later(ha_env, clock, 12 * 3600)
    assert all_labels(ha_env) == before
    assert ha_env.state("status") == "held"


async def test_answer_without_people_is_asked_about_even_where_nothing_would_go(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up(live_mode=False)
    nobody(ha_env)

    assert (await ha_env.call("sync_all"))["status"] == "held"
    assert (await ha_env.call("sync_all"))["status"] == "held"  # it is no new normal

    assert (await answer_issue(ha_env, hass_client, "apply"))["type"] == "create_entry"
    assert (await ha_env.call("sync_all"))["status"] == "done"


async def test_nothing_that_is_asked_about_goes_by_another_path(full_env: HaEnv) -> None:
    switch = {"entity_id": full_env.entity_id("live_mode")}
    titles = titles_of(full_env, "rosa")
    forget(full_env)
    await full_env.call("sync_all")
    assert issue(full_env) is not None
    before = all_labels(full_env)
    await full_env.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    await full_env.settle()

    await full_env.call("sync_all", libraries=["1"])
    await full_env.call("sync_all", people=["rosa"])
    for title in titles[:20]:
        await full_env.pulsarr.announce(title)
    await full_env.settle()

    assert all_labels(full_env) == before


@pytest.mark.parametrize("away", ["list", "library"])
async def test_question_stays_open_about_what_a_sync_cannot_read(
    full_env: HaEnv, hass_client: ClientSessionGenerator, away: str
) -> None:
    titles = titles_of(full_env, "rosa")
    forget(full_env)
    await full_env.call("sync_all")
    before = all_labels(full_env)
    asked = issue(full_env)
    assert asked is not None
    if away == "list":
        match = rf"/v1/users/{full_env.person('rosa')}/watchlist"
        full_env.pulsarr.faults.add(Fault("busy", route=WATCHLIST, match=match, times=None))
    else:
        full_env.plex.faults.add(Fault("busy", match=r"sections/1/(all|label)", times=None))

    assert (await full_env.call("sync_all"))["gaps"]

    still = issue(full_env)
    assert still is not None
    assert still.translation_placeholders is not None
    assert asked.translation_placeholders is not None
    for name in ("removals", "vanished"):
        assert still.translation_placeholders[name] == asked.translation_placeholders[name]
    full_env.pulsarr.faults.clear()
    full_env.plex.faults.clear()
    switch = {"entity_id": full_env.entity_id("live_mode")}
    await full_env.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    for title in titles[:20]:
        await full_env.pulsarr.announce(title)
    await full_env.settle()
    assert all_labels(full_env) == before
    await answer_issue(full_env, hass_client, "apply")
    assert full_env.plex.state.carriers("rosa") == []
    assert issue(full_env) is None


async def test_question_goes_with_an_answer_although_something_cannot_be_read(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    forget(full_env)
    match = rf"/v1/users/{full_env.person('tim')}/watchlist"
    full_env.pulsarr.faults.add(Fault("busy", route=WATCHLIST, match=match, times=None))
    await full_env.call("sync_all")
    assert issue(full_env) is not None

    await answer_issue(full_env, hass_client, "apply")

    assert full_env.plex.state.carriers("rosa") == []
    assert issue(full_env) is None


async def test_empty_list_of_one_person_waits_for_a_second_read_and_asks_no_one(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    more_for_rosa(ha_env)
    await ha_env.set_up(live_mode=False, removed_label_mode="remove", max_removals=100)
    before = all_labels(ha_env)
    forget(ha_env)

    answer = await ha_env.call("sync_all")

    assert (answer["status"], answer["hold_reasons"]) == ("held", ["list_shrank"])
    assert answer["held"] > 0
    assert issue(ha_env) is None
    assert all_labels(ha_env) == before
    await later(ha_env, clock, 310)
    assert ha_env.plex.state.carriers("rosa") == []


async def test_many_new_names_of_pulsarr_are_asked_about(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up(live_mode=False)
    before = all_labels(ha_env)
    users = ha_env.pulsarr.state.users()
    for user in users:
        ha_env.pulsarr.state.rename(user.id, f"new {user.name}")

    answer = await ha_env.call("sync_all")

    assert (answer["status"], answer["hold_reasons"]) == ("held", ["people_renamed"])
    assert all_labels(ha_env) == before
    question = issue(ha_env)
    assert question is not None
    assert question.translation_key == "people_renamed"

    assert (await answer_issue(ha_env, hass_client, "apply"))["type"] == "create_entry"
    assert_everything_is_labelled(ha_env)
    assert ha_env.plex.state.carriers(users[0].name) == []


async def test_new_names_by_another_format_are_not_asked_about_again(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False)
    options = {**ha_env.entry.options, "label_format": "for {username}"}
    ha_env.hass.config_entries.async_update_entry(ha_env.entry, options=options)
    await ha_env.settle()

    answer = await ha_env.call("sync_all")

    assert answer["status"] == "done"
    assert ha_env.plex.state.carriers("rosa") == []
    assert ha_env.plex.state.carriers("for rosa")


@pytest.mark.parametrize("choice", ["adopt", "leave"])
async def test_labels_that_restored_records_lack_are_offered(
    ha_env: HaEnv,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    choice: str,
) -> None:
    title = ha_env.spare(in_plex=True)
    ha_env.plex.state.add_label(ha_env.plex.state.items_of(title)[0].rating_key, "tim")
    ha_env.pulsarr.state.want(ha_env.person("tim"), title)  # a label by somebody else
    await ha_env.set_up(live_mode=False)
    name = f"plex_label_sync.{ha_env.entry.entry_id}"
    backup = {key: value for key, value in hass_storage.items() if key.startswith(name)}
    titles = [
        one
        for one in ha_env.world.catalog
        if ha_env.plex.state.items_of(one) and one.key not in ha_env.wanted_by("rosa")
    ][:8]
    for one in titles:
        ha_env.pulsarr.state.want(ha_env.person("rosa"), one)
    await ha_env.call("sync_all")
    written = sum("rosa" in some for one in titles for some in ha_env.labels(one))
    assert await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    hass_storage.update(backup)
    assert await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()

    question = issue_text(ha_env, "labels_unknown")
    assert question is not None
    assert question.translation_placeholders is not None
    assert question.translation_placeholders["count"] == str(written)
    assert "Rosa" in question.translation_placeholders["labels"]

    _, done = await answer_repair(ha_env, hass_client, "labels_unknown", choice)
    assert done["type"] == "create_entry"
    assert issue_text(ha_env, "labels_unknown") is None
    await ha_env.call("remove_labels", people=["rosa"])

    left = sum("rosa" in some for one in titles for some in ha_env.labels(one))
    assert left == (0 if choice == "adopt" else written)
    assert "tim" in ha_env.labels(title)[0]


async def test_labels_that_an_empty_ledger_of_a_backup_lacks_are_offered(
    ha_env: HaEnv, hass_storage: dict[str, Any]
) -> None:
    for user in ha_env.pulsarr.state.users():
        forget(ha_env, user.name)
    await ha_env.set_up(live_mode=False)
    name = f"plex_label_sync.{ha_env.entry.entry_id}"
    backup = {key: value for key, value in hass_storage.items() if key.startswith(name)}
    more_for_rosa(ha_env)
    assert (await ha_env.call("sync_all"))["added"] >= 8
    assert await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    hass_storage.update(backup)
    assert await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()

    question = issue_text(ha_env, "labels_unknown")
    assert question is not None


def written(when: datetime) -> str:
    """Return a local time as an English text has it."""
    return f"{when.day} {when:%B %Y} at {when:%H:%M}"


async def test_list_that_cannot_be_read_costs_no_one_else_anything_and_is_reported(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    before = len(ha_env.plex.state.carriers("rosa"))
    match = rf"/v1/users/{ha_env.person('rosa')}/watchlist"
    ha_env.pulsarr.faults.add(Fault("busy", route=WATCHLIST, match=match, times=None))
    title = ha_env.spare("show", in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("tim"), title)

    answer = await ha_env.call("sync_all")

    assert answer["status"] == "partial"
    (gap,) = answer["gaps"]
    assert (gap["kind"], gap["name"], gap["reason"]) == ("person", "rosa", "unreadable")
    assert all("tim" in labels for labels in ha_env.labels(title))
    assert len(ha_env.plex.state.carriers("rosa")) == before
    for _ in range(2):
        again = await ha_env.call("sync_all")
        assert again["gaps"][0]["since"] == gap["since"]
    message = issue_text(ha_env, "gap_person")
    assert message is not None
    assert message.translation_placeholders is not None
    assert message.translation_placeholders["names"] == "rosa"
    began = dt_util.parse_datetime(gap["since"], raise_on_error=True)
    assert message.translation_placeholders["since"] == written(dt_util.as_local(began))

    ha_env.pulsarr.faults.clear()
    assert (await ha_env.call("sync_all"))["status"] == "done"
    assert issue_text(ha_env, "gap_person") is None


async def test_gap_that_lasts_two_hours_is_reported_without_another_sync(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    ha_env.plex.faults.add(
        Fault("busy", route="/library/sections/{id}/all", match="/sections/1/", times=None)
    )
    assert (await ha_env.call("sync_all"))["status"] == "partial"
    assert issue_text(ha_env, "gap_library") is None

    await later(ha_env, clock, 2 * 3600 + 5)

    assert issue_text(ha_env, "gap_library") is not None


@pytest.mark.parametrize("called", ["rosa", "Rosa", "number"])
async def test_labels_of_someone_who_left_can_be_removed_by_what_is_known(
    ha_env: HaEnv, called: str
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    person = ha_env.person("rosa")
    ha_env.pulsarr.state.remove_user(person)

    answer = await ha_env.call(
        "remove_labels", people=[str(person) if called == "number" else called]
    )

    assert answer["removed"] > 0
    assert ha_env.plex.state.carriers("rosa") == []


async def test_text_that_fits_two_people_is_refused_with_both_named(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    for name in ("rosa", "tim"):
        ha_env.pulsarr.state.change_user(ha_env.person(name), alias="Boss")
    await ha_env.call("sync_all")

    with pytest.raises(Exception, match=r"Boss.*rosa, tim"):
        await ha_env.call("sync_all", people=["Boss"])


async def test_labels_that_plex_lost_with_its_database_are_one_question(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up(live_mode=False)
    copy = ha_env.plex.state.snapshot()
    more_for_rosa(ha_env)
    added = (await ha_env.call("sync_all"))["added"]
    assert 5 <= added <= 25
    ha_env.plex.state.restore(copy)

    answer = await ha_env.call("sync_all")

    assert (answer["status"], answer["hold_reasons"]) == ("held", ["labels_vanished"])
    assert ha_env.state("overrides") == "0"
    question = issue(ha_env)
    assert question is not None
    assert question.translation_placeholders is not None
    assert question.translation_placeholders["vanished"] == f"{added} labels"
    assert (await answer_issue(ha_env, hass_client, "restore"))["type"] == "create_entry"
    assert_everything_is_labelled(ha_env)


async def test_labels_that_come_back_with_plexs_database_are_offered(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    more_for_rosa(ha_env)
    await ha_env.call("sync_all")
    copy = ha_env.plex.state.snapshot()
    removed = (await ha_env.call("remove_labels", people=["rosa"]))["removed"]
    assert removed >= 3
    user = ha_env.person("rosa")
    titles = {title.key: title for title in ha_env.world.catalog}
    for listed in ha_env.pulsarr.state.watchlist(user):
        ha_env.pulsarr.state.unwant(user, titles[listed.catalog_key])
    await ha_env.call("sync_all", allow_mass_removal=True)
    assert issue_text(ha_env, "labels_unknown") is None
    ha_env.plex.state.restore(copy)

    assert (await ha_env.call("sync_all", allow_mass_removal=True))["status"] == "done"

    question = issue_text(ha_env, "labels_unknown")
    assert question is not None
    assert question.translation_placeholders is not None
    assert question.translation_placeholders["count"] == str(removed)
    await answer_repair(ha_env, hass_client, "labels_unknown", "leave")
    for _ in range(2):
        await ha_env.call("sync_all")
        assert issue_text(ha_env, "labels_unknown") is None
