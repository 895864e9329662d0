"""Answers that say less: nothing is lost by them, whatever path looks at them, and somebody is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from simulators.http import Fault

from .household import later
from .test_brake import answer_issue, forget, issue
from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from simulators.catalogue import CatalogueTitle

    from .household import Household

WATCHLIST = "/v1/users/{id}/watchlist"


def titles_of(household: Household, name: str) -> list[CatalogueTitle]:
    """Return what a person wants and Plex has."""
    wanted = household.wanted_by(name)
    return [
        title
        for title in household.world.catalogue
        if title.key in wanted and household.plex.state.items_of(title)
    ]


def nobody(household: Household) -> None:
    """Let Pulsarr list nobody from now on."""
    for user in household.pulsarr.state.users():
        household.pulsarr.state.remove_user(user.id)


def all_labels(household: Household) -> dict[str, set[str]]:
    """Return what every item carries."""
    return {key: set(item.labels) for key, item in household.plex.state.items.items()}


def told(household: Household, kind: str) -> ir.IssueEntry | None:
    """Return a message in Repairs."""
    return ir.async_get(household.hass).async_get_issue(
        DOMAIN, f"{kind}_{household.entry.entry_id}"
    )


def more_for_rosa(household: Household) -> None:
    """Let rosa want eight titles that are in Plex, a few for the brake and many for one list."""
    wanted = household.wanted_by("rosa")
    titles = [one for one in household.world.catalogue if household.plex.state.items_of(one)]
    for title in [one for one in titles if one.key not in wanted][:8]:
        household.pulsarr.state.wish(household.person("rosa"), title)


async def live(household: Household, **options: Any) -> None:
    """Set up with live updates and labels that go when nobody wants the title."""
    await household.set_up(removed_label_mode="remove", **options)
    await household.connected()


async def test_events_of_removals_take_nothing_off_while_pulsarr_lists_nobody(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await live(household)
    before = all_labels(household)
    person, titles = household.person("rosa"), titles_of(household, "rosa")
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
    nobody(household)

    for event in events:
        await household.pulsarr.deliver("watchlist.removed", event)
        await household.settle()
        await later(household, clock, 1)

    assert all_labels(household) == before
    assert issue(household) is not None
    assert household.state("status") == "held"


async def test_sync_of_one_library_takes_nothing_off_while_pulsarr_lists_nobody(
    household: Household,
) -> None:
    await household.set_up(live_mode=False, removed_label_mode="remove")
    before = all_labels(household)
    nobody(household)

    answer = await household.call("sync_all", libraries=["1"])

    assert (answer["status"], answer["removed"]) == ("held", 0)
    assert all_labels(household) == before
    assert issue(household) is not None


async def test_answer_of_nobody_is_asked_about_at_once_where_labels_wait_for_a_delay(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(live_mode=True, removed_label_mode="remove", removal_delay=1)
    before = all_labels(household)
    nobody(household)

    answer = await household.call("sync_all")

    assert answer["status"] == "held"
    assert issue(household) is not None
    for _ in range(5):
        await later(household, clock, 12 * 3600)
    assert all_labels(household) == before
    assert household.state("status") == "held"


async def test_answer_of_nobody_is_asked_about_even_where_nothing_would_go(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up(live_mode=False)
    nobody(household)

    assert (await household.call("sync_all"))["status"] == "held"
    assert (await household.call("sync_all"))["status"] == "held"  # it is no new normal

    assert (await answer_issue(household, hass_client, "apply"))["type"] == "create_entry"
    assert (await household.call("sync_all"))["status"] == "done"


async def test_nothing_that_is_asked_about_goes_by_another_path(full_house: Household) -> None:
    switch = {"entity_id": full_house.entity_id("live_mode")}
    titles = titles_of(full_house, "rosa")
    forget(full_house)
    await full_house.call("sync_all")
    assert issue(full_house) is not None
    before = all_labels(full_house)
    await full_house.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    await full_house.settle()

    await full_house.call("sync_all", libraries=["1"])
    await full_house.call("sync_all", people=["rosa"])
    for title in titles[:20]:
        await full_house.pulsarr.announce(title)
    await full_house.settle()

    assert all_labels(full_house) == before


@pytest.mark.parametrize("away", ["list", "library"])
async def test_question_stays_open_about_what_a_sync_cannot_read(
    full_house: Household, hass_client: ClientSessionGenerator, away: str
) -> None:
    titles = titles_of(full_house, "rosa")
    forget(full_house)
    await full_house.call("sync_all")
    before = all_labels(full_house)
    asked = issue(full_house)
    assert asked is not None
    if away == "list":
        match = rf"/v1/users/{full_house.person('rosa')}/watchlist"
        full_house.pulsarr.faults.add(Fault("busy", route=WATCHLIST, match=match, times=None))
    else:
        full_house.plex.faults.add(Fault("busy", match=r"sections/1/(all|label)", times=None))

    assert (await full_house.call("sync_all"))["gaps"]

    still = issue(full_house)
    assert still is not None
    assert still.translation_placeholders is not None
    assert asked.translation_placeholders is not None
    for name in ("removals", "vanished"):
        assert still.translation_placeholders[name] == asked.translation_placeholders[name]
    full_house.pulsarr.faults.clear()
    full_house.plex.faults.clear()
    switch = {"entity_id": full_house.entity_id("live_mode")}
    await full_house.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    for title in titles[:20]:
        await full_house.pulsarr.announce(title)
    await full_house.settle()
    assert all_labels(full_house) == before
    await answer_issue(full_house, hass_client, "apply")
    assert full_house.plex.state.carriers("rosa") == []
    assert issue(full_house) is None


async def test_question_goes_with_an_answer_although_something_cannot_be_read(
    full_house: Household, hass_client: ClientSessionGenerator
) -> None:
    forget(full_house)
    match = rf"/v1/users/{full_house.person('tim')}/watchlist"
    full_house.pulsarr.faults.add(Fault("busy", route=WATCHLIST, match=match, times=None))
    await full_house.call("sync_all")
    assert issue(full_house) is not None

    await answer_issue(full_house, hass_client, "apply")

    assert full_house.plex.state.carriers("rosa") == []
    assert issue(full_house) is None


async def test_empty_list_of_one_person_waits_for_a_second_read_and_asks_nobody(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    more_for_rosa(household)
    await household.set_up(live_mode=False, removed_label_mode="remove", max_removals=100)
    before = all_labels(household)
    forget(household)

    answer = await household.call("sync_all")

    assert (answer["status"], answer["hold_reasons"]) == ("held", ["list_shrank"])
    assert answer["held"] > 0
    assert issue(household) is None
    assert all_labels(household) == before
    await later(household, clock, 310)
    assert household.plex.state.carriers("rosa") == []


async def test_many_new_names_of_pulsarr_are_asked_about(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up(live_mode=False)
    before = all_labels(household)
    users = household.pulsarr.state.users()
    for user in users:
        household.pulsarr.state.rename(user.id, f"new {user.name}")

    answer = await household.call("sync_all")

    assert (answer["status"], answer["hold_reasons"]) == ("held", ["people_renamed"])
    assert all_labels(household) == before
    question = issue(household)
    assert question is not None
    assert question.translation_key == "people_renamed"

    assert (await answer_issue(household, hass_client, "apply"))["type"] == "create_entry"
    assert_everything_is_labelled(household)
    assert household.plex.state.carriers(users[0].name) == []


async def test_new_names_by_another_format_are_not_asked_about_again(
    household: Household,
) -> None:
    await household.set_up(live_mode=False)
    options = {**household.entry.options, "label_format": "for {username}"}
    household.hass.config_entries.async_update_entry(household.entry, options=options)
    await household.settle()

    answer = await household.call("sync_all")

    assert answer["status"] == "done"
    assert household.plex.state.carriers("rosa") == []
    assert household.plex.state.carriers("for rosa")


@pytest.mark.parametrize("choice", ["adopt", "leave"])
async def test_labels_that_restored_records_lack_are_offered(
    household: Household,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    choice: str,
) -> None:
    title = household.spare(in_plex=True)
    household.plex.state.add_label(household.plex.state.items_of(title)[0].rating_key, "tim")
    household.pulsarr.state.wish(household.person("tim"), title)  # a label by somebody else
    await household.set_up(live_mode=False)
    name = f"plex_label_sync.{household.entry.entry_id}"
    backup = {key: value for key, value in hass_storage.items() if key.startswith(name)}
    titles = [
        one
        for one in household.world.catalogue
        if household.plex.state.items_of(one) and one.key not in household.wanted_by("rosa")
    ][:8]
    for one in titles:
        household.pulsarr.state.wish(household.person("rosa"), one)
    await household.call("sync_all")
    written = sum("rosa" in some for one in titles for some in household.labels(one))
    assert await household.hass.config_entries.async_unload(household.entry.entry_id)
    hass_storage.update(backup)
    assert await household.hass.config_entries.async_setup(household.entry.entry_id)
    await household.settle()

    question = told(household, "labels_unknown")
    assert question is not None
    assert question.translation_placeholders is not None
    assert question.translation_placeholders["count"] == str(written)
    assert "Rosa" in question.translation_placeholders["labels"]

    client = await hass_client()
    shown = await client.post(
        "/api/repairs/issues/fix",
        json={"handler": DOMAIN, "issue_id": f"labels_unknown_{household.entry.entry_id}"},
    )
    flow = await shown.json()
    done = await client.post(
        f"/api/repairs/issues/fix/{flow['flow_id']}", json={"next_step_id": choice}
    )
    assert (await done.json())["type"] == "create_entry"
    await household.settle()
    assert told(household, "labels_unknown") is None
    await household.call("remove_labels", people=["rosa"])

    left = sum("rosa" in some for one in titles for some in household.labels(one))
    assert left == (0 if choice == "adopt" else written)
    assert "tim" in household.labels(title)[0]


async def test_labels_that_an_empty_ledger_of_a_backup_lacks_are_offered(
    household: Household, hass_storage: dict[str, Any]
) -> None:
    for user in household.pulsarr.state.users():
        forget(household, user.name)
    await household.set_up(live_mode=False)
    name = f"plex_label_sync.{household.entry.entry_id}"
    backup = {key: value for key, value in hass_storage.items() if key.startswith(name)}
    more_for_rosa(household)
    assert (await household.call("sync_all"))["added"] >= 8
    assert await household.hass.config_entries.async_unload(household.entry.entry_id)
    hass_storage.update(backup)
    assert await household.hass.config_entries.async_setup(household.entry.entry_id)
    await household.settle()

    question = told(household, "labels_unknown")
    assert question is not None


async def test_list_that_cannot_be_read_costs_nobody_else_anything_and_is_told(
    household: Household,
) -> None:
    await household.set_up(live_mode=False, removed_label_mode="remove")
    before = len(household.plex.state.carriers("rosa"))
    match = rf"/v1/users/{household.person('rosa')}/watchlist"
    household.pulsarr.faults.add(Fault("busy", route=WATCHLIST, match=match, times=None))
    title = household.spare("show", in_plex=True)
    household.pulsarr.state.wish(household.person("tim"), title)

    answer = await household.call("sync_all")

    assert answer["status"] == "partial"
    (gap,) = answer["gaps"]
    assert (gap["kind"], gap["name"], gap["reason"]) == ("person", "rosa", "unreadable")
    assert all("tim" in labels for labels in household.labels(title))
    assert len(household.plex.state.carriers("rosa")) == before
    for _ in range(2):
        again = await household.call("sync_all")
        assert again["gaps"][0]["since"] == gap["since"]
    message = told(household, "gap_person")
    assert message is not None
    assert message.translation_placeholders is not None
    assert message.translation_placeholders["names"] == "rosa"

    household.pulsarr.faults.clear()
    assert (await household.call("sync_all"))["status"] == "done"
    assert told(household, "gap_person") is None


async def test_gap_that_lasts_two_hours_is_told_without_another_sync(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(live_mode=False, batch_mode=False)
    household.plex.faults.add(
        Fault("busy", route="/library/sections/{id}/all", match="/sections/1/", times=None)
    )
    assert (await household.call("sync_all"))["status"] == "partial"
    assert told(household, "gap_library") is None

    await later(household, clock, 2 * 3600 + 5)

    assert told(household, "gap_library") is not None


@pytest.mark.parametrize("called", ["rosa", "Rosa", "number"])
async def test_labels_of_somebody_who_left_can_be_taken_off_by_what_is_known(
    household: Household, called: str
) -> None:
    await household.set_up(live_mode=False, batch_mode=False)
    await household.call("sync_all")
    person = household.person("rosa")
    household.pulsarr.state.remove_user(person)

    answer = await household.call(
        "remove_labels", people=[str(person) if called == "number" else called]
    )

    assert answer["removed"] > 0
    assert household.plex.state.carriers("rosa") == []


async def test_text_that_fits_two_people_is_refused_with_both_named(household: Household) -> None:
    await household.set_up(live_mode=False)
    for name in ("rosa", "tim"):
        household.pulsarr.state.change_user(household.person(name), alias="Boss")
    await household.call("sync_all")

    with pytest.raises(Exception, match=r"Boss.*rosa, tim"):
        await household.call("sync_all", people=["Boss"])


async def test_labels_that_plex_lost_with_its_database_are_one_question(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up(live_mode=False)
    copy = household.plex.state.snapshot()
    more_for_rosa(household)
    added = (await household.call("sync_all"))["added"]
    assert 5 <= added <= 25
    household.plex.state.restore(copy)

    answer = await household.call("sync_all")

    assert (answer["status"], answer["hold_reasons"]) == ("held", ["labels_vanished"])
    assert household.state("overrides") == "0"
    question = issue(household)
    assert question is not None
    assert question.translation_placeholders is not None
    assert question.translation_placeholders["vanished"] == str(added)
    assert (await answer_issue(household, hass_client, "restore"))["type"] == "create_entry"
    assert_everything_is_labelled(household)
