"""The plan as people see it: what a run would change or holds, for whom and why, in their language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from homeassistant.core import Context
from homeassistant.setup import async_setup_component
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.escaping import as_markdown
from custom_components.plex_label_sync.responses import run_response
from custom_components.plex_label_sync.sync.held_groups import TITLES_MAX
from custom_components.plex_label_sync.sync.run import Run, RunKind, RunStatus
from custom_components.plex_label_sync.texts import async_texts

from .sharing_env import SharingEnv, env
from .sync.builders import add, remove
from .test_held_runs import forget, issue

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockUser
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .ha_env import HaEnv

__all__ = ["env"]


def speaks(storage: dict[str, Any], user: MockUser, language: str) -> None:
    """Let a user have chosen a language in the profile, as the web interface stores it."""
    storage[f"frontend.user_data_{user.id}"] = {
        "version": 1,
        "data": {"language": {"language": language, "number_format": "language"}},
    }


def placeholders(ha_env: HaEnv) -> dict[str, str]:
    """Return what the question names."""
    question = issue(ha_env)
    assert question is not None
    assert question.translation_placeholders is not None
    return dict(question.translation_placeholders)


async def test_question_names_the_first_titles_of_a_person_each_once(full_env: HaEnv) -> None:
    for key in full_env.wanted_by("rosa"):
        title = next(one for one in full_env.world.catalog if one.key == key)
        if title.type == "movie":
            full_env.plex.state.add_item(title, edition="Long")
    await full_env.call("sync_all")
    before = len(full_env.plex.state.carriers("rosa"))
    forget(full_env)

    answer = await full_env.call("sync_all")

    (line,) = placeholders(full_env)["groups"].splitlines()
    start = f"- rosa: no longer on any watchlist: {before} labels ("
    assert line.startswith(start)
    titles = line.removeprefix(start).removesuffix(", …)").split(", ")
    assert len(titles) == len(set(titles)) == TITLES_MAX
    held = {as_markdown(one["title"]) for one in answer["changes"] if one["held"]}
    assert set(titles) <= held


async def test_people_who_left_together_are_reported_in_one_line(full_env: HaEnv) -> None:
    state = full_env.pulsarr.state
    tim = full_env.person("tim")
    for title in full_env.world.catalog[:60]:
        if full_env.plex.state.items_of(title):
            state.want(tim, title)
    await full_env.call("sync_all")
    labels = sum(len(full_env.plex.state.carriers(name)) for name in ("rosa", "tim"))
    for name in ("rosa", "tim"):
        state.remove_user(full_env.person(name))

    await full_env.call("sync_all")

    (line,) = placeholders(full_env)["groups"].splitlines()
    assert line.startswith(f"- rosa and tim are no longer in Pulsarr: {labels} labels (")


async def test_held_run_and_its_dry_run_list_everything_with_people_and_reasons(
    full_env: HaEnv,
) -> None:
    forget(full_env)
    title = full_env.spare("show", in_plex=True)
    full_env.pulsarr.state.want(full_env.person("tim"), title)

    planned = await full_env.call("sync_all", dry_run=True)
    done = await full_env.call("sync_all")

    assert planned["status"] == done["status"] == "held"
    for answered in (planned, done):
        for change in answered["changes"]:
            change["reason_data"].pop("since", None)  # the moment of each run
    assert planned["changes"] == done["changes"]
    assert planned["changes_total"] == len(planned["changes"])
    held = [one for one in planned["changes"] if one["held"]]
    assert planned["held"] == done["held"] == len(held)
    assert "mass_removal" in planned["hold_reasons"]
    assert {(one["action"], one["reason_code"], *one["people"]) for one in held} == {
        ("remove", "not_wanted", "rosa")
    }
    rest = [one for one in planned["changes"] if not one["held"]]
    assert {(one["action"], one["reason_code"], *one["people"]) for one in rest} == {
        ("add", "wanted", "tim")
    }
    libraries = {library.title for library in full_env.plex.state.libraries.values()}
    assert {one["library"] for one in planned["changes"]} <= libraries
    assert all(one["title"] for one in planned["changes"])


async def test_question_is_asked_in_the_language_of_home_assistant(full_env: HaEnv) -> None:
    await full_env.hass.config.async_update(language="de")
    before = len(full_env.plex.state.carriers("rosa"))
    forget(full_env)

    answer = await full_env.call("sync_all")

    assert placeholders(full_env)["removals"] == f"{before} Labels"
    assert placeholders(full_env)["groups"].startswith(
        f"- rosa: auf keiner Merkliste mehr: {before} Labels ("
    )
    (reason,) = {one["reason"] for one in answer["changes"]}
    assert re.fullmatch(r"seit dem \d+\. \w+ \d{4} auf keiner Merkliste mehr", reason)


async def test_question_is_shown_in_the_language_of_the_user_who_opens_it(
    full_env: HaEnv,
    hass_client: ClientSessionGenerator,
    hass_admin_user: MockUser,
    hass_storage: dict[str, Any],
) -> None:
    before = len(full_env.plex.state.carriers("rosa"))
    forget(full_env)
    await full_env.call("sync_all")
    speaks(hass_storage, hass_admin_user, "fr")
    client = await hass_client()

    shown = await client.post(
        "/api/repairs/issues/fix",
        json={"handler": DOMAIN, "issue_id": f"held_{full_env.entry.entry_id}"},
    )

    translated = (await shown.json())["description_placeholders"]
    assert translated["removals"] == f"{before} étiquettes"
    assert "plus sur aucune liste" in translated["groups"]
    assert placeholders(full_env)["removals"] == f"{before} labels"


async def test_form_is_shown_in_the_language_of_the_user_who_opens_it(
    ha_env: HaEnv,
    hass_client: ClientSessionGenerator,
    hass_admin_user: MockUser,
    hass_storage: dict[str, Any],
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    assert await async_setup_component(ha_env.hass, "config", {})
    speaks(hass_storage, hass_admin_user, "nl")
    client = await hass_client()
    path = "/api/config/config_entries/options/flow"
    form = await (await client.post(path, json={"handler": ha_env.entry.entry_id})).json()
    sections = {
        row["name"]: {one["name"]: one["default"] for one in row["schema"] if "default" in one}
        for row in form["data_schema"]
    }
    refused = sections | {"live": sections["live"] | {"pending_retry_interval": 0}}

    shown = await (await client.post(f"{path}/{form['flow_id']}", json=refused)).json()
    wanted = sections | {"sharing": sections["sharing"] | {"show_sharing": True}}
    page = await (await client.post(f"{path}/{form['flow_id']}", json=wanted)).json()

    assert shown["description_placeholders"]["ranges"] == (
        "Interval voor nieuwe pogingen bij ontbrekende titels moet tussen 1 seconde en 1 uur liggen."
    )
    assert page["description_placeholders"]["page"].startswith("Nog niet gecontroleerd.")


async def test_check_of_shares_is_answered_in_the_language_of_the_caller(
    env: SharingEnv, hass_admin_user: MockUser, hass_storage: dict[str, Any]
) -> None:
    await env.set_up()
    await env.check()
    speaks(hass_storage, hass_admin_user, "de")

    found = await answer(env.ha_env, "check_sharing", hass_admin_user)

    steps = [step["text"] for person in found["people"] for step in person["steps"]]
    assert "Melde dich als sam an und prüfe das Ergebnis." in steps


async def answer(
    ha_env: HaEnv, action: str, user: MockUser | None = None, **data: Any
) -> dict[str, Any]:
    """Return what an action answers to a user."""
    result = await ha_env.hass.services.async_call(
        DOMAIN,
        action,
        data,
        blocking=True,
        return_response=True,
        context=Context(user_id=None if user is None else user.id),
    )
    assert result is not None
    return dict(result)


@pytest.mark.parametrize(
    ("language", "reason", "wanted"),
    [
        ("en", "rosa wants it", "rosa wants it"),
        ("de", "rosa möchte den Titel sehen", "rosa möchte den Titel sehen"),
        ("xx", "rosa wants it", "rosa wants it"),
    ],
)
async def test_answer_is_in_the_language_of_the_caller(  # noqa: PLR0917 - what it says where
    ha_env: HaEnv,
    hass_admin_user: MockUser,
    hass_storage: dict[str, Any],
    language: str,
    reason: str,
    wanted: str,
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    speaks(hass_storage, hass_admin_user, language)

    planned = await answer(ha_env, "sync_all", hass_admin_user, dry_run=True, people=["rosa"])
    explained = await answer(ha_env, "explain", hass_admin_user, guid=title.plex_guid)

    assert {one["reason"] for one in planned["changes"]} == {reason}
    (one,) = explained["titles"]
    assert one["reasons"][0] == {"code": "wanted", "text": wanted, "data": {"people": ["rosa"]}}
    assert wanted in one["summary"]


async def test_user_without_a_choice_is_answered_in_the_language_of_home_assistant(
    ha_env: HaEnv, hass_admin_user: MockUser
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    await ha_env.hass.config.async_update(language="es")

    for user in (None, hass_admin_user):
        planned = await answer(ha_env, "sync_all", user, dry_run=True, people=["rosa"])
        assert {one["reason"] for one in planned["changes"]} == {"rosa quiere ver el título"}


async def test_labels_that_an_action_removes_say_whose_they_are(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)

    planned = await ha_env.call("remove_labels", dry_run=True)

    assert planned["changes_total"] == len(planned["changes"]) > 0
    for change in planned["changes"]:
        assert [one.casefold() for one in change["people"]] == [change["label"].casefold()]
        assert change["reason_code"] == "requested"
        assert change["title"]


async def test_undo_says_for_whom_the_labels_were_and_which_run_it_undoes(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    (run, *_) = (await ha_env.call("get_runs"))["runs"]

    planned = await ha_env.call("undo", dry_run=True)

    assert planned["changes"]
    for change in planned["changes"]:
        assert [one.casefold() for one in change["people"]] == [change["label"].casefold()]
        assert change["reason_data"] == {"run_id": run["run_id"]}


async def test_held_changes_are_among_those_returned_of_many(hass: HomeAssistant) -> None:
    run = Run(
        "1",
        RunKind.FULL,
        dry_run=True,
        status=RunStatus.HELD,
        started=0.0,
        duration=0.0,
        changes=tuple(add("Rosa", str(number)) for number in range(1000)),
        held=tuple(remove("Tim", str(number)) for number in range(3)),
    )

    answer = run_response(run, {}, await async_texts(hass), {})

    assert [one["held"] for one in answer["changes"]] == [True] * 3 + [False] * 497
    assert answer["changes_total"] == 1003


async def test_item_without_a_title_is_called_by_its_rating_key(ha_env: HaEnv) -> None:
    for item in ha_env.plex.state.items.values():
        item.title = ""

    await ha_env.set_up(batch_mode=False, live_mode=False)
    planned = await ha_env.call("sync_all", dry_run=True)

    assert planned["changes"]
    assert all(one["title"] == f"item {one['rating_key']}" for one in planned["changes"])
