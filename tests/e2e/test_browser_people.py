"""People in a browser: what the dashboard, the actions, the repairs and the logbook tell of them, in two languages."""

from __future__ import annotations

from datetime import UTC, datetime
import re
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from harness import automations, dashboard, integration
from harness.browser import Appearance, Visitor
from harness.integration import DOMAIN
from harness.pages import MASS_REMOVAL, QUESTION, Pages
from harness.texts import Texts
from harness.waiting import eventually
from tests.e2e.browsing import PICTURES, browser, read, texts, visitor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.e2e_env import E2eEnv

__all__ = ["browser", "texts", "visitor"]

pytestmark = pytest.mark.browser

OPTIONS: Final = {"removed_label_mode": "remove", "max_removals": 1}
"""So that one person who is gone is enough for a question."""
WANTED: Final = 26
"""Up to 25 labels never need a question."""

ENGLISH, GERMAN = Appearance(dark=True), Appearance("de", phone=True)
APPEARANCES: Final = [ENGLISH, GERMAN]
DASHBOARD: Final = "selector.dashboard.options"
DOER: Final = "Tester"  # who is signed in


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def env(env: E2eEnv) -> E2eEnv:
    """The shared env, with the dashboard that the integration makes, and something that has just arrived."""
    await dashboard.install(env.home.client, await dashboard.made(env.entry))
    await env.servers.pulsarr.post("import", title=env.missing()[0].key, announce_after=0.1)

    async def labelled() -> bool:
        return any(await env.labels(env.missing()[0]))

    await eventually(labelled, "the title has labels")
    return env


async def people(env: E2eEnv) -> dict[str, tuple[str, str, str]]:
    """Of each person how many titles are labelled, and how many are wanted and missing, as texts."""
    ids = await integration.entity_ids(env.home.client, env.entry.entry_id)
    sensors = [await env.entry.entity(key) for key in ids if key.startswith("person_")]
    return {
        one["attributes"]["person"]: (
            one["state"],
            str(one["attributes"]["wanted"]),
            str(one["attributes"]["missing"]),
        )
        for one in sensors
    }


@pytest.mark.parametrize("visitor", APPEARANCES, ids=str, indirect=True)
async def test_dashboard_shows_who_has_how_much_and_leads_to_why_someone_waits(
    visitor: Visitor, env: E2eEnv, texts: Texts
) -> None:
    made = await dashboard.made(env.entry, visitor.appearance.language)
    await dashboard.save(env.home.client, made)
    pages = Pages(visitor, texts)
    figures = await people(env)
    name = next(name for name, (_, _, missing) in figures.items() if int(missing))

    await pages.dashboard()
    await visitor.lengthen(4 * visitor.appearance.size[1])
    title = env.missing()[0].title
    headings = [texts[f"{DASHBOARD}.{key}"] for key in ("people", "waits", "arrived", "weekly")]
    bars = [f"{have} / {wanted}" for have, wanted, _ in figures.values()]
    words = await read(
        visitor,
        *headings,
        *dict.fromkeys(bars),
        title,
        texts["entity.sensor.status.state.idle"],
        *texts.pieces(f"{DASHBOARD}.why"),
    )
    assert [one for one in figures if f"{one} █" not in words and f"{one} ░" not in words] == []
    assert not re.search(r"\b1 (?:titles|labels|warnings|Warnungen)\b", words)
    await visitor.until_picture()
    assert await visitor.overflow() == 0
    await visitor.picture(PICTURES / f"dashboard-{visitor.appearance}.png")

    await visitor.choose(texts[f"{DASHBOARD}.list_titles"])
    await pages.action_form()
    service = texts["services.get_titles"]
    await read(
        visitor, service["name"], service["description"], service["fields"]["status"]["name"]
    )
    await pages.titles_of(name)
    first, *_ = (await env.entry.call("get_titles", person=name))["titles"]
    await read(visitor, first["title"], first["reason"])  # an editor parts words at its colors


async def test_button_on_the_dashboard_syncs(visitor: Visitor, env: E2eEnv) -> None:
    texts = Texts(visitor.appearance.language)
    before = await env.entry.state("last_sync")
    await dashboard.save(env.home.client, await dashboard.made(env.entry, "en"))
    await Pages(visitor, texts).dashboard()
    words = await read(visitor, texts["entity.sensor.status.state.idle"])
    assert "Entity not found" not in words
    assert "Configuration error" not in words
    await visitor.choose(texts["entity.button.sync_all.name"])

    async def synced() -> bool:
        return await env.entry.state("last_sync") != before

    await eventually(synced, "a full sync has finished")
    await env.entry.until_state("status", "idle")


async def test_blueprint_offers_the_people(visitor: Visitor, env: E2eEnv) -> None:
    ids = await integration.entity_ids(env.home.client, env.entry.entry_id)
    (name, *_) = await people(env)
    person = next(one for key, one in ids.items() if key.startswith("person_"))
    number = await automations.install(env.home.client, ids, [person])
    try:
        await visitor.go(f"/config/automation/edit/{automations.NAME}_0")
        sensor = Texts("en")["entity.sensor.person.name"].format(person=name)
        await read(visitor, "Person", "Activity", sensor, "Message")
        await visitor.choose(sensor)
        others = [
            Texts("en")["entity.sensor.person.name"].format(person=one)
            for one in await people(env)
            if one != name
        ]
        words = await read(visitor, *others)
        assert others
        assert [one for one in others if one not in words] == []
    finally:
        for one in range(number):
            await env.home.client.request(
                "DELETE", f"config/automation/config/{automations.NAME}_{one}"
            )


async def carriers(env: E2eEnv, name: str) -> int:
    """How many items in Plex carry somebody's label."""
    labels: dict[str, int] = (await env.servers.plex.get("state"))["labels"]
    return sum(number for label, number in labels.items() if name.casefold() in label.casefold())


async def hold(env: E2eEnv, name: str) -> int:
    """Have a sync ask first: somebody comes, wants much, and is gone again; returns how many labels that were."""
    await env.servers.pulsarr.post("user", add=name)
    for number in range(WANTED):
        await env.servers.pulsarr.post("wish", person=name, title=env.spare(number).key, force=True)
    await env.entry.call("sync_all")
    number = await carriers(env, name)
    assert number >= WANTED
    await env.servers.pulsarr.post("user", person=name, remove=True)
    assert (await env.entry.call("sync_all"))["status"] == "held"
    return number


@pytest.mark.parametrize(
    ("visitor", "name", "answer"),
    [(ENGLISH, "keeper", "keep"), (GERMAN, "goner", "apply")],
    ids=str,
    indirect=["visitor"],
)
async def test_question_reports_how_many_labels_would_go_and_the_answer_decides(
    visitor: Visitor, env: E2eEnv, texts: Texts, name: str, answer: str
) -> None:
    number = await hold(env, name)
    labels = texts["selector.wording.options.labels_other"].format(count=number)
    removed_count = texts["selector.change_reason.options.person_gone_one"].format(people=name)
    pages = Pages(visitor, texts)
    await dashboard.save(
        env.home.client, await dashboard.made(env.entry, visitor.appearance.language)
    )

    await pages.dashboard()
    await read(
        visitor,
        texts["entity.sensor.status.state.held"],
        texts[f"{DASHBOARD}.held"],
        texts[f"{DASHBOARD}.repairs"],
    )
    await pages.question()
    words = await read(visitor, *texts.pieces(QUESTION))
    assert f"{removed_count}: {labels}" in words
    assert any(env.spare(number).title in words for number in range(WANTED))
    assert await visitor.overflow() == 0
    await visitor.picture(PICTURES / f"question-{visitor.appearance}.png")
    await visitor.choose(texts[f"{QUESTION}.menu_options.{answer}"])

    await env.entry.until_state("status", "idle")
    assert await carriers(env, name) == (number if answer == "keep" else 0)
    await visitor.until_gone(texts[f"{MASS_REMOVAL}.title"])


@pytest.mark.parametrize("visitor", APPEARANCES, ids=str, indirect=True)
async def test_logbook_reports_each_happening_in_one_sentence_with_numbers_and_who_did_it(
    visitor: Visitor, env: E2eEnv, texts: Texts
) -> None:
    if visitor.appearance == ENGLISH:
        removed = await env.entry.call("remove_labels", people=["rosa"])
        await env.entry.call("undo", run_id=removed["run_id"])
    common = texts["common"]
    added, removed_count = (
        common[f"count_{key}"].partition("{")[0] for key in ("added", "removed")
    )
    sentences = (
        f"{common['labels_removed'].format(people='rosa')}: {removed_count}",
        f"{common['run_undone']}: {added}",
    )
    await Pages(visitor, texts).logbook(env.entry)
    await visitor.lengthen(4 * visitor.appearance.size[1])
    held = common["run_held"].partition("{")[0]
    words = await read(visitor, env.missing()[0].title, *sentences, held, common["run_released"])
    for sentence in sentences:
        assert words.count(sentence) == 1
        assert f"({DOER})" in words.partition(sentence)[2][:40]
    await visitor.picture(PICTURES / f"logbook-{visitor.appearance}.png")


async def test_disabled_activity_leaves_the_sentences_alone(env: E2eEnv) -> None:
    client = env.home.client
    activity = await env.entry.entity_id("activity")
    update = "config/entity_registry/update"
    await client.command(update, entity_id=activity, disabled_by="user")
    try:
        await client.post(f"config/config_entries/entry/{env.entry.entry_id}/reload", {})
        await integration.until_loaded(client, env.entry.entry_id)
        await env.entry.until_synced()
        began = datetime.now(UTC).isoformat()
        run = await env.entry.call("remove_labels", people=["rosa"])
        await env.entry.call("undo", run_id=run["run_id"])

        async def lines() -> Sequence[dict[str, str]]:
            rows: list[dict[str, str]] = await client.command(
                "logbook/get_events", start_time=began, entity_ids=[activity]
            )
            return rows if len(rows) >= 2 else ()

        rows = await eventually(lines, "the logbook has the sentences")
        assert {row.get("domain") for row in rows} == {DOMAIN}
        assert all(row.get("message") for row in rows)
    finally:
        await client.command(update, entity_id=activity, disabled_by=None)
        await client.post(f"config/config_entries/entry/{env.entry.entry_id}/reload", {})
