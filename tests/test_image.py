"""The poster of the title that was labelled last, as a browser gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
import pytest

from simulators.plex import Fault
from simulators.plex.pictures import poster

from .ha_env import PLEX_TOKEN

if TYPE_CHECKING:
    from typing import Any

    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .ha_env import HaEnv

KEY = "last_labelled"
QUIET = {"live_mode": False, "batch_mode": False}


async def label_one(ha_env: HaEnv) -> str:
    """Have one title labelled; return its rating key."""
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    wanted = {entry.catalog_key for entry in ha_env.pulsarr.state.entries()}
    title, item = next(
        (title, items[0])
        for title in ha_env.world.catalog
        if title.key not in wanted and len(items := ha_env.plex.state.items_of(title)) == 1
    )
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    assert ha_env.entity(KEY).attributes["title"] == item.title
    return item.rating_key


async def fetched(ha_env: HaEnv, client: ClientSessionGenerator) -> tuple[int, str, bytes]:
    """Return what a browser gets: status, content type, body."""
    web = await client()
    answer = await web.get(f"/api/image_proxy/{ha_env.entity_id(KEY)}")
    return answer.status, answer.content_type, await answer.read()


async def test_poster_of_the_last_title_comes_through_home_assistant(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    key = await label_one(ha_env)
    assert await fetched(ha_env, hass_client) == (200, "image/png", poster(int(key)))
    shown = ha_env.entity(KEY)
    assert shown.state not in {STATE_UNKNOWN, STATE_UNAVAILABLE}
    assert PLEX_TOKEN not in str(shown.as_dict())
    ha_env.plex.stats.reset()
    assert (await fetched(ha_env, hass_client))[0] == 200
    assert ha_env.plex.stats.total == 0  # it was fetched already


async def test_image_outlives_a_restart(ha_env: HaEnv, hass_client: ClientSessionGenerator) -> None:
    key = await label_one(ha_env)
    before = ha_env.entity(KEY).state
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    assert ha_env.entity(KEY).state == before
    assert await fetched(ha_env, hass_client) == (200, "image/png", poster(int(key)))


async def test_nothing_labelled_yet_shows_no_picture(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    assert ha_env.state(KEY) == STATE_UNKNOWN
    assert "entity_picture" not in ha_env.entity(KEY).attributes


async def test_title_without_a_poster_shows_none(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    key = await label_one(ha_env)
    del ha_env.plex.state.items[key]
    assert (await fetched(ha_env, hass_client))[2] != poster(int(key))
    assert "entity_picture" not in ha_env.entity(KEY).attributes
    assert ha_env.entity(KEY).state != STATE_UNAVAILABLE


@pytest.mark.parametrize("kind", ["html", "garbage", "unauthorized", "drop"])
async def test_what_is_no_picture_is_not_passed_on(
    ha_env: HaEnv, hass_client: ClientSessionGenerator, kind: Any
) -> None:
    await label_one(ha_env)
    ha_env.plex.faults.add(Fault(kind, match="/thumb", times=None))
    status, _, body = await fetched(ha_env, hass_client)
    assert status == 500
    assert b"<html" not in body
    assert PLEX_TOKEN.encode() not in body


async def test_address_elsewhere_is_not_asked(
    ha_env: HaEnv, hass_client: ClientSessionGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await label_one(ha_env)
    for address in ("http://169.254.169.254/latest", "//evil.example/x", "/../../:/prefs"):
        monkeypatch.setattr("simulators.plex.facts.thumb_of", lambda _item, a=address: a)
        ha_env.plex.stats.reset()
        assert (await fetched(ha_env, hass_client))[2] != poster(int(key))
        assert ha_env.plex.stats.total <= 1
