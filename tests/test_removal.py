"""Labels that go: the options for it, overrides, and everything that protects labels."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from freezegun.api import TickingDateTimeFactory
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest

from custom_components.plex_label_sync.sync.ledger import Ledger
from simulators.plex import Fault

from .household import later

if TYPE_CHECKING:
    from simulators.catalogue import CatalogueTitle

    from .household import Household


async def dropped(household: Household, name: str = "rosa", **options: Any) -> CatalogueTitle:
    """Somebody wanted a title in Plex and got the label, and wants it no more."""
    await household.set_up(live_mode=False, **options)
    title = household.spare(in_plex=True)
    household.pulsarr.state.wish(household.person(name), title)
    await household.call("sync_all")
    assert all(name in labels for labels in household.labels(title))
    household.pulsarr.state.unwish(household.person(name), title)
    return title


async def test_label_stays_when_nobody_wants_the_title_any_more(household: Household) -> None:
    title = await dropped(household)

    answer = await household.call("sync_all")

    assert answer["removed"] == 0
    assert all("rosa" in labels for labels in household.labels(title))


async def test_label_is_taken_off_where_the_option_says_so(household: Household) -> None:
    title = await dropped(household, removed_label_mode="remove")

    answer = await household.call("sync_all")

    assert answer["removed"] == len(household.labels(title))
    assert not any("rosa" in labels for labels in household.labels(title))
    today = dt_util.now()
    for change in answer["changes"]:
        day = f"{today.day} {today:%B %Y}"
        assert change["reason"] == f"no longer on any watchlist since {day}"
        assert (change["reason_code"], change["people"]) == ("not_wanted", ["rosa"])
        since = dt_util.parse_datetime(change["reason_data"]["since"])
        assert since is not None
        assert abs((today - since).total_seconds()) < 600


async def test_label_that_somebody_else_wants_on_the_title_stays(household: Household) -> None:
    title = await dropped(household, removed_label_mode="remove")
    household.pulsarr.state.wish(household.person("tim"), title)

    await household.call("sync_all")

    assert all("tim" in labels and "rosa" not in labels for labels in household.labels(title))


async def test_foreign_label_of_the_same_name_is_never_taken_off(household: Household) -> None:
    await household.set_up(live_mode=False, removed_label_mode="remove")
    title = household.spare(in_plex=True)
    (item, *_) = household.plex.state.items_of(title)
    household.plex.state.add_label(item.rating_key, "Rosa")
    household.pulsarr.state.wish(household.person("rosa"), title)
    await household.call("sync_all")

    household.pulsarr.state.unwish(household.person("rosa"), title)
    await household.call("sync_all")

    assert "rosa" in {label.casefold() for label in item.labels}


async def test_label_waits_for_the_delay_before_it_goes(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    title = await dropped(household, removed_label_mode="remove", removal_delay=3)
    await household.call("sync_all")
    clock.move_to(clock() + timedelta(days=2))
    await household.call("sync_all")
    assert all("rosa" in labels for labels in household.labels(title))

    clock.move_to(clock() + timedelta(days=2))
    await household.call("sync_all")

    assert not any("rosa" in labels for labels in household.labels(title))


async def test_title_that_is_wanted_anew_in_time_keeps_its_label(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    title = await dropped(household, removed_label_mode="remove", removal_delay=3)
    await household.call("sync_all")
    clock.move_to(clock() + timedelta(days=2))
    household.pulsarr.state.wish(household.person("rosa"), title)
    await household.call("sync_all")
    household.pulsarr.state.unwish(household.person("rosa"), title)
    clock.move_to(clock() + timedelta(days=2))
    await household.call("sync_all")

    assert all("rosa" in labels for labels in household.labels(title))


async def test_title_that_nobody_wants_is_marked_until_somebody_wants_it(
    household: Household,
) -> None:
    title = await dropped(household, removed_label_mode="mark", removed_label="unwanted")
    await household.call("sync_all")
    assert all("unwanted" in labels and "rosa" not in labels for labels in household.labels(title))

    household.pulsarr.state.wish(household.person("tim"), title)
    await household.call("sync_all")

    assert all("unwanted" not in labels and "tim" in labels for labels in household.labels(title))


async def test_sync_for_one_person_marks_what_that_one_dropped(household: Household) -> None:
    title = await dropped(household, removed_label_mode="mark", removed_label="unwanted")

    await household.call("sync_all", people=["rosa"])

    assert all("unwanted" in labels and "rosa" not in labels for labels in household.labels(title))


@pytest.mark.parametrize("how", ["excluded", "sync off", "renamed", "format"])
async def test_label_goes_with_its_person(household: Household, how: str) -> None:
    await household.set_up(live_mode=False, removed_label_mode="remove", max_removals=100)
    state, person = household.pulsarr.state, household.person("rosa")
    before = len(household.plex.state.carriers("rosa"))
    options = dict(household.entry.options)
    match how:
        case "excluded":
            options["exclude_people"] = [str(person)]
        case "sync off":
            state.change_user(person, can_sync=False)
        case "renamed":
            state.rename(person, "rosalinde")
        case "format":
            options["label_format"] = "for {username}"
    household.hass.config_entries.async_update_entry(household.entry, options=options)
    await household.settle()
    await household.call("sync_all")

    assert before > 0
    assert household.plex.state.carriers("rosa") == []
    new = {"renamed": "rosalinde", "format": "for rosa"}.get(how)
    if new is not None:
        assert len(household.plex.state.carriers(new)) == before


async def test_label_of_somebody_who_left_goes_when_pulsarr_has_said_so_twice(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(live_mode=False, removed_label_mode="remove", max_removals=100)
    before = len(household.plex.state.carriers("rosa"))
    household.pulsarr.state.remove_user(household.person("rosa"))

    answer = await household.call("sync_all")

    assert (answer["status"], answer["hold_reasons"]) == ("held", ["list_shrank"])
    assert answer["held"] == before > 0
    assert all(change["held"] for change in answer["changes"])
    assert household.state("problem") == "off"  # nobody is asked, and nothing is wrong
    await later(household, clock, 200)
    assert len(household.plex.state.carriers("rosa")) == before

    await later(household, clock, 120)

    assert household.plex.state.carriers("rosa") == []


async def test_rename_replaces_the_label_in_one_run_even_where_labels_are_kept(
    household: Household,
) -> None:
    await household.set_up(live_mode=False)
    before = len(household.plex.state.carriers("rosa"))
    household.pulsarr.state.rename(household.person("rosa"), "rosalinde")

    answer = await household.call("sync_all")

    assert answer["status"] == "done"
    assert (answer["added"], answer["removed"]) == (before, before)
    reasons = {one["reason"].casefold() for one in answer["changes"]}
    assert reasons == {"renamed from rosa", "renamed to rosalinde"}


async def test_label_taken_off_by_hand_is_not_put_back(household: Household) -> None:
    await household.set_up(live_mode=False)
    (item, *_) = household.plex.state.carriers("rosa")
    household.plex.state.remove_label(item.rating_key, "rosa")

    answer = await household.call("sync_all")

    assert (answer["added"], answer["overridden"]) == (0, 1)
    assert household.state("overrides") == "1"
    assert item not in household.plex.state.carriers("rosa")

    cleared = await household.call("clear_overrides", rating_key=item.rating_key)
    assert cleared == {"cleared": 1}
    assert household.state("overrides") == "0"
    await household.call("sync_all")
    assert item in household.plex.state.carriers("rosa")


async def test_decisions_about_one_person_are_forgotten_and_no_others(household: Household) -> None:
    await household.set_up(live_mode=False, batch_mode=False)
    await household.call("sync_all")
    for name in ("rosa", "tim"):
        (item, *_) = household.plex.state.carriers(name)
        household.plex.state.remove_label(item.rating_key, name)
    await household.call("sync_all")
    assert household.state("overrides") == "2"
    # Nothing was read since the start, and people are known all the same.
    await household.hass.config_entries.async_reload(household.entry.entry_id)
    await household.settle()

    assert await household.call("clear_overrides", people=["ROSA"]) == {"cleared": 1}
    assert household.state("overrides") == "1"
    with pytest.raises(ServiceValidationError) as refused:
        await household.call("clear_overrides", people=["nobody"])
    assert refused.value.translation_key == "unknown_person"
    household.pulsarr.faults.add(Fault("drop", times=None))
    with pytest.raises(HomeAssistantError) as failed:
        await household.call("clear_overrides", people=["nobody"])
    assert failed.value.translation_key == "pulsarr_cannot_connect"
    # Who has labels is known without Pulsarr.
    assert await household.call("clear_overrides", people=["tim"]) == {"cleared": 1}
    assert household.state("overrides") == "0"


async def test_label_taken_off_by_hand_is_put_back_where_the_option_says_so(
    household: Household,
) -> None:
    await household.set_up(live_mode=False, restore_overrides=True)
    (item, *_) = household.plex.state.carriers("rosa")
    household.plex.state.remove_label(item.rating_key, "rosa")

    await household.call("sync_all")

    assert item in household.plex.state.carriers("rosa")


async def test_override_ends_when_the_title_is_wanted_anew(household: Household) -> None:
    await household.set_up(live_mode=False)
    title = household.spare(in_plex=True)
    person = household.person("rosa")
    household.pulsarr.state.wish(person, title)
    await household.call("sync_all")
    for item in household.plex.state.items_of(title):
        household.plex.state.remove_label(item.rating_key, "rosa")
    await household.call("sync_all")
    household.pulsarr.state.unwish(person, title)
    await household.call("sync_all")
    assert household.state("overrides") == "0"

    household.pulsarr.state.wish(person, title)
    await household.call("sync_all")

    assert all("rosa" in labels for labels in household.labels(title))


async def test_item_that_opts_out_is_left_alone(household: Household) -> None:
    await household.set_up(live_mode=False, removed_label_mode="remove")
    title = household.spare(in_plex=True)
    items = household.plex.state.items_of(title)
    for item in items:
        household.plex.state.add_label(item.rating_key, "No-Sync")
    household.pulsarr.state.wish(household.person("rosa"), title)

    await household.call("sync_all")

    assert not any("rosa" in labels for labels in household.labels(title))


async def test_excluded_label_is_neither_added_nor_removed(household: Household) -> None:
    title = await dropped(household, removed_label_mode="remove")
    options = {**household.entry.options, "exclude_labels": ["ROSA"]}
    household.hass.config_entries.async_update_entry(household.entry, options=options)
    await household.settle()
    other = household.spare("show", in_plex=True)
    household.pulsarr.state.wish(household.person("rosa"), other)

    await household.call("sync_all")

    assert all("rosa" in labels for labels in household.labels(title))
    assert not any("rosa" in labels for labels in household.labels(other))


async def test_foreign_labels_go_from_wanted_items_only_by_choice(household: Household) -> None:
    await household.set_up(live_mode=False, preserve_existing_labels=False, exclude_labels=["kids"])
    title = household.spare(in_plex=True)
    unwanted = household.spare("show", in_plex=True)
    for one in (title, unwanted):
        for item in household.plex.state.items_of(one):
            for label in ("Kids", "By hand"):
                household.plex.state.add_label(item.rating_key, label)
    household.pulsarr.state.wish(household.person("rosa"), title)

    answer = await household.call("sync_all")

    assert answer["status"] == "done"
    assert all(labels == {"kids", "rosa"} for labels in household.labels(title))
    assert all({"kids", "by hand"} <= labels for labels in household.labels(unwanted))

    await household.call("undo")
    assert all({"kids", "by hand"} <= labels for labels in household.labels(title))


async def test_item_that_plex_takes_for_another_title_loses_the_label(
    household: Household,
) -> None:
    await household.set_up(live_mode=False)
    title = household.spare(in_plex=True)
    (item, *_) = household.plex.state.items_of(title)
    household.pulsarr.state.wish(household.person("rosa"), title)
    await household.call("sync_all")
    other = household.spare(in_plex=False)
    household.plex.state.rematch(
        item.rating_key,
        guid=other.plex_guid,
        guids=tuple(one.replace(":", "://") for one in other.guids),
        title=other.title,
    )

    await household.call("sync_all")

    assert "rosa" not in {label.casefold() for label in item.labels}


async def test_item_that_was_added_again_gets_its_labels_and_leaves_no_row(
    household: Household, hass_storage: dict[str, Any]
) -> None:
    await household.set_up(live_mode=False)
    title = household.spare(in_plex=True)
    household.pulsarr.state.wish(household.person("rosa"), title)
    await household.call("sync_all")
    old = [item.rating_key for item in household.plex.state.items_of(title)]
    for key in old:
        household.plex.state.delete_item(key)
    await household.plex.import_title(title)

    await household.call("sync_all")

    assert household.labels(title) == [{"rosa"}]
    stored = hass_storage[f"plex_label_sync.{household.entry.entry_id}.ledger"]["data"]
    assert {row.rating_key for row in Ledger.from_dict(stored)}.isdisjoint(old)
