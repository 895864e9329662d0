"""Who may do what: rewriting labels is for administrators, and for automations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.core import Context
from homeassistant.exceptions import Unauthorized, UnknownUser
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.probe.pacing import ProbeTimes

from .ha_env import set_limits

if TYPE_CHECKING:
    from .ha_env import HaEnv

WRITING: dict[str, dict[str, Any]] = {
    "sync_all": {},
    "undo": {},
    "remove_labels": {},
    "clear_overrides": {},
    "drop_pending": {},
    "probe": {},
}
PRETENDING: dict[str, dict[str, Any]] = {
    "sync_all": {"dry_run": True},
    "undo": {"dry_run": True},
    "remove_labels": {"dry_run": True},
}
TELLING: dict[str, dict[str, Any]] = {  # who may see what, which is not everybody's business
    "check_sharing": {"refresh": False},
    "preview_sharing": {"person": "rosa"},
}
READING: dict[str, dict[str, Any]] = {
    "process_pending": {},
    "get_pending": {},
    "get_titles": {},
    "get_dashboard": {},
    "get_runs": {},
    "explain": {"title": "a"},
}


@pytest.fixture(autouse=True)
def _short_probe(ha_env: HaEnv) -> None:
    """Let a probe wait only a moment for events."""
    set_limits(ha_env.hass, probe=ProbeTimes(event=0.1))


async def call_as(user: MockUser | None, ha_env: HaEnv, action: str, **data: Any) -> dict[str, Any]:
    """Call an action as somebody does in the web interface, or as an automation: for nobody."""
    context = Context(user_id=None if user is None else user.id)
    answer = await ha_env.hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True, context=context
    )
    await ha_env.settle()
    assert answer is not None
    return dict(answer)


@pytest.fixture
def child(ha_env: HaEnv) -> MockUser:
    """Somebody who has an account and is no administrator."""
    return MockUser(name="Child").add_to_hass(ha_env.hass)


@pytest.mark.parametrize(("action", "data"), [*WRITING.items(), *TELLING.items()])
async def test_user_who_is_no_administrator_cannot_rewrite_labels(
    ha_env: HaEnv, child: MockUser, action: str, data: dict[str, Any]
) -> None:
    await ha_env.set_up()
    ha_env.plex.stats.reset()

    with pytest.raises(Unauthorized):
        await call_as(child, ha_env, action, **data)

    assert ha_env.plex.stats.puts == 0


@pytest.mark.parametrize(("action", "data"), [*PRETENDING.items(), *READING.items()])
async def test_user_who_is_no_administrator_may_read_and_preview(
    ha_env: HaEnv, child: MockUser, action: str, data: dict[str, Any]
) -> None:
    await ha_env.set_up()
    ha_env.plex.stats.reset()

    await call_as(child, ha_env, action, **data)

    assert ha_env.plex.stats.puts == 0


@pytest.mark.parametrize(("action", "data"), WRITING.items())
async def test_automations_and_administrators_may_do_everything(
    ha_env: HaEnv, hass_admin_user: MockUser, action: str, data: dict[str, Any]
) -> None:
    await ha_env.set_up()

    for user in (None, hass_admin_user):
        assert await call_as(user, ha_env, action, **data)


async def test_someone_who_is_gone_may_do_nothing(ha_env: HaEnv) -> None:
    await ha_env.set_up()

    with pytest.raises(UnknownUser):
        await call_as(MockUser(name="Gone"), ha_env, "sync_all")


async def test_every_action_is_judged(ha_env: HaEnv) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)

    actions = ha_env.hass.services.async_services_for_domain(DOMAIN)
    assert set(actions) == {*WRITING, *TELLING, *READING}
