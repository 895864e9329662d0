"""The integration in a browser: what a person reads and does, from the first form to a sync that asks first."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from harness import dashboard, integration
from harness.browser import Look, Visitor
from harness.checkout import ARTIFACTS
from harness.children import LOOPBACK, free_port
from harness.integration import DOMAIN, Integration
from harness.pages import INIT, MASS_REMOVAL, QUESTION, Pages
from harness.texts import Texts, flaws, languages
from harness.waiting import WaitedTooLongError, eventually
from tests.e2e.browsing import PICTURES, READ_SECONDS, WALK, browser, read, visitor
from tests.e2e.e2e_env import OWNER, E2eEnv, start_servers

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from playwright.async_api import Browser  # type: ignore[import-not-found]  # only in .venv

    from harness.simulators import Simulators
    from tests.e2e.e2e_env import Home

__all__ = ["browser", "visitor"]

pytestmark = pytest.mark.browser

OPTIONS: Final = {"removed_label_mode": "remove", "max_removals": 1}
"""So that one person who is gone is enough for a question."""
WISHES: Final = 26
"""Up to 25 labels never need a question."""

GLANCES: Final = [
    *(Look(language) for language in languages() if language != WALK.language),
    Look(dark=True, phone=True),
]
TEXTS: Final = Texts(WALK.language)
STEPS: Final = "config.step"
DASHBOARD: Final = "selector.dashboard.options"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def env(env: E2eEnv) -> E2eEnv:
    """The shared env, with the dashboard that the integration makes."""
    await dashboard.install(env.home.client, await dashboard.made(env.entry))
    return env


async def test_owner_signs_in_and_gets_from_the_first_form_to_labelled_films(
    browser: Browser, home: Home, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    visitor = await Visitor.come(browser, home.process.url, WALK)
    servers = await start_servers(session, tmp_path)
    try:
        await visitor.sign_in(OWNER.username, OWNER.password)
        await through_the_forms(visitor, servers)

        (entry_id,) = await entries(home)
        await Integration(home.client, entry_id).until_synced()
        labels = {label.casefold() for label in (await servers.plex.get("state"))["labels"]}
        people = (await servers.pulsarr.get("state"))["people"]
        wanting = [one["name"] for one in people if one["can_sync"] and one["watchlist_count"]]
        assert [name for name in wanting if name.casefold() not in labels] == []
        assert visitor.complaints == []
    finally:
        await visitor.picture(ARTIFACTS / "browser" / "set-up.png")
        await visitor.leave()
        for entry_id in await entries(home):
            await integration.remove(home.client, entry_id)
        await servers.stop()


async def entries(home: Home) -> list[str]:
    """The ids of the entries there are."""
    rows = await home.client.command("config_entries/get", domain=DOMAIN)
    return [row["entry_id"] for row in rows]


async def through_the_forms(visitor: Visitor, servers: Simulators) -> None:
    """Set up the integration, with mistakes in every form."""
    pages, right = Pages(visitor, TEXTS), servers.connections
    await pages.menu()
    words = await read(visitor, *TEXTS.pieces(f"{STEPS}.user.description"))
    menu = TEXTS[f"{STEPS}.user.menu_options"]
    assert [text in words for text in menu.values()] == [key != "plex_existing" for key in menu]

    await pages.plex_form()
    await read(visitor, *TEXTS.pieces(f"{STEPS}.plex_manual"))
    nobody = f"http://{LOOPBACK}:{free_port()}"
    for url, token, field, error in (
        (nobody, right.plex_token, "url", "cannot_connect"),
        (right.pulsarr_url, right.plex_token, "url", "not_plex"),
        (right.plex_url, "not-the-token", "token", "invalid_auth"),
    ):
        await visitor.fill("url", url)
        await visitor.fill("token", token)
        await refused(visitor, field, f"config.error.{error}")

    await pages.pulsarr_form(right)
    await read(visitor, *TEXTS.pieces(f"{STEPS}.pulsarr"))
    for url, key, field, error in (
        (right.plex_url, right.pulsarr_key, "url", "not_pulsarr"),
        (right.pulsarr_url, "not-the-key", "api_key", "invalid_auth"),
    ):
        await visitor.fill("url", url)
        await visitor.fill("api_key", key)
        await refused(visitor, field, f"config.error.{error}")

    await pages.libraries_form(right)
    people = (await servers.pulsarr.get("state"))["people"]
    names = [one["name"] for one in people if one["can_sync"]]
    await read(visitor, *TEXTS.pieces(f"{STEPS}.libraries"), *names)
    await visitor.fill("label_format", "{nickname}")
    await refused(visitor, "label_format", "config.error.invalid_label_format")
    await visitor.fill("label_format", "{username}")
    await pages.review_form()
    wanting = [one["name"] for one in people if one["can_sync"] and one["watchlist_count"]]
    words = await read(visitor, *review_pieces(TEXTS), *wanting)
    assert await visitor.overflow() == 0
    if TEXTS[f"{STEPS}.review.data.take_over"] in words:  # of another server by the same name
        await visitor.toggle("take_over")
    await visitor.picture(ARTIFACTS / "browser" / "review.png")
    await visitor.submit()
    await read(visitor, "Skip and finish")
    await visitor.submit()


def review_pieces(texts: Texts) -> list[str]:
    """What is to be read of every review, in the language of the house or of the visitor.

    Records of an earlier entry are offered where there are some.
    """
    step = texts[f"{STEPS}.review"]
    starts = texts["selector.start.options"]
    return [step["title"], step["data"]["start"], starts["now"], starts["paused"]]


async def refused(visitor: Visitor, field: str, error: str) -> None:
    """Send a form, and see that it complains at the right field, in the right words and nowhere else."""
    pieces = TEXTS.pieces(error)
    await visitor.submit()
    found: list[tuple[str, str]] = []

    async def complains() -> bool:
        found[:] = await visitor.errors()
        return [key for key, _ in found] == [field] and all(
            piece in found[0][1] for piece in pieces
        )

    with contextlib.suppress(WaitedTooLongError):
        await eventually(complains, "the form complains", within=READ_SECONDS)
    assert [key for key, _ in found] == [field]
    assert [piece for piece in pieces if piece not in found[0][1]] == []
    assert flaws(found[0][1]) == []


async def test_dashboard_shows_the_numbers_and_its_button_syncs(
    visitor: Visitor, env: E2eEnv
) -> None:
    before = await env.entry.state("last_sync")
    ids = await integration.entity_ids(env.home.client, env.entry.entry_id)
    labelled = [await env.entry.state(key) for key in ids if key.startswith("person_")]
    assert labelled

    await Pages(visitor, TEXTS).dashboard()
    words = await read(visitor, TEXTS["entity.sensor.status.state.idle"], *labelled)
    assert "Entity not found" not in words
    assert "Configuration error" not in words

    await visitor.choose(TEXTS["entity.button.sync_all.name"])

    async def synced() -> bool:
        return await env.entry.state("last_sync") != before

    await eventually(synced, "a full sync has finished")
    await env.entry.until_state("status", "idle")


async def test_device_page_names_every_entity(visitor: Visitor, env: E2eEnv) -> None:
    await Pages(visitor, TEXTS).device(env.entry)
    await read(visitor, *await names_of_entities(env))


async def names_of_entities(env: E2eEnv) -> list[str]:
    """How the entities are called that are enabled, without those of people who have just left Pulsarr."""
    ids = await integration.entity_ids(env.home.client, env.entry.entry_id)
    people = (await env.servers.pulsarr.get("state"))["people"]
    names = [
        TEXTS["entity.sensor.person.name"].format(person=one["name"])
        for one in people
        if f"person_{one['id']}" in ids
    ]
    assert names, "nobody has a sensor"
    return names + [
        TEXTS[f"entity.{one.partition('.')[0]}.{key}.name"]
        for key, one in ids.items()
        if not key.startswith("person_")
    ]


async def test_option_is_refused_with_the_reason_and_then_takes_effect(
    visitor: Visitor, env: E2eEnv
) -> None:
    pages = Pages(visitor, TEXTS)
    people = (await env.servers.pulsarr.get("state"))["people"]
    await pages.options()
    await read(visitor, *(one["name"] for one in people if one["can_sync"]))
    await pages.open_sections()
    await read(visitor, *TEXTS.pieces(INIT))

    await visitor.fill("label_format", "{type}")
    # Home Assistant shows what is wrong within a section above the whole form.
    await refused(visitor, "", "options.error.invalid_label_format")
    await visitor.fill("label_format", "for {username}")
    await visitor.submit()

    async def relabelled() -> bool:
        labels = (await env.servers.plex.get("state"))["labels"]
        return any(label.casefold().startswith("for ") for label in labels)

    await eventually(relabelled, "the labels have the new format")
    await env.entry.until_synced()


async def carriers(env: E2eEnv, name: str) -> int:
    """How many items in Plex carry somebody's label."""
    labels: dict[str, int] = (await env.servers.plex.get("state"))["labels"]
    return sum(number for label, number in labels.items() if name.casefold() in label.casefold())


async def hold(env: E2eEnv, name: str) -> int:
    """Have a sync ask first: somebody comes, wants much, and is gone again; returns how many labels that were."""
    await env.servers.pulsarr.post("user", add=name)
    for number in range(WISHES):
        await env.servers.pulsarr.post("wish", person=name, title=env.spare(number).key, force=True)
    await env.entry.call("sync_all")
    number = await carriers(env, name)
    assert number >= WISHES
    await env.servers.pulsarr.post("user", person=name, remove=True)
    assert (await env.entry.call("sync_all"))["status"] == "held"
    return number


@pytest.mark.parametrize(("name", "answer"), [("keeper", "keep"), ("goner", "apply")])
async def test_question_tells_how_many_labels_would_go_and_the_answer_decides(
    visitor: Visitor, env: E2eEnv, name: str, answer: str
) -> None:
    number = await hold(env, name)
    pages = Pages(visitor, TEXTS)

    await pages.dashboard()
    await read(visitor, TEXTS["entity.sensor.status.state.held"])
    await pages.question()
    words = await read(visitor, *TEXTS.pieces(QUESTION))
    assert f"would have removed {number} labels at once" in words
    assert f"{name} is no longer in Pulsarr: {number} labels" in words
    await visitor.choose(TEXTS[f"{QUESTION}.menu_options.{answer}"])

    await env.entry.until_state("status", "idle")
    assert await carriers(env, name) == (number if answer == "keep" else 0)
    await visitor.until_gone(TEXTS[f"{MASS_REMOVAL}.title"])


async def test_logbook_reads_like_sentences(visitor: Visitor, env: E2eEnv) -> None:
    title = env.missing()[0]
    await env.servers.pulsarr.post("import", title=title.key, announce_after=0.1)

    async def labelled() -> bool:
        return any(await env.labels(title))

    await eventually(labelled, "the title has labels")

    await Pages(visitor, TEXTS).logbook(env.entry)
    await read(visitor, f"labelled {title.title} for", "finished a full sync")


@pytest.mark.parametrize("visitor", GLANCES, ids=str, indirect=True)
async def test_pages_are_complete_in_every_look(visitor: Visitor, env: E2eEnv) -> None:
    texts = Texts(visitor.look.language)
    pages = Pages(visitor, texts)

    made = await dashboard.made(env.entry, visitor.look.language)
    await dashboard.save(env.home.client, made)
    await pages.dashboard()
    words = [texts[f"{DASHBOARD}.{key}"] for key in ("people", "waits", "arrived", "weekly")]
    await read(visitor, texts["entity.sensor.status.state.idle"], *words)
    assert await visitor.overflow() == 0
    await pages.device(env.entry)
    # Entities keep the names that they got in the language of the env.
    await read(visitor, *await names_of_entities(env), texts["entity.sensor.status.state.idle"])
    assert await visitor.overflow() == 0
    await pages.options()
    await pages.open_sections()
    await read(visitor, *texts.pieces(INIT))
    await pages.close_dialog()
    await pages.menu()
    await read(visitor, *texts.pieces(f"{STEPS}.user.description"))
    await pages.plex_form()
    await read(visitor, *texts.pieces(f"{STEPS}.plex_manual"))


REVIEWERS: Final = [
    Look(language, phone=phone) for language in ("en", "de") for phone in (False, True)
]


@pytest.mark.parametrize("visitor", REVIEWERS, ids=str, indirect=True)
async def test_review_can_be_read_on_every_screen(
    visitor: Visitor, home: Home, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    texts = Texts(visitor.look.language)
    pages = Pages(visitor, texts)
    servers = await start_servers(session, tmp_path, seed=2)
    await home.client.command("config/core/update", language=visitor.look.language)
    try:
        await pages.menu()
        await pages.plex_form()
        await pages.pulsarr_form(servers.connections)
        await pages.libraries_form(servers.connections)
        await pages.review_form()
        people = (await servers.pulsarr.get("state"))["people"]
        wanting = [one["name"] for one in people if one["can_sync"] and one["watchlist_count"]]
        words = await read(visitor, *review_pieces(texts), *wanting)
        review = texts["selector.review.options"]
        for key in ("added", "missing", "without"):
            assert review[key].partition("{")[0].strip() in words
        assert await visitor.overflow() == 0
        await visitor.picture(PICTURES / f"review-{visitor.look}.png")
        await pages.close_dialog()
    finally:
        await home.client.command("config/core/update", language=WALK.language)
        await servers.stop()
