"""Coming from Pulsarr's own label sync: what docs/pulsarr-label-sync.md says, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest

from .ha_env import PLEX_TOKEN, PULSARR_KEY, HaEnv

if TYPE_CHECKING:
    from simulators.catalog import CatalogTitle

SAME_LABELS: Final = "pulsarr:{username}"


async def labels_job(ha_env: HaEnv, method: str, path: str) -> dict[str, Any]:
    """Call one of Pulsarr's label routes, as its own pages do."""
    async with aiohttp.ClientSession() as session:
        url, headers = ha_env.pulsarr.url + path, {"X-API-Key": PULSARR_KEY}
        async with session.request(method, url, headers=headers, json={}) as answer:
            body: dict[str, Any] = await answer.json()
            return body


def switch_label_sync(ha_env: HaEnv, *, on: bool) -> None:
    ha_env.pulsarr.state.config["plexLabelSync"]["enabled"] = on


def titles_of(ha_env: HaEnv, name: str) -> list[CatalogTitle]:
    """Return what a person wants and Plex has, where Pulsarr finds it: under its own key."""
    keys = ha_env.wanted_by(name)
    return [
        title
        for title in ha_env.world.catalog
        if title.key in keys and ha_env.plex.state.items_of(title, identified=True)
    ]


def carry(ha_env: HaEnv, titles: list[CatalogTitle], label: str) -> bool:
    """Return whether every item of every title carries a label."""
    return all(label in labels for title in titles for labels in ha_env.labels(title))


def nowhere(ha_env: HaEnv, label: str) -> bool:
    return not any(
        label in labels for title in ha_env.world.catalog for labels in ha_env.labels(title)
    )


@pytest.fixture
async def labelled(ha_env: HaEnv) -> HaEnv:
    """A ha_env in which Pulsarr has labelled everything, and somebody else one item."""
    ha_env.pulsarr.connect_plex(ha_env.plex.url, PLEX_TOKEN)
    switch_label_sync(ha_env, on=True)
    for item in ha_env.plex.state.items_of(titles_of(ha_env, "rosa")[0]):
        ha_env.plex.state.add_label(item.rating_key, "Kids")
    done = await labels_job(ha_env, "POST", "/v1/labels/sync")
    assert done["success"] is True
    assert done["results"]["updated"] > 0
    assert done["results"]["failed"] == 0
    assert carry(ha_env, titles_of(ha_env, "rosa"), "pulsarr:rosa")
    return ha_env


async def drop(ha_env: HaEnv, name: str, title: CatalogTitle) -> None:
    """Let a person drop a title, and sync."""
    ha_env.pulsarr.state.unwant(ha_env.person(name), title)
    answer = await ha_env.call("sync_all")
    assert answer["status"] == "done"


async def test_labels_are_kept_under_the_same_names(labelled: HaEnv) -> None:
    switch_label_sync(labelled, on=False)
    before = labelled.plex.state.carriers("pulsarr:rosa")
    await labelled.set_up(
        live_mode=False, batch_mode=False, label_format=SAME_LABELS, removed_label_mode="remove"
    )

    plan = await labelled.call("sync_all", dry_run=True)
    assert plan["removed"] == 0
    # Only what Pulsarr could not find is left to do: items that it does not know by its key.
    known = {title.title for title in titles_of(labelled, "rosa")}
    assert (
        not {one["title"] for one in plan["changes"] if one["label"].casefold() == "pulsarr:rosa"}
        & known
    )

    await labelled.call("sync_all")
    assert labelled.plex.state.carriers("pulsarr:rosa") >= before

    dropped = titles_of(labelled, "rosa")[0]
    await drop(labelled, "rosa", dropped)
    assert all("pulsarr:rosa" in labels for labels in labelled.labels(dropped))
    removed = await labelled.call("remove_labels")
    assert removed["status"] == "done"
    assert carry(labelled, titles_of(labelled, "rosa"), "pulsarr:rosa")


async def test_labels_are_taken_over(labelled: HaEnv) -> None:
    titles = titles_of(labelled, "rosa")
    # 1. Set up, paused.
    await labelled.set_up(
        live_mode=False, batch_mode=False, label_format=SAME_LABELS, removed_label_mode="remove"
    )
    # 2. and 3. Remove them in Pulsarr, which it does only while its label sync is on.
    switch_label_sync(labelled, on=False)
    assert (await labels_job(labelled, "DELETE", "/v1/labels/remove"))["success"] is False
    switch_label_sync(labelled, on=True)
    assert (await labels_job(labelled, "DELETE", "/v1/labels/remove"))["success"] is True
    switch_label_sync(labelled, on=False)
    assert nowhere(labelled, "pulsarr:rosa")
    # 4. Start.
    assert (await labelled.call("sync_all"))["status"] == "done"
    assert carry(labelled, titles, "pulsarr:rosa")

    await drop(labelled, "rosa", titles[0])
    assert not any("pulsarr:rosa" in labels for labels in labelled.labels(titles[0]))
    assert any("kids" in labels for labels in labelled.labels(titles[0]))
    await labelled.call("remove_labels")
    assert nowhere(labelled, "pulsarr:rosa")


async def test_new_labels_stand_beside_the_old_ones_until_these_are_removed(
    labelled: HaEnv,
) -> None:
    titles = titles_of(labelled, "rosa")
    # 1. and 2. Pulsarr off, set up and start.
    switch_label_sync(labelled, on=False)
    await labelled.set_up(live_mode=False, batch_mode=False)
    assert (await labelled.call("sync_all"))["status"] == "done"
    assert carry(labelled, titles, "pulsarr:rosa")
    assert carry(labelled, titles, "rosa")
    # 4. The old ones go, by Pulsarr; the new ones and other people's stay.
    switch_label_sync(labelled, on=True)
    removed = await labels_job(labelled, "DELETE", "/v1/labels/remove")
    switch_label_sync(labelled, on=False)
    assert removed["results"]["removed"] > 0
    assert nowhere(labelled, "pulsarr:rosa")
    assert carry(labelled, titles, "rosa")
    assert any("kids" in labels for labels in labelled.labels(titles[0]))
    again = await labelled.call("sync_all")
    assert (again["added"], again["removed"], again["overridden"]) == (0, 0, 0)


async def test_mark_of_pulsarr_stays(labelled: HaEnv) -> None:
    labelled.pulsarr.state.config["plexLabelSync"]["removedLabelMode"] = "special-label"
    dropped = titles_of(labelled, "rosa")[0]
    labelled.pulsarr.state.unwant(labelled.person("rosa"), dropped)
    for user in labelled.pulsarr.state.users():
        labelled.pulsarr.state.unwant(user.id, dropped)
    await labels_job(labelled, "POST", "/v1/labels/sync")
    assert all("pulsarr:removed" in labels for labels in labelled.labels(dropped))
    switch_label_sync(labelled, on=False)

    await labelled.set_up(live_mode=False, removed_label_mode="remove", label_format=SAME_LABELS)

    assert all("pulsarr:removed" in labels for labels in labelled.labels(dropped))
