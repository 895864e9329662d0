"""What is doubted is held on every path, and asked about where only a person can tell."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from custom_components.plex_label_sync.sync.brake import FREE_REMOVALS
from custom_components.plex_label_sync.sync.model import (
    Failure,
    HoldReason,
    RemovedLabelMode,
    Run,
    RunStatus,
    SyncSettings,
)
from custom_components.plex_label_sync.sync.protection import READ_AGAIN_AFTER
from simulators.catalogue import CatalogueTitle
from simulators.pulsarr.state import Wish

from .home import Home, household
from .machine_world import DAY

REMOVE = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
MASS, NOBODY = HoldReason.MASS_REMOVAL, HoldReason.NOBODY_LISTED
SHRUNK, VANISHED = HoldReason.WATCHLISTS_SHRUNK, HoldReason.LABELS_VANISHED
RENAMED, LIST_SHRANK = HoldReason.PEOPLE_RENAMED, HoldReason.LIST_SHRANK
FILMS: Final[dict[str, Any]] = {
    "movies": 90,
    "shows": 0,
    "uhd_library": False,
    "missing": 0.0,
    "foreign_labels": False,
}
MANY = 71  # labels in a ledger


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    """A household of one, with many labels, of which none is kept that nobody wants."""
    world: dict[str, Any] = {**FILMS, "people": 1, "wishes": MANY, "wishes_missing": 0}
    async with household(remembers=True, settings=REMOVE, **world) as running:
        await running.sync()
        await running.sync()
        yield running


@pytest.fixture
async def family() -> AsyncIterator[Home]:
    """A household of four, of whom each wants some titles."""
    world: dict[str, Any] = {**FILMS, "people": 4, "wishes": 60, "wishes_missing": 0}
    async with household(remembers=True, settings=REMOVE, **world) as running:
        await running.sync()
        await running.sync()
        yield running


def wishes_of(home: Home, name: str) -> list[tuple[CatalogueTitle, Wish]]:
    """Return what somebody wants."""
    catalogue = {title.key: title for title in home.world.catalogue}
    some = home.pulsarr.state.watchlist(home.person(name))
    return [(catalogue[wish.catalogue_key], wish) for wish in some]


def drop(home: Home, name: str, count: int | None = None) -> list[CatalogueTitle]:
    """Take titles off somebody's watchlist, all of them if nothing else is said."""
    titles = [title for title, _ in wishes_of(home, name)][:count]
    for title in titles:
        home.pulsarr.state.unwish(home.person(name), title)
    return titles


async def event(home: Home, title: CatalogueTitle) -> Run:
    """Look at a title of which an event told just now."""
    return await home.look(title, newer_than=home.clock.now)


# Nobody, or hardly anybody


@pytest.mark.parametrize("by", ["removals", "upgrades", "library"])
async def test_pulsarr_that_lists_nobody_is_doubted_on_every_path(home: Home, by: str) -> None:
    labels = home.labels
    titles = [title for title, _ in wishes_of(home, "rosa")][:20]
    home.pulsarr.knobs.empty_users = True
    if by == "library":
        runs = [await home.sync(libraries=("Movies",))]
    else:
        runs = [
            await home.look(title, newer_than=home.clock.now if by == "removals" else 0.0)
            for title in titles
        ]
        home.clock.now += 3600
        runs += [await home.look(title, thorough=False) for title in titles]
    assert home.labels == labels
    assert runs[-1].status is RunStatus.HELD
    assert NOBODY in runs[-1].hold_reasons
    assert runs[-1].asked
    assert home.question is not None
    home.pulsarr.knobs.empty_users = False
    assert (await home.sync()).status is RunStatus.DONE
    assert home.labels == labels


async def test_doubted_answer_starts_no_delay_and_is_never_the_new_normal(home: Home) -> None:
    home.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE, removal_delay=DAY)
    await home.sync()
    labels, before = home.labels, home.before
    home.pulsarr.knobs.empty_users = True
    for _ in range(3):
        run = await home.sync()
        assert (run.status, run.asked) == (RunStatus.HELD, True)
        assert NOBODY in run.hold_reasons
        assert not any(row.dropped for row in home.recorder.ledger)
        assert home.before == before
        home.clock.now += DAY + 1
    assert home.labels == labels
    home.pulsarr.knobs.empty_users = False
    assert (await home.sync()).status is RunStatus.DONE


async def test_nobody_is_doubted_where_nothing_would_go(home: Home) -> None:
    home.settings = SyncSettings()
    home.pulsarr.knobs.empty_users = True
    run = await home.sync()
    assert (run.status, run.held) == (RunStatus.HELD, ())
    assert NOBODY in run.hold_reasons
    assert run.asked


async def test_titles_of_everybody_that_are_less_than_half_are_doubted(family: Home) -> None:
    labels = family.labels
    family.pulsarr.knobs.empty_watchlists = True
    run = await family.sync()
    assert (run.status, run.asked) == (RunStatus.HELD, True)
    assert SHRUNK in run.hold_reasons
    assert family.labels == labels


async def test_people_without_names_are_not_believed(family: Home) -> None:
    labels = family.labels
    for user in family.pulsarr.state.users():
        family.pulsarr.state.change_user(user.id, name="")
    run = await family.sync()
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.failure is Failure.IMPLAUSIBLE
    assert family.labels == labels


async def test_labels_of_somebody_without_a_name_stay(family: Home) -> None:
    labels = family.labels
    family.pulsarr.state.change_user(family.person("rosa"), name="")
    run = await family.sync()
    assert run.status is RunStatus.PARTIAL
    assert family.labels == labels


# One list


async def test_list_that_comes_empty_once_costs_nothing(family: Home) -> None:
    labels, rosas = family.labels, wishes_of(family, "rosa")
    assert len(rosas) >= 10
    drop(family, "rosa")
    run = await family.sync()
    assert (run.status, run.hold_reasons, run.asked) == (RunStatus.HELD, (LIST_SHRANK,), False)
    assert family.labels == labels
    # Neither a look at one of its titles nor the same read once more proves anything.
    family.clock.now += READ_AGAIN_AFTER - 1
    assert (await event(family, rosas[0][0])).hold_reasons == (LIST_SHRANK,)
    for title, _ in rosas:
        family.wish("rosa", title)
    assert (await family.sync()).status is RunStatus.DONE
    assert family.labels == labels


async def test_list_that_is_read_so_twice_is_believed(family: Home) -> None:
    drop(family, "rosa")
    await family.sync()
    family.clock.now += READ_AGAIN_AFTER
    run = await family.sync()
    assert run.status is RunStatus.DONE
    assert run.removed > 0
    assert "rosa" not in set().union(*family.labels.values())


async def test_person_whom_pulsarr_lost_counts_as_one_list(family: Home) -> None:
    labels = family.labels
    family.pulsarr.state.remove_user(family.person("rosa"))
    assert (await family.sync()).hold_reasons == (LIST_SHRANK,)
    assert family.labels == labels
    family.clock.now += READ_AGAIN_AFTER
    assert (await family.sync()).removed > 0


async def test_yes_to_a_mass_removal_passes_a_list_that_shrank(family: Home) -> None:
    drop(family, "rosa")
    assert (await family.sync(mass_removal=True)).removed > 0
    assert (await family.sync()).status is RunStatus.DONE


async def test_labels_of_an_excluded_person_go_without_a_question(home: Home) -> None:
    async with household(
        **{**FILMS, "people": 2, "wishes": 70}, remembers=True, settings=REMOVE
    ) as both:
        await both.sync()
        before = [row for row in both.recorder.ledger if row.people == (both.person("rosa"),)]
        both.settings = SyncSettings(
            removed_label_mode=RemovedLabelMode.REMOVE,
            exclude_people=frozenset({both.person("rosa")}),
        )
        run = await both.sync()
        assert (run.status, run.removed) == (RunStatus.DONE, len(before))
        assert run.lost == 0


# Over time


async def test_one_title_after_another_comes_to_a_question(home: Home) -> None:
    assert len(home.recorder.ledger) == MANY
    runs = []
    for _ in range(60):
        home.clock.now += 0.5
        runs.append(await event(home, *drop(home, "rosa", 1)))
    assert sum(run.removed for run in runs) == sum(run.lost for run in runs) == FREE_REMOVALS
    assert len(home.labels) == MANY - FREE_REMOVALS
    assert runs[FREE_REMOVALS].asked
    assert home.question is not None
    assert MASS in home.question.reasons


async def test_what_was_lost_yesterday_counts_no_more(home: Home) -> None:
    for day in (1, 2):
        for _ in range(FREE_REMOVALS - 3):
            await event(home, *drop(home, "rosa", 1))
        assert len(home.labels) == MANY - day * (FREE_REMOVALS - 3)
        home.clock.now += DAY + 1
        assert (await home.sync()).status is RunStatus.DONE


async def test_what_somebody_asked_for_is_not_counted(home: Home) -> None:
    drop(home, "rosa", 30)
    assert (await home.sync(mass_removal=True)).lost == 0
    for title in drop(home, "rosa", 5):
        assert (await event(home, title)).removed == 1


async def test_what_a_question_is_open_about_is_protected_from_every_path(home: Home) -> None:
    titles = drop(home, "rosa", 54)
    await home.sync()
    home.clock.now += READ_AGAIN_AFTER
    assert (await home.sync()).asked
    labels = home.labels
    for title in titles[:20]:
        assert (await event(home, title)).status is RunStatus.HELD
    home.clock.now += DAY + 1  # and however little is lost today
    assert (await event(home, titles[20])).status is RunStatus.HELD
    assert (await home.sync(libraries=("Movies",))).status is RunStatus.HELD
    assert (await home.sync(people=("rosa",))).status is RunStatus.HELD
    assert home.labels == labels


async def test_yes_is_one_to_what_was_shown_and_to_nothing_else(home: Home) -> None:
    titles = drop(home, "rosa", 40)
    run = await home.sync()
    assert run.asked
    shown = run.held_keys
    assert len(shown) == 40
    drop(home, "rosa")
    for title in titles:  # as many as before are held, but others
        home.wish("rosa", title)
    labels = home.labels
    run = await home.sync(approved=shown)
    assert (run.status, run.asked, run.removed) == (RunStatus.HELD, True, 0)
    assert home.labels == labels
    assert not run.held_keys & shown
    assert (await home.sync(approved=run.held_keys)).removed == len(run.held_keys) == MANY - 40


# What vanished, and what is called otherwise


async def in_one_run(home: Home, count: int) -> dict[str, tuple[str, ...]]:
    """Let one run write labels; return a copy of the database from before it."""
    copy = home.plex.state.snapshot()
    home.clock.now += 60
    for _ in range(count):
        home.wish("rosa", home.spare())
    assert (await home.sync()).added == count
    return copy


async def test_database_that_comes_back_from_a_copy_is_asked_about_and_put_back(
    family: Home,
) -> None:
    copy = await in_one_run(family, 20)
    labels = family.labels
    family.plex.state.restore(copy)
    run = await family.sync()
    assert (run.hold_reasons, run.vanished, run.asked) == ((VANISHED,), 20, True)
    assert not any(row.off for row in family.recorder.ledger)
    assert (await family.sync(restore=True)).added == 20
    assert family.labels == labels


async def test_somebody_may_say_that_they_were_taken_off_by_hand(family: Home) -> None:
    copy = await in_one_run(family, 20)
    family.plex.state.restore(copy)
    run = await family.sync()
    labels = family.labels
    assert (await family.sync(accept=run.held_keys)).status is RunStatus.DONE
    assert sum(row.off for row in family.recorder.ledger) == 20
    assert family.labels == labels


async def test_some_labels_of_a_run_may_be_taken_off_by_hand(family: Home) -> None:
    await in_one_run(family, 20)
    rows = [row for row in family.recorder.ledger if row.label == "Rosa"][-6:]
    for row in rows:
        family.plex.state.remove_label(row.rating_key, row.label)
    run = await family.sync()
    assert (run.status, run.overridden) == (RunStatus.DONE, 6)


async def renamed_all(home: Home) -> None:
    """Give everybody another name."""
    for user in home.pulsarr.state.users():
        home.pulsarr.state.rename(user.id, f"user_{user.id}")


async def another_format(home: Home) -> None:
    """Call everybody otherwise, as somebody confirmed in a form."""
    home.settings = SyncSettings(label_format="{username} wants it")


@pytest.mark.parametrize(
    ("happen", "held"), [(renamed_all, True), (another_format, False)], ids=["pulsarr", "format"]
)
async def test_names_of_many_people_that_change_at_once_are_asked_about(
    family: Home, happen: Callable[[Home], Awaitable[None]], held: bool
) -> None:
    labels = family.labels
    await happen(family)
    run = await family.sync()
    assert run.hold_reasons == ((RENAMED,) if held else ())
    assert (family.labels == labels) is held
    if held:
        title = wishes_of(family, "user_1")[0][0]
        assert (await family.look(title)).hold_reasons == (RENAMED,)
        assert family.labels == labels
        assert (await family.sync(approved=run.held_keys)).added > 0
        assert {label[:5] for some in family.labels.values() for label in some} == {"user_"}


async def test_one_person_who_is_renamed_is_no_question(family: Home) -> None:
    family.pulsarr.state.rename(family.person("rosa"), "rosalinde")
    assert (await family.sync()).status is RunStatus.DONE


# Somebody who comes under a new id


def comes_anew(home: Home, name: str) -> list[CatalogueTitle]:
    """Let Pulsarr make a new row of somebody, with nothing on the list yet; return what was."""
    titles = [title for title, _ in wishes_of(home, name)]
    home.pulsarr.state.rename_as_new(home.person(name), name)
    return titles


@pytest.mark.parametrize("restarted", [False, True])
async def test_empty_list_under_a_new_id_costs_no_label(family: Home, restarted: bool) -> None:
    labels = family.labels
    titles = comes_anew(family, "rosa")
    assert len(titles) >= 5
    if restarted:
        family.restart()
    run = await family.sync()
    assert (run.hold_reasons, run.asked) == ((LIST_SHRANK,), False)
    assert family.labels == labels
    for title in titles:
        family.wish("rosa", title)
    assert (await family.sync()).status is RunStatus.DONE
    assert family.labels == labels


async def test_whoever_is_excluded_stays_so_under_a_new_id(family: Home) -> None:
    family.settings = replace(REMOVE, exclude_people=frozenset({family.person("rosa")}))
    await family.sync()
    titles = comes_anew(family, "rosa")
    for title in titles:
        family.wish("rosa", title)
    for _ in range(3):
        await family.sync()
        assert not any("rosa" in labels for labels in family.labels.values())


async def test_lists_are_compared_although_somebody_excluded_has_a_new_id(family: Home) -> None:
    excluded, *others = [user.name for user in family.pulsarr.state.users()]
    family.settings = replace(REMOVE, exclude_people=frozenset({family.person(excluded)}))
    comes_anew(family, excluded)
    await family.sync()
    assert family.before is not None
    for name in others:
        drop(family, name)
    assert SHRUNK in (await family.sync()).hold_reasons


@pytest.mark.parametrize("by", ["people", "library", "titles"])
async def test_what_vanished_together_is_no_decision_for_a_look_at_a_part(
    family: Home, by: str
) -> None:
    copy = family.plex.state.snapshot()
    family.clock.now += 60
    titles = []
    for name in ("rosa", *19 * ("tim",)):
        titles.append(family.spare())
        family.wish(name, titles[-1])
    assert (await family.sync()).added == 20
    labels = family.labels
    family.plex.state.restore(copy)
    lost = family.labels
    if by == "people":
        await family.sync(people=("rosa",))
    elif by == "library":
        await family.sync(libraries=("Movies",))
    else:
        for title in titles[:6]:
            await family.look(title)
    assert family.labels == lost
    assert not any(row.off for row in family.recorder.ledger)
    run = await family.sync()
    assert (run.hold_reasons, run.vanished) == ((VANISHED,), 20)
    assert (await family.sync(restore=True)).added == 20
    assert family.labels == labels


@pytest.mark.parametrize("how", ["empty", "gone"])
async def test_label_of_others_stays_while_the_list_of_its_person_is_doubted(
    family: Home, how: str
) -> None:
    titles = []
    for _ in range(3):
        titles.append(family.spare())
        (item,) = family.plex.state.items_of(titles[-1])
        family.plex.state.add_label(item.rating_key, "Tim")
        family.wish("tim", titles[-1])
        family.wish("rosa", titles[-1])
    family.settings = replace(REMOVE, preserve_existing_labels=False)
    assert (await family.sync()).status is RunStatus.DONE
    labels = family.labels
    if how == "empty":
        drop(family, "tim")
    else:
        family.pulsarr.state.remove_user(family.person("tim"))
    run = await family.sync()
    assert run.hold_reasons == (LIST_SHRANK,)
    assert family.labels == labels
    family.clock.now += READ_AGAIN_AFTER
    await family.sync(mass_removal=True)
    assert not any("tim" in some for some in family.labels.values())
