"""The integration in a browser: what a person reads and does, from the first form to a sync that asks first."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from harness import dashboard, integration
from harness.browser import Appearance, Visitor
from harness.checkout import ARTIFACTS
from harness.children import LOOPBACK, free_port
from harness.integration import DOMAIN, Integration
from harness.pages import INIT, Pages
from harness.texts import Texts, flaws, languages
from harness.waiting import WaitedTooLongError, eventually
from tests.e2e.browsing import PICTURES, READ_SECONDS, WALK, browser, read, texts, visitor
from tests.e2e.e2e_env import OWNER, E2eEnv, start_servers

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from playwright.async_api import Browser  # type: ignore[import-not-found]  # only in .venv

    from harness.simulators import Simulators
    from tests.e2e.e2e_env import Home

__all__ = ["browser", "texts", "visitor"]

pytestmark = pytest.mark.browser

GLANCES: Final = [
    *(Appearance(language) for language in languages() if language != WALK.language),
    Appearance(dark=True, phone=True),
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
    unreachable = f"http://{LOOPBACK}:{free_port()}"
    for url, token, field, error in (
        (unreachable, right.plex_token, "url", "cannot_connect"),
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


async def test_device_page_names_every_entity(visitor: Visitor, env: E2eEnv) -> None:
    names = await names_of_entities(env)
    await Pages(visitor, TEXTS).device(env.entry)
    words = await read(visitor, *names)
    assert [name for name in names if name not in words] == []
    assert flaws(words) == []


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
    labels = {one.casefold() for one in (await env.servers.plex.get("state"))["labels"]}
    names = {one["name"].casefold() for one in people if one["can_sync"]}
    assert {f"for {name}" for name in names} & labels
    assert not names & labels


@pytest.mark.parametrize("visitor", [WALK, Appearance("de", phone=True)], ids=str, indirect=True)
async def test_number_out_of_range_is_named_with_its_range_and_the_opt_out_label_can_be_cleared(
    visitor: Visitor, env: E2eEnv, texts: Texts
) -> None:
    pages = Pages(visitor, texts)
    await pages.options()
    await pages.open_sections()
    data = texts[f"{INIT}.sections"]
    await visitor.fill("sync_interval", "5")
    await visitor.submit()
    wording = texts["selector.wording.options"]
    message = texts["selector.option_problem.options.range"].format(
        field=data["full_sync"]["data"]["sync_interval"],
        lowest=wording["minutes_one"].format(count=1),
        highest=wording["days_other"].format(count=7),
    )
    await read(visitor, message)
    assert await visitor.overflow() == 0

    await visitor.fill("sync_interval", "3600")
    await pages.open_sections()  # only that with the mistake is open
    label = "" if texts.language == WALK.language else "hands-off"
    await visitor.fill("opt_out_label", label)
    await visitor.submit()

    async def saved() -> bool:
        return bool(stored_options(env).get("opt_out_label") == label)

    await eventually(saved, "the options are on disk")
    await env.entry.until_synced()
    # Saving loads the entry again, and entities are then named in the language of the house.
    client = env.home.client
    await client.command("config/core/update", language=WALK.language)
    await client.post(f"config/config_entries/entry/{env.entry.entry_id}/reload", {})
    await integration.until_loaded(client, env.entry.entry_id)
    await env.entry.until_synced()


def stored_options(env: E2eEnv) -> dict[str, Any]:
    """The options of the entry as Home Assistant keeps them."""
    file = env.home.process.folder / ".storage" / "core.config_entries"
    entries = json.loads(file.read_text(encoding="utf-8"))["data"]["entries"]
    options: dict[str, Any] = next(
        entry["options"] for entry in entries if entry["entry_id"] == env.entry.entry_id
    )
    return options


@pytest.mark.parametrize("visitor", GLANCES, ids=str, indirect=True)
async def test_pages_are_complete_in_every_appearance(visitor: Visitor, env: E2eEnv) -> None:
    texts = Texts(visitor.appearance.language)
    pages = Pages(visitor, texts)

    made = await dashboard.made(env.entry, visitor.appearance.language)
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
    Appearance(language, phone=phone) for language in ("en", "de") for phone in (False, True)
]


@pytest.mark.parametrize("visitor", REVIEWERS, ids=str, indirect=True)
async def test_review_can_be_read_on_every_screen(
    visitor: Visitor, env: E2eEnv, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    texts, home = Texts(visitor.appearance.language), env.home
    pages = Pages(visitor, texts)
    servers = await start_servers(session, tmp_path, seed=2)
    await home.client.command("config/core/update", language=visitor.appearance.language)
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
        await visitor.picture(PICTURES / f"review-{visitor.appearance}.png")
        if visitor.appearance == REVIEWERS[-1]:
            await start_paused(visitor, texts, home, env)
        else:
            await pages.close_dialog()
    finally:
        await home.client.command("config/core/update", language=WALK.language)
        await servers.stop()


async def start_paused(visitor: Visitor, texts: Texts, home: Home, env: E2eEnv) -> None:
    """Finish the set-up without a sync, as the form offers it; the entry is removed again."""
    await visitor.choose(texts["selector.start.options.paused"])
    await visitor.submit()
    await read(visitor, *texts.pieces("config.create_entry.paused"))
    (entry_id,) = set(await entries(home)) - {env.entry.entry_id}
    await integration.until_loaded(home.client, entry_id)
    entry = Integration(home.client, entry_id)
    assert [await entry.state(key) for key in ("live_mode", "batch_mode")] == ["off", "off"]
    assert await entry.state("last_sync") == "unknown"
    await integration.remove(home.client, entry_id)
