"""The webhook's secret can be renewed, and nothing is lost by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.data_entry_flow import FlowResultType
from hypothesis import given, strategies as st

from custom_components.plex_label_sync.const import (
    CONF_FORMER_SECRETS,
    CONF_WEBHOOK_SECRET,
    WEBHOOK_SECRET_HEADER,
)
from custom_components.plex_label_sync.webhook.secret import (
    FORMER_MAX,
    GRACE,
    accepted_secrets,
    renewed,
    without_former,
)
from simulators.http import Fault
from simulators.pulsarr import arr

from ..flow_fixtures import assert_form
from ..ha_env import SECRETS, WEBHOOK_SECRET, later

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from ..ha_env import HaEnv


async def renew(ha_env: HaEnv, known_secrets: set[str]) -> str:
    """Renew the secret in the options; return the new one, which is shown once."""
    options = ha_env.hass.config_entries.options
    shown = await options.async_init(ha_env.entry.entry_id)
    # Where all libraries are chosen, the form saves just that.
    before = {name: one for name, one in ha_env.entry.options.items() if name != "libraries"}
    shown = await options.async_configure(shown["flow_id"], {"renew_secret": True})
    assert_form(shown, "webhook_renewed")
    placeholders = shown["description_placeholders"]
    assert placeholders is not None
    secret = placeholders["secret"]
    known_secrets.add(secret)
    assert secret not in SECRETS
    assert placeholders["address"].endswith(ha_env.entry.data[CONF_WEBHOOK_ID])
    saved = await options.async_configure(shown["flow_id"], {})
    assert saved["type"] is FlowResultType.CREATE_ENTRY
    await ha_env.settle()
    assert dict(ha_env.entry.options).items() >= before.items()
    assert "renew_secret" not in ha_env.entry.options
    return str(secret)


async def answer_to(ha_env: HaEnv, secret: str) -> int:
    """Return what a caller with a secret is answered."""
    url = f"{ha_env.base_url}/api/webhook/{ha_env.entry.data[CONF_WEBHOOK_ID]}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            url, json=arr.sonarr_test(), headers={WEBHOOK_SECRET_HEADER: secret}
        ) as answer,
    ):
        return answer.status


async def test_pulsarr_gets_the_new_secret_and_both_are_good_for_an_hour(
    ha_env: HaEnv, clock: TickingDateTimeFactory, known_secrets: set[str]
) -> None:
    await ha_env.set_up()
    assert await answer_to(ha_env, WEBHOOK_SECRET) == 200

    secret = await renew(ha_env, known_secrets)

    (endpoint,) = ha_env.pulsarr.endpoints
    assert endpoint.auth_header_value == secret
    assert await answer_to(ha_env, secret) == 200
    assert await answer_to(ha_env, WEBHOOK_SECRET) == 200
    assert await answer_to(ha_env, "guess") == 401
    # What Pulsarr announces goes on to arrive.
    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await later(ha_env, clock, 1)
    assert all("rosa" in labels for labels in ha_env.labels(title))

    await later(ha_env, clock, GRACE + 10)
    await later(ha_env, clock, 10)

    assert CONF_FORMER_SECRETS not in ha_env.entry.data
    assert await answer_to(ha_env, secret) == 200
    assert await answer_to(ha_env, WEBHOOK_SECRET) == 401


async def test_former_secret_is_good_as_long_as_pulsarr_has_not_got_the_new_one(
    ha_env: HaEnv, clock: TickingDateTimeFactory, known_secrets: set[str]
) -> None:
    await ha_env.set_up()
    options = ha_env.hass.config_entries.options
    shown = await options.async_init(ha_env.entry.entry_id)
    await options.async_configure(shown["flow_id"], {})  # as somebody who has saved them before
    await ha_env.settle()
    ha_env.pulsarr.faults.add(Fault("drop", route="/v1/webhooks/endpoints/test", times=None))
    secret = await renew(ha_env, known_secrets)
    await later(ha_env, clock, GRACE + 10)

    assert ha_env.entry.runtime_data.webhook.refused == 0
    for known in (WEBHOOK_SECRET, secret):
        received = ha_env.entry.runtime_data.webhook.received
        assert await answer_to(ha_env, known) == 200
        assert ha_env.entry.runtime_data.webhook.received == received + 1

    ha_env.pulsarr.faults.clear()
    upkeep = ha_env.entry.runtime_data.webhook_manager
    await upkeep.async_check()  # whenever the next one is due
    (endpoint,) = ha_env.pulsarr.endpoints
    assert endpoint.auth_header_value == secret
    assert await answer_to(ha_env, WEBHOOK_SECRET) == 200  # some of it may be on its way
    await upkeep.async_check()
    assert await answer_to(ha_env, WEBHOOK_SECRET) == 401


async def test_secret_that_goes_does_not_load_the_entry_again(
    ha_env: HaEnv, clock: TickingDateTimeFactory, known_secrets: set[str]
) -> None:
    await ha_env.set_up()
    await renew(ha_env, known_secrets)
    running = ha_env.entry.runtime_data

    await later(ha_env, clock, GRACE + 10)
    await later(ha_env, clock, 10)

    assert CONF_FORMER_SECRETS not in ha_env.entry.data
    assert ha_env.entry.runtime_data is running


@given(st.lists(st.tuples(st.text(min_size=1, max_size=3), st.integers(0, 9000)), max_size=6))
def test_few_former_secrets_are_accepted_and_none_for_ever(steps: list[tuple[str, int]]) -> None:
    data: dict[str, Any] = {CONF_WEBHOOK_SECRET: "first", "other": 1}
    now = 0.0
    for secret, seconds in steps:
        now += seconds
        before = data[CONF_WEBHOOK_SECRET]
        data = renewed(data, secret, now)
        assert accepted_secrets(data)[:2] == (secret, before)
        assert len(accepted_secrets(data)) <= FORMER_MAX + 1
    for waited in (GRACE - 1, GRACE):
        rest = without_former(data, now + waited) or data
        assert rest[CONF_WEBHOOK_SECRET] == data[CONF_WEBHOOK_SECRET]
        assert rest["other"] == 1
        expected = (len(accepted_secrets(rest)) > 1) is (waited < GRACE and bool(steps))
        assert expected or waited < GRACE
    assert without_former({CONF_WEBHOOK_SECRET: "first"}, now) is None
