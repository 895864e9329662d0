"""The webhook stays registered under an address that works, and a repair tells when none does."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer as Server
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.plex_label_sync.const import DOMAIN, WEBHOOK_SECRET_HEADER
from simulators.http import Fault

from ..ha_env import PULSARR_KEY, WEBHOOK_ID, WEBHOOK_SECRET, later
from ..texts import TEXTS, placeholders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from freezegun.api import TickingDateTimeFactory

    from simulators.pulsarr import Endpoint

    from ..ha_env import HaEnv

CLOSED: Final = "http://127.0.0.1:1"  # nobody listens there
PATH: Final = f"/api/webhook/{WEBHOOK_ID}"
RETRY: Final = 31.0  # seconds until a failed check is repeated
HOUR: Final = 3601.0  # seconds
DAY: Final = 24 * HOUR


def issue(ha_env: HaEnv, kind: str) -> ir.IssueEntry | None:
    """Return an issue of the entry's, with the promise that all its text can be shown."""
    found = ir.async_get(ha_env.hass).async_get_issue(DOMAIN, f"{kind}_{ha_env.entry.entry_id}")
    if found is not None:
        text = TEXTS["issues"][found.translation_key]
        filled_in = found.translation_placeholders or {}
        assert placeholders(text["title"]) | placeholders(text["description"]) <= set(filled_in)
        for secret in (WEBHOOK_ID, WEBHOOK_SECRET):
            assert secret not in str(filled_in)
    return found


def tried(ha_env: HaEnv) -> list[str]:
    """Return the bases of the addresses that Pulsarr tested, in order."""
    tests = [one for one in ha_env.pulsarr.deliveries if one.event == "test"]
    return [one.url.removesuffix(PATH) for one in tests]


def own_endpoint(ha_env: HaEnv) -> Endpoint:
    """Return the only endpoint that Pulsarr has."""
    (endpoint,) = ha_env.pulsarr.endpoints
    return endpoint


def lines(caplog: pytest.LogCaptureFixture, text: str) -> int:
    """Return how often something was said above debug level."""
    return sum(text in one.getMessage() for one in caplog.records if one.levelname != "DEBUG")


@pytest.fixture(autouse=True)
def _plain_world(ha_env: HaEnv) -> None:
    """Let Home Assistant know only the addresses that a test gives it.

    Pulsarr counts tests by a clock that goes on when ours is put forward.
    """
    ha_env.hass.config.api = None
    ha_env.pulsarr.knobs.probe_limit = 1000


@pytest.fixture
async def other_home() -> AsyncIterator[str]:
    """Something that answers 200 to whatever it is sent, as another Home Assistant does."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with Server(app) as server:
        yield str(server.make_url("")).rstrip("/")


# --- which address ---


async def test_address_in_the_options_is_tried_first_and_kept_when_it_works(
    ha_env: HaEnv,
) -> None:
    ha_env.hass.config.internal_url = CLOSED
    await ha_env.set_up()
    assert tried(ha_env) == [ha_env.base_url]
    assert own_endpoint(ha_env).url == ha_env.base_url + PATH


async def test_first_address_that_works_is_registered(
    ha_env: HaEnv, other_home: str, caplog: pytest.LogCaptureFixture
) -> None:
    ha_env.hass.config.internal_url = other_home
    ha_env.hass.config.external_url = ha_env.base_url
    await ha_env.set_up(base_url=CLOSED)
    assert tried(ha_env) == [CLOSED, other_home, ha_env.base_url]
    assert own_endpoint(ha_env).url == ha_env.base_url + PATH
    assert issue(ha_env, "webhook_unreachable") is None
    assert lines(caplog, "cannot reach") == 0


async def test_changed_address_of_home_assistant_is_followed(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    ha_env.hass.config.internal_url = CLOSED
    await ha_env.set_up(base_url="")
    before = own_endpoint(ha_env)
    assert before.url == CLOSED + PATH
    await ha_env.hass.config.async_update(internal_url=ha_env.base_url)
    await later(ha_env, clock, 3)
    assert (own_endpoint(ha_env).id, own_endpoint(ha_env).url) == (
        before.id,
        ha_env.base_url + PATH,
    )


async def test_other_settings_of_home_assistant_cost_no_test(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    await ha_env.hass.config.async_update(latitude=12.5)
    await later(ha_env, clock, 3)
    assert len(tried(ha_env)) == 1


# --- none works ---


async def test_address_that_never_works_raises_a_repair_that_says_what_was_tried(
    ha_env: HaEnv,
    other_home: str,
    clock: TickingDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ha_env.hass.config.internal_url = other_home
    await ha_env.set_up(base_url=CLOSED)
    # Webhooks may start to work later, so Pulsarr has the best guess all the same.
    assert own_endpoint(ha_env).url == CLOSED + PATH
    assert issue(ha_env, "webhook_unreachable") is None  # it may be a passing trouble
    await later(ha_env, clock, RETRY)
    repair = issue(ha_env, "webhook_unreachable")
    assert repair is not None
    text = (repair.translation_placeholders or {})["tried"]
    assert text.splitlines() == [
        f"- `{CLOSED}`: no answer (ClientConnectorError)",
        f"- `{other_home}`: HTTP 200, but from something else than this Home Assistant",
    ]
    for _ in range(3):
        await later(ha_env, clock, HOUR)
    assert lines(caplog, "Pulsarr cannot reach Home Assistant") == 1
    assert own_endpoint(ha_env).url == CLOSED + PATH

    ha_env.hass.config.internal_url = ha_env.base_url
    await later(ha_env, clock, HOUR)
    assert issue(ha_env, "webhook_unreachable") is None
    assert own_endpoint(ha_env).url == ha_env.base_url + PATH
    assert lines(caplog, "Pulsarr reaches Home Assistant again") == 1


async def test_tests_of_an_address_that_does_not_work_become_rare(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(base_url=CLOSED)
    for minutes in (*[1] * 20, *[10] * 22):
        await later(ha_env, clock, minutes * 60)
    # 30, 60, 120 … seconds apart, then once an hour
    assert 8 <= len(tried(ha_env)) <= 13


async def test_repair_goes_away_with_the_first_real_delivery(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(base_url=CLOSED)
    await later(ha_env, clock, RETRY)
    assert issue(ha_env, "webhook_unreachable") is not None
    # A proxy may answer Pulsarr's test itself and let the events through.
    ha_env.pulsarr.state.change_endpoint(own_endpoint(ha_env).id, url=ha_env.base_url + PATH)
    await ha_env.pulsarr.want(ha_env.person("tim"), ha_env.spare(in_plex=True), force=True)
    assert issue(ha_env, "webhook_unreachable") is None


async def test_event_of_an_arr_app_does_not_prove_that_pulsarr_reaches_us(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(base_url=CLOSED)
    await later(ha_env, clock, RETRY)
    url = f"{ha_env.base_url}{PATH}?secret={WEBHOOK_SECRET}"
    assert await ha_env.pulsarr.post_arr(url, {"eventType": "Grab"}) == 200
    assert issue(ha_env, "webhook_unreachable") is not None


async def test_home_assistant_without_an_address_is_reported(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await ha_env.set_up(base_url="")
    await later(ha_env, clock, RETRY)
    assert issue(ha_env, "webhook_unreachable") is not None
    assert ha_env.pulsarr.endpoints == []
    assert lines(caplog, "does not know its own address") == 1


async def test_registration_that_worked_stays_while_nothing_works(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    ha_env.hass.config.external_url = ha_env.base_url
    await ha_env.set_up(base_url=CLOSED)
    right = own_endpoint(ha_env)
    ha_env.pulsarr.knobs.delivery_timeout_s = 0.0001
    await later(ha_env, clock, HOUR)
    assert ha_env.pulsarr.endpoints == [right]


async def test_words_of_pulsarr_are_reported_without_what_is_secret_in_them(
    ha_env: HaEnv, clock: TickingDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(
        [f"cannot parse http://h/{WEBHOOK_ID}", f"bad {WEBHOOK_SECRET}", "<b>`ECONNRESET`</b>"] * 2
    )

    async def call(*_: Any) -> tuple[None, str]:
        return None, next(answers)

    monkeypatch.setattr("simulators.pulsarr.delivery.Courier._call", call)
    ha_env.hass.config.internal_url = "http://one:8123"
    ha_env.hass.config.external_url = "http://two:8123"
    await ha_env.set_up(base_url=CLOSED)
    await later(ha_env, clock, RETRY)
    repair = issue(ha_env, "webhook_unreachable")
    assert repair is not None
    said = [
        line.partition("`: ")[2]
        for line in (repair.translation_placeholders or {})["tried"].splitlines()
    ]
    assert said == ["no answer", "no answer", "no answer (bECONNRESET/b)"]


# --- Pulsarr ---


async def test_pulsarr_that_will_not_test_gets_the_webhook_without_an_alarm(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    ha_env.pulsarr.knobs.probe_limit = 0
    await ha_env.set_up()
    await later(ha_env, clock, HOUR)
    assert own_endpoint(ha_env).url == ha_env.base_url + PATH
    assert issue(ha_env, "webhook_unreachable") is None


async def test_webhook_that_pulsarr_has_lost_is_registered_again(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    ha_env.pulsarr.state.endpoints.clear()
    await later(ha_env, clock, HOUR)
    assert own_endpoint(ha_env).url == ha_env.base_url + PATH


async def test_pulsarr_that_was_away_is_checked_when_it_is_back(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    ha_env.pulsarr.faults.add(Fault("busy", times=None))
    with pytest.raises(Exception, match="Pulsarr"):
        await ha_env.call("sync_all")
    assert ha_env.state("pulsarr_connected") == "off"
    ha_env.pulsarr.state.endpoints.clear()
    ha_env.pulsarr.faults.clear()
    await later(ha_env, clock, 16)
    assert ha_env.state("pulsarr_connected") == "on"
    await later(ha_env, clock, 3)
    assert own_endpoint(ha_env).url == ha_env.base_url + PATH


async def test_check_that_pulsarr_does_not_answer_is_repeated_and_reported_once(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    # A name without anybody behind it: the test itself cannot be asked for.
    ha_env.pulsarr.faults.add(Fault("drop", route="/v1/webhooks/endpoints/test", times=2))
    await ha_env.set_up()
    assert ha_env.pulsarr.endpoints == []
    await later(ha_env, clock, RETRY)
    assert ha_env.pulsarr.endpoints == []
    await later(ha_env, clock, 2 * RETRY)
    assert own_endpoint(ha_env).url == ha_env.base_url + PATH
    assert lines(caplog, "the webhook cannot be checked") == 1
    assert lines(caplog, "the webhook could be checked again") == 1
    assert issue(ha_env, "webhook_unreachable") is None


async def test_pulsarr_without_webhooks_is_reported_until_it_is_updated(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    ha_env.pulsarr.knobs.webhooks = False
    await ha_env.set_up()
    await later(ha_env, clock, HOUR)
    assert issue(ha_env, "pulsarr_without_webhooks") is not None
    assert issue(ha_env, "webhook_unreachable") is None
    assert lines(caplog, "cannot send webhooks") == 1
    ha_env.pulsarr.knobs.webhooks = True
    await later(ha_env, clock, HOUR)
    assert issue(ha_env, "pulsarr_without_webhooks") is None
    assert own_endpoint(ha_env).url == ha_env.base_url + PATH


async def test_live_mode_that_is_off_costs_no_test_and_reports_nothing(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(base_url=CLOSED)
    await later(ha_env, clock, RETRY)
    assert issue(ha_env, "webhook_unreachable") is not None
    options = {**ha_env.entry.options, "live_mode": False}
    ha_env.hass.config_entries.async_update_entry(ha_env.entry, options=options)
    await ha_env.settle()
    assert issue(ha_env, "webhook_unreachable") is None
    before = tried(ha_env)
    await later(ha_env, clock, HOUR)
    assert tried(ha_env) == before


async def test_notices_go_with_the_entry(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    ha_env.pulsarr.state.config["plexLabelSync"]["enabled"] = True
    await ha_env.set_up(base_url=CLOSED)
    await later(ha_env, clock, RETRY)
    registry = ir.async_get(ha_env.hass)
    assert len([one for one in registry.issues.values() if one.domain == DOMAIN]) == 2
    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    await ha_env.settle()
    assert [one for one in registry.issues.values() if one.domain == DOMAIN] == []


# --- what earlier entries left behind ---


def leave(ha_env: HaEnv, url: str, header: str | None = WEBHOOK_SECRET_HEADER) -> Endpoint:
    """Register an endpoint that looks as if it were an earlier entry's."""
    return ha_env.pulsarr.state.add_endpoint(
        name="Plex Label Sync (Home)",
        url=url,
        auth_header_name=header,
        auth_header_value="an old secret" if header else None,
        event_types=("media.available",),
    )


async def test_leftovers_under_our_own_address_are_cleaned_up_and_nothing_else_is(
    ha_env: HaEnv, other_home: str
) -> None:
    leave(ha_env, f"{ha_env.base_url}/api/webhook/{'0a' * 32}")
    strangers = [
        leave(ha_env, f"{other_home}/api/webhook/{'0b' * 32}"),  # another Home Assistant's
        leave(ha_env, f"{ha_env.base_url}/api/webhook/{'0c' * 32}", None),
        leave(ha_env, f"{ha_env.base_url}/api/webhook/{'0d' * 32}", "X-Other"),
        leave(ha_env, f"{ha_env.base_url}/api/webhook/short"),
        leave(ha_env, f"{ha_env.base_url}/other/{'0e' * 32}"),
    ]
    await ha_env.set_up()
    assert ha_env.pulsarr.endpoints[:-1] == strangers


async def test_leftovers_under_an_address_that_is_only_a_guess_are_left_alone(
    ha_env: HaEnv,
) -> None:
    # Machines in containers all believe that they are 172.17.0.2: it may be a neighbor's.
    neighbor = leave(ha_env, f"{CLOSED}/api/webhook/{'0a' * 32}")
    await ha_env.set_up(base_url=CLOSED)
    assert neighbor in ha_env.pulsarr.endpoints
    assert len(ha_env.pulsarr.endpoints) == 2


# --- nothing is announced ---


async def find_unannounced(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    """Let a full sync find something that Pulsarr did not tell about."""
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("tim"), title)
    await later(ha_env, clock, 2 * HOUR)
    assert all("tim" in labels for labels in ha_env.labels(title))


async def test_syncs_that_find_what_was_not_announced_for_a_day_raise_a_repair(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    for _ in range(3):
        await find_unannounced(ha_env, clock)
    assert issue(ha_env, "webhook_silent") is None  # not yet a day
    await later(ha_env, clock, DAY)
    await find_unannounced(ha_env, clock)
    assert issue(ha_env, "webhook_silent") is not None

    await ha_env.pulsarr.want(ha_env.person("tim"), ha_env.spare(in_plex=True), force=True)
    await ha_env.settle()
    assert issue(ha_env, "webhook_silent") is None


async def test_quiet_entry_raises_no_alarm(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    await ha_env.set_up()
    for _ in range(5):
        await later(ha_env, clock, DAY)
    assert issue(ha_env, "webhook_silent") is None


async def test_installation_in_which_deliveries_arrive_now_and_then_raises_no_alarm(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    for _ in range(4):
        for _ in range(2):
            await find_unannounced(ha_env, clock)
        await later(ha_env, clock, DAY)
        await ha_env.pulsarr.want(ha_env.person("nina"), ha_env.spare(in_plex=True), force=True)
        await ha_env.settle()
    assert issue(ha_env, "webhook_silent") is None


# --- Pulsarr's own labels ---


async def test_label_sync_of_pulsarrs_own_is_reported_until_it_is_switched_off(
    ha_env: HaEnv,
    clock: TickingDateTimeFactory,
    known_secrets: set[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = {"X-API-Key": PULSARR_KEY}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{ha_env.pulsarr.url}/v1/config", headers=headers) as answer,
    ):
        known_secrets.update((await answer.json())["config"]["plexTokens"])
    ha_env.pulsarr.state.config["plexLabelSync"]["enabled"] = True
    await ha_env.set_up()
    assert issue(ha_env, "pulsarr_labels") is not None
    ha_env.pulsarr.state.config["plexLabelSync"]["enabled"] = False
    await later(ha_env, clock, 601)
    assert issue(ha_env, "pulsarr_labels") is None
    assert lines(caplog, "own label sync is switched on") == 1
    assert lines(caplog, "own label sync is switched off") == 1


async def test_settings_of_pulsarr_are_read_once_a_day(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    for _ in range(20):
        await later(ha_env, clock, HOUR)
    asked = Counter(entry.route for entry in ha_env.pulsarr.stats.log)
    assert asked["/v1/config"] == 1
    ha_env.pulsarr.state.config["plexLabelSync"]["enabled"] = True
    await later(ha_env, clock, 5 * HOUR)
    assert issue(ha_env, "pulsarr_labels") is not None


@pytest.mark.parametrize("kind", ["unauthorized", "html", "truncated", "busy"])
async def test_pulsarr_that_does_not_show_its_settings_is_fine(
    ha_env: HaEnv, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ha_env.pulsarr.faults.add(Fault(kind, route="/v1/config", times=None))
    await ha_env.set_up()
    assert issue(ha_env, "pulsarr_labels") is None
    assert ha_env.state("status") == "idle"
    own_endpoint = [one for one in caplog.records if one.name.startswith("custom_components")]
    assert [one for one in own_endpoint if one.levelname in {"WARNING", "ERROR"}] == []
