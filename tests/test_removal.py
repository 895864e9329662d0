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

from .ha_env import later

if TYPE_CHECKING:
    from simulators.catalog import CatalogTitle

    from .ha_env import HaEnv


async def dropped(ha_env: HaEnv, name: str = "rosa", **options: Any) -> CatalogTitle:
    """Somebody wanted a title in Plex and got the label, and wants it no more."""
    await ha_env.set_up(live_mode=False, **options)
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person(name), title)
    await ha_env.call("sync_all")
    assert all(name in labels for labels in ha_env.labels(title))
    ha_env.pulsarr.state.unwant(ha_env.person(name), title)
    return title


async def test_label_stays_when_no_one_wants_the_title_any_more(ha_env: HaEnv) -> None:
    title = await dropped(ha_env)

    answer = await ha_env.call("sync_all")

    assert answer["removed"] == 0
    assert all("rosa" in labels for labels in ha_env.labels(title))


async def test_label_is_removed_where_the_option_says_so(ha_env: HaEnv) -> None:
    title = await dropped(ha_env, removed_label_mode="remove")

    answer = await ha_env.call("sync_all")

    assert answer["removed"] == len(ha_env.labels(title))
    assert not any("rosa" in labels for labels in ha_env.labels(title))
    today = dt_util.now()
    for change in answer["changes"]:
        day = f"{today.day} {today:%B %Y}"
        assert change["reason"] == f"not on any watchlist since {day}"
        assert (change["reason_code"], change["people"]) == ("not_wanted", ["rosa"])
        since = dt_util.parse_datetime(change["reason_data"]["since"])
        assert since is not None
        assert abs((today - since).total_seconds()) < 600


async def test_label_that_someone_else_wants_on_the_title_stays(ha_env: HaEnv) -> None:
    title = await dropped(ha_env, removed_label_mode="remove")
    ha_env.pulsarr.state.want(ha_env.person("tim"), title)

    await ha_env.call("sync_all")

    assert all("tim" in labels and "rosa" not in labels for labels in ha_env.labels(title))


async def test_foreign_label_of_the_same_name_is_never_removed(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    title = ha_env.spare(in_plex=True)
    (item, *_) = ha_env.plex.state.items_of(title)
    ha_env.plex.state.add_label(item.rating_key, "Rosa")
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")

    ha_env.pulsarr.state.unwant(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")

    assert "rosa" in {label.casefold() for label in item.labels}


async def test_label_waits_for_the_delay_before_it_goes(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    title = await dropped(ha_env, removed_label_mode="remove", removal_delay=3)
    await ha_env.call("sync_all")
    clock.move_to(clock() + timedelta(days=2))
    await ha_env.call("sync_all")
    assert all("rosa" in labels for labels in ha_env.labels(title))

    clock.move_to(clock() + timedelta(days=2))
    await ha_env.call("sync_all")

    assert not any("rosa" in labels for labels in ha_env.labels(title))


async def test_title_that_is_wanted_again_in_time_keeps_its_label(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    title = await dropped(ha_env, removed_label_mode="remove", removal_delay=3)
    await ha_env.call("sync_all")
    clock.move_to(clock() + timedelta(days=2))
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    ha_env.pulsarr.state.unwant(ha_env.person("rosa"), title)
    clock.move_to(clock() + timedelta(days=2))
    await ha_env.call("sync_all")

    assert all("rosa" in labels for labels in ha_env.labels(title))


async def test_title_that_no_one_wants_is_marked_until_someone_wants_it(
    ha_env: HaEnv,
) -> None:
    title = await dropped(ha_env, removed_label_mode="mark", removed_label="unwanted")
    await ha_env.call("sync_all")
    assert all("unwanted" in labels and "rosa" not in labels for labels in ha_env.labels(title))

    ha_env.pulsarr.state.want(ha_env.person("tim"), title)
    await ha_env.call("sync_all")

    assert all("unwanted" not in labels and "tim" in labels for labels in ha_env.labels(title))


async def test_sync_for_one_person_marks_what_that_one_dropped(ha_env: HaEnv) -> None:
    title = await dropped(ha_env, removed_label_mode="mark", removed_label="unwanted")

    await ha_env.call("sync_all", people=["rosa"])

    assert all("unwanted" in labels and "rosa" not in labels for labels in ha_env.labels(title))


@pytest.mark.parametrize("how", ["excluded", "sync off", "renamed", "format"])
async def test_label_goes_with_its_person(ha_env: HaEnv, how: str) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove", max_removals=100)
    state, person = ha_env.pulsarr.state, ha_env.person("rosa")
    before = len(ha_env.plex.state.carriers("rosa"))
    options = dict(ha_env.entry.options)
    match how:
        case "excluded":
            options["exclude_people"] = [str(person)]
        case "sync off":
            state.change_user(person, can_sync=False)
        case "renamed":
            state.rename(person, "rosalinde")
        case "format":
            options["label_format"] = "for {username}"
    ha_env.hass.config_entries.async_update_entry(ha_env.entry, options=options)
    await ha_env.settle()
    await ha_env.call("sync_all")

    assert before > 0
    assert ha_env.plex.state.carriers("rosa") == []
    new = {"renamed": "rosalinde", "format": "for rosa"}.get(how)
    if new is not None:
        assert len(ha_env.plex.state.carriers(new)) == before


async def test_label_of_someone_who_left_goes_when_pulsarr_has_confirmed_it_twice(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove", max_removals=100)
    before = len(ha_env.plex.state.carriers("rosa"))
    ha_env.pulsarr.state.remove_user(ha_env.person("rosa"))

    answer = await ha_env.call("sync_all")

    assert (answer["status"], answer["hold_reasons"]) == ("held", ["list_shrank"])
    assert answer["held"] == before > 0
    assert all(change["held"] for change in answer["changes"])
    assert ha_env.state("problem") == "off"  # nobody is asked, and nothing is wrong
    await later(ha_env, clock, 200)
    assert len(ha_env.plex.state.carriers("rosa")) == before

    await later(ha_env, clock, 120)

    assert ha_env.plex.state.carriers("rosa") == []


async def test_rename_replaces_the_label_in_one_run_even_where_labels_are_kept(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False)
    before = len(ha_env.plex.state.carriers("rosa"))
    ha_env.pulsarr.state.rename(ha_env.person("rosa"), "rosalinde")

    answer = await ha_env.call("sync_all")

    assert answer["status"] == "done"
    assert (answer["added"], answer["removed"]) == (before, before)
    reasons = {one["reason"].casefold() for one in answer["changes"]}
    assert reasons == {"renamed from rosa", "renamed to rosalinde"}


async def test_label_removed_by_hand_is_not_put_back(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    (item, *_) = ha_env.plex.state.carriers("rosa")
    ha_env.plex.state.remove_label(item.rating_key, "rosa")

    answer = await ha_env.call("sync_all")

    assert (answer["added"], answer["overridden"]) == (0, 1)
    assert ha_env.state("overrides") == "1"
    assert item not in ha_env.plex.state.carriers("rosa")

    cleared = await ha_env.call("clear_overrides", rating_key=item.rating_key)
    assert cleared == {"cleared": 1}
    assert ha_env.state("overrides") == "0"
    await ha_env.call("sync_all")
    assert item in ha_env.plex.state.carriers("rosa")


async def test_decisions_about_one_person_are_forgotten_and_no_others(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    for name in ("rosa", "tim"):
        (item, *_) = ha_env.plex.state.carriers(name)
        ha_env.plex.state.remove_label(item.rating_key, name)
    await ha_env.call("sync_all")
    assert ha_env.state("overrides") == "2"
    # Nothing was read since the start, and people are known all the same.
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()

    assert await ha_env.call("clear_overrides", people=["ROSA"]) == {"cleared": 1}
    assert ha_env.state("overrides") == "1"
    with pytest.raises(ServiceValidationError) as refused:
        await ha_env.call("clear_overrides", people=["nobody"])
    assert refused.value.translation_key == "unknown_person"
    ha_env.pulsarr.faults.add(Fault("drop", times=None))
    with pytest.raises(HomeAssistantError) as failed:
        await ha_env.call("clear_overrides", people=["nobody"])
    assert failed.value.translation_key == "pulsarr_cannot_connect"
    # Who has labels is known without Pulsarr.
    assert await ha_env.call("clear_overrides", people=["tim"]) == {"cleared": 1}
    assert ha_env.state("overrides") == "0"


async def test_label_removed_by_hand_is_put_back_where_the_option_says_so(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False, restore_overrides=True)
    (item, *_) = ha_env.plex.state.carriers("rosa")
    ha_env.plex.state.remove_label(item.rating_key, "rosa")

    await ha_env.call("sync_all")

    assert item in ha_env.plex.state.carriers("rosa")


async def test_override_ends_when_the_title_is_wanted_again(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    title = ha_env.spare(in_plex=True)
    person = ha_env.person("rosa")
    ha_env.pulsarr.state.want(person, title)
    await ha_env.call("sync_all")
    for item in ha_env.plex.state.items_of(title):
        ha_env.plex.state.remove_label(item.rating_key, "rosa")
    await ha_env.call("sync_all")
    ha_env.pulsarr.state.unwant(person, title)
    await ha_env.call("sync_all")
    assert ha_env.state("overrides") == "0"

    ha_env.pulsarr.state.want(person, title)
    await ha_env.call("sync_all")

    assert all("rosa" in labels for labels in ha_env.labels(title))


async def test_item_that_opts_out_is_left_alone(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    title = ha_env.spare(in_plex=True)
    items = ha_env.plex.state.items_of(title)
    for item in items:
        ha_env.plex.state.add_label(item.rating_key, "No-Sync")
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)

    await ha_env.call("sync_all")

    assert not any("rosa" in labels for labels in ha_env.labels(title))


async def test_excluded_label_is_neither_added_nor_removed(ha_env: HaEnv) -> None:
    title = await dropped(ha_env, removed_label_mode="remove")
    options = {**ha_env.entry.options, "exclude_labels": ["ROSA"]}
    ha_env.hass.config_entries.async_update_entry(ha_env.entry, options=options)
    await ha_env.settle()
    other = ha_env.spare("show", in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), other)

    await ha_env.call("sync_all")

    assert all("rosa" in labels for labels in ha_env.labels(title))
    assert not any("rosa" in labels for labels in ha_env.labels(other))


async def test_foreign_labels_go_from_wanted_items_only_by_choice(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, preserve_existing_labels=False, exclude_labels=["kids"])
    title = ha_env.spare(in_plex=True)
    unwanted = ha_env.spare("show", in_plex=True)
    for one in (title, unwanted):
        for item in ha_env.plex.state.items_of(one):
            for label in ("Kids", "By hand"):
                ha_env.plex.state.add_label(item.rating_key, label)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)

    answer = await ha_env.call("sync_all")

    assert answer["status"] == "done"
    assert all(labels == {"kids", "rosa"} for labels in ha_env.labels(title))
    assert all({"kids", "by hand"} <= labels for labels in ha_env.labels(unwanted))

    await ha_env.call("undo")
    assert all({"kids", "by hand"} <= labels for labels in ha_env.labels(title))


async def test_item_that_plex_takes_for_another_title_loses_the_label(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False)
    title = ha_env.spare(in_plex=True)
    (item, *_) = ha_env.plex.state.items_of(title)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    other = ha_env.spare(in_plex=False)
    ha_env.plex.state.rematch(
        item.rating_key,
        guid=other.plex_guid,
        guids=tuple(one.replace(":", "://") for one in other.guids),
        title=other.title,
    )

    await ha_env.call("sync_all")

    assert "rosa" not in {label.casefold() for label in item.labels}


async def test_item_that_was_added_again_gets_its_labels_and_leaves_no_row(
    ha_env: HaEnv, hass_storage: dict[str, Any]
) -> None:
    await ha_env.set_up(live_mode=False)
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    old = [item.rating_key for item in ha_env.plex.state.items_of(title)]
    for key in old:
        ha_env.plex.state.delete_item(key)
    await ha_env.plex.import_title(title)

    await ha_env.call("sync_all")

    assert ha_env.labels(title) == [{"rosa"}]
    stored = hass_storage[f"plex_label_sync.{ha_env.entry.entry_id}.ledger"]["data"]
    assert {row.rating_key for row in Ledger.from_dict(stored)}.isdisjoint(old)
