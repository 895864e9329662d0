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

from .household import PULSARR_KEY, WEBHOOK_ID, WEBHOOK_SECRET, later
from .texts import TEXTS, placeholders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from freezegun.api import TickingDateTimeFactory

    from simulators.pulsarr import Endpoint

    from .household import Household

CLOSED: Final = "http://127.0.0.1:1"  # nobody listens there
PATH: Final = f"/api/webhook/{WEBHOOK_ID}"
RETRY: Final = 31.0  # seconds until a failed check is repeated
HOUR: Final = 3601.0  # seconds
DAY: Final = 24 * HOUR


def issue(household: Household, kind: str) -> ir.IssueEntry | None:
    """Return an issue of the entry's, with the promise that all its text can be shown."""
    found = ir.async_get(household.hass).async_get_issue(
        DOMAIN, f"{kind}_{household.entry.entry_id}"
    )
    if found is not None:
        text = TEXTS["issues"][found.translation_key]
        filled_in = found.translation_placeholders or {}
        assert placeholders(text["title"]) | placeholders(text["description"]) <= set(filled_in)
        for secret in (WEBHOOK_ID, WEBHOOK_SECRET):
            assert secret not in str(filled_in)
    return found


def tried(household: Household) -> list[str]:
    """Return the bases of the addresses that Pulsarr tested, in order."""
    tests = [one for one in household.pulsarr.deliveries if one.event == "test"]
    return [one.url.removesuffix(PATH) for one in tests]


def ours(household: Household) -> Endpoint:
    """Return the only endpoint that Pulsarr has."""
    (endpoint,) = household.pulsarr.endpoints
    return endpoint


def lines(caplog: pytest.LogCaptureFixture, text: str) -> int:
    """Return how often something was said above debug level."""
    return sum(text in one.getMessage() for one in caplog.records if one.levelname != "DEBUG")


@pytest.fixture(autouse=True)
def _plain_world(household: Household) -> None:
    """Let Home Assistant know only the addresses that a test gives it.

    Pulsarr counts tests by a clock that goes on when ours is put forward.
    """
    household.hass.config.api = None
    household.pulsarr.knobs.probe_limit = 1000


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
    household: Household,
) -> None:
    household.hass.config.internal_url = CLOSED
    await household.set_up()
    assert tried(household) == [household.base_url]
    assert ours(household).url == household.base_url + PATH


async def test_first_address_that_works_is_registered(
    household: Household, other_home: str, caplog: pytest.LogCaptureFixture
) -> None:
    household.hass.config.internal_url = other_home
    household.hass.config.external_url = household.base_url
    await household.set_up(base_url=CLOSED)
    assert tried(household) == [CLOSED, other_home, household.base_url]
    assert ours(household).url == household.base_url + PATH
    assert issue(household, "webhook_unreachable") is None
    assert lines(caplog, "cannot reach") == 0


async def test_changed_address_of_home_assistant_is_followed(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    household.hass.config.internal_url = CLOSED
    await household.set_up(base_url="")
    before = ours(household)
    assert before.url == CLOSED + PATH
    await household.hass.config.async_update(internal_url=household.base_url)
    await later(household, clock, 3)
    assert (ours(household).id, ours(household).url) == (before.id, household.base_url + PATH)


async def test_other_settings_of_home_assistant_cost_no_test(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    await household.hass.config.async_update(latitude=12.5)
    await later(household, clock, 3)
    assert len(tried(household)) == 1


# --- none works ---


async def test_address_that_never_works_raises_a_repair_that_says_what_was_tried(
    household: Household,
    other_home: str,
    clock: TickingDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    household.hass.config.internal_url = other_home
    await household.set_up(base_url=CLOSED)
    # Webhooks may start to work later, so Pulsarr has the best guess all the same.
    assert ours(household).url == CLOSED + PATH
    assert issue(household, "webhook_unreachable") is None  # it may be a passing trouble
    await later(household, clock, RETRY)
    told = issue(household, "webhook_unreachable")
    assert told is not None
    text = (told.translation_placeholders or {})["tried"]
    assert text.splitlines() == [
        f"- `{CLOSED}`: no answer (ClientConnectorError)",
        f"- `{other_home}`: HTTP 200, but from something else than this Home Assistant",
    ]
    for _ in range(3):
        await later(household, clock, HOUR)
    assert lines(caplog, "Pulsarr cannot reach Home Assistant") == 1
    assert ours(household).url == CLOSED + PATH

    household.hass.config.internal_url = household.base_url
    await later(household, clock, HOUR)
    assert issue(household, "webhook_unreachable") is None
    assert ours(household).url == household.base_url + PATH
    assert lines(caplog, "Pulsarr reaches Home Assistant again") == 1


async def test_tests_of_an_address_that_does_not_work_become_rare(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(base_url=CLOSED)
    for _ in range(240):
        await later(household, clock, 60)
    # 30, 60, 120 … seconds apart, then once an hour
    assert 8 <= len(tried(household)) <= 13


async def test_repair_goes_away_with_the_first_real_delivery(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(base_url=CLOSED)
    await later(household, clock, RETRY)
    assert issue(household, "webhook_unreachable") is not None
    # A proxy may answer Pulsarr's test itself and let the events through.
    household.pulsarr.state.change_endpoint(ours(household).id, url=household.base_url + PATH)
    await household.pulsarr.wish(household.person("tim"), household.spare(in_plex=True), force=True)
    assert issue(household, "webhook_unreachable") is None


async def test_event_of_an_arr_app_does_not_prove_that_pulsarr_reaches_us(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(base_url=CLOSED)
    await later(household, clock, RETRY)
    url = f"{household.base_url}{PATH}?secret={WEBHOOK_SECRET}"
    assert await household.pulsarr.post_arr(url, {"eventType": "Grab"}) == 200
    assert issue(household, "webhook_unreachable") is not None


async def test_home_assistant_without_an_address_is_told(
    household: Household, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await household.set_up(base_url="")
    await later(household, clock, RETRY)
    assert issue(household, "webhook_unreachable") is not None
    assert household.pulsarr.endpoints == []
    assert lines(caplog, "does not know its own address") == 1


async def test_registration_that_worked_stays_while_nothing_works(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    household.hass.config.external_url = household.base_url
    await household.set_up(base_url=CLOSED)
    right = ours(household)
    household.pulsarr.knobs.delivery_timeout_s = 0.0001
    await later(household, clock, HOUR)
    assert household.pulsarr.endpoints == [right]


async def test_words_of_pulsarr_are_told_without_what_is_secret_in_them(
    household: Household, clock: TickingDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(
        [f"cannot parse http://h/{WEBHOOK_ID}", f"bad {WEBHOOK_SECRET}", "<b>`ECONNRESET`</b>"] * 2
    )

    async def call(*_: Any) -> tuple[None, str]:
        return None, next(answers)

    monkeypatch.setattr("simulators.pulsarr.delivery.Courier._call", call)
    household.hass.config.internal_url = "http://one:8123"
    household.hass.config.external_url = "http://two:8123"
    await household.set_up(base_url=CLOSED)
    await later(household, clock, RETRY)
    told = issue(household, "webhook_unreachable")
    assert told is not None
    said = [
        line.partition("`: ")[2]
        for line in (told.translation_placeholders or {})["tried"].splitlines()
    ]
    assert said == ["no answer", "no answer", "no answer (bECONNRESET/b)"]


# --- Pulsarr ---


async def test_pulsarr_that_will_not_test_gets_the_webhook_without_an_alarm(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    household.pulsarr.knobs.probe_limit = 0
    await household.set_up()
    await later(household, clock, HOUR)
    assert ours(household).url == household.base_url + PATH
    assert issue(household, "webhook_unreachable") is None


async def test_webhook_that_pulsarr_has_lost_is_registered_again(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    household.pulsarr.state.endpoints.clear()
    await later(household, clock, HOUR)
    assert ours(household).url == household.base_url + PATH


async def test_pulsarr_that_was_away_is_looked_at_when_it_is_back(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    household.pulsarr.faults.add(Fault("busy", times=None))
    with pytest.raises(Exception, match="Pulsarr"):
        await household.call("sync_all")
    assert household.state("pulsarr_connected") == "off"
    household.pulsarr.state.endpoints.clear()
    household.pulsarr.faults.clear()
    await later(household, clock, 16)
    assert household.state("pulsarr_connected") == "on"
    await later(household, clock, 3)
    assert ours(household).url == household.base_url + PATH


async def test_check_that_pulsarr_does_not_answer_is_repeated_and_said_once(
    household: Household, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    # A name without anybody behind it: the test itself cannot be asked for.
    household.pulsarr.faults.add(Fault("drop", route="/v1/webhooks/endpoints/test", times=2))
    await household.set_up()
    assert household.pulsarr.endpoints == []
    await later(household, clock, RETRY)
    assert household.pulsarr.endpoints == []
    await later(household, clock, 2 * RETRY)
    assert ours(household).url == household.base_url + PATH
    assert lines(caplog, "the webhook cannot be checked") == 1
    assert lines(caplog, "the webhook could be checked again") == 1
    assert issue(household, "webhook_unreachable") is None


async def test_pulsarr_without_webhooks_is_told_until_it_is_updated(
    household: Household, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    household.pulsarr.knobs.webhooks = False
    await household.set_up()
    await later(household, clock, HOUR)
    assert issue(household, "pulsarr_without_webhooks") is not None
    assert issue(household, "webhook_unreachable") is None
    assert lines(caplog, "too old to send webhooks") == 1
    household.pulsarr.knobs.webhooks = True
    await later(household, clock, HOUR)
    assert issue(household, "pulsarr_without_webhooks") is None
    assert ours(household).url == household.base_url + PATH


async def test_live_mode_that_is_off_costs_no_test_and_tells_nothing(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(base_url=CLOSED)
    await later(household, clock, RETRY)
    assert issue(household, "webhook_unreachable") is not None
    options = {**household.entry.options, "live_mode": False}
    household.hass.config_entries.async_update_entry(household.entry, options=options)
    await household.settle()
    assert issue(household, "webhook_unreachable") is None
    before = tried(household)
    await later(household, clock, HOUR)
    assert tried(household) == before


async def test_notices_go_with_the_entry(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    household.pulsarr.state.config["plexLabelSync"]["enabled"] = True
    await household.set_up(base_url=CLOSED)
    await later(household, clock, RETRY)
    registry = ir.async_get(household.hass)
    assert len([one for one in registry.issues.values() if one.domain == DOMAIN]) == 2
    await household.hass.config_entries.async_remove(household.entry.entry_id)
    await household.settle()
    assert [one for one in registry.issues.values() if one.domain == DOMAIN] == []


# --- what earlier entries left behind ---


def leave(household: Household, url: str, header: str | None = WEBHOOK_SECRET_HEADER) -> Endpoint:
    """Register an endpoint that looks as if it were an earlier entry's."""
    return household.pulsarr.state.add_endpoint(
        name="Plex Label Sync (Home)",
        url=url,
        auth_header_name=header,
        auth_header_value="an old secret" if header else None,
        event_types=("media.available",),
    )


async def test_leftovers_under_our_own_address_are_cleaned_up_and_nothing_else_is(
    household: Household, other_home: str
) -> None:
    leave(household, f"{household.base_url}/api/webhook/{'0a' * 32}")
    strangers = [
        leave(household, f"{other_home}/api/webhook/{'0b' * 32}"),  # another Home Assistant's
        leave(household, f"{household.base_url}/api/webhook/{'0c' * 32}", None),
        leave(household, f"{household.base_url}/api/webhook/{'0d' * 32}", "X-Other"),
        leave(household, f"{household.base_url}/api/webhook/short"),
        leave(household, f"{household.base_url}/other/{'0e' * 32}"),
    ]
    await household.set_up()
    assert household.pulsarr.endpoints[:-1] == strangers


async def test_leftovers_under_an_address_that_is_only_a_guess_are_left_alone(
    household: Household,
) -> None:
    # Machines in containers all believe that they are 172.17.0.2: it may be a neighbour's.
    neighbour = leave(household, f"{CLOSED}/api/webhook/{'0a' * 32}")
    await household.set_up(base_url=CLOSED)
    assert neighbour in household.pulsarr.endpoints
    assert len(household.pulsarr.endpoints) == 2


# --- nothing is announced ---


async def find_unannounced(household: Household, clock: TickingDateTimeFactory) -> None:
    """Let a full sync find something that Pulsarr did not tell about."""
    title = household.spare(in_plex=True)
    household.pulsarr.state.wish(household.person("tim"), title)
    await later(household, clock, 2 * HOUR)
    assert all("tim" in labels for labels in household.labels(title))


async def test_syncs_that_find_what_was_not_announced_for_a_day_raise_a_repair(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    for _ in range(3):
        await find_unannounced(household, clock)
    assert issue(household, "webhook_silent") is None  # not yet a day
    await later(household, clock, DAY)
    await find_unannounced(household, clock)
    assert issue(household, "webhook_silent") is not None

    await household.pulsarr.wish(household.person("tim"), household.spare(in_plex=True), force=True)
    await household.settle()
    assert issue(household, "webhook_silent") is None


async def test_quiet_house_raises_no_alarm(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    for _ in range(5):
        await later(household, clock, DAY)
    assert issue(household, "webhook_silent") is None


async def test_house_in_which_deliveries_arrive_now_and_then_raises_no_alarm(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    for _ in range(4):
        for _ in range(2):
            await find_unannounced(household, clock)
        await later(household, clock, DAY)
        await household.pulsarr.wish(
            household.person("nina"), household.spare(in_plex=True), force=True
        )
        await household.settle()
    assert issue(household, "webhook_silent") is None


# --- Pulsarr's own labels ---


async def test_label_sync_of_pulsarrs_own_is_told_until_it_is_switched_off(
    household: Household,
    clock: TickingDateTimeFactory,
    known_secrets: set[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = {"X-API-Key": PULSARR_KEY}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{household.pulsarr.url}/v1/config", headers=headers) as answer,
    ):
        known_secrets.update((await answer.json())["config"]["plexTokens"])
    household.pulsarr.state.config["plexLabelSync"]["enabled"] = True
    await household.set_up()
    assert issue(household, "pulsarr_labels") is not None
    household.pulsarr.state.config["plexLabelSync"]["enabled"] = False
    await later(household, clock, 601)
    assert issue(household, "pulsarr_labels") is None
    assert lines(caplog, "own label sync is switched on") == 1
    assert lines(caplog, "own label sync is switched off") == 1


async def test_settings_of_pulsarr_are_read_once_a_day(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    for _ in range(20):
        await later(household, clock, HOUR)
    asked = Counter(entry.route for entry in household.pulsarr.stats.log)
    assert asked["/v1/config"] == 1
    household.pulsarr.state.config["plexLabelSync"]["enabled"] = True
    await later(household, clock, 5 * HOUR)
    assert issue(household, "pulsarr_labels") is not None


@pytest.mark.parametrize("kind", ["unauthorized", "html", "truncated", "busy"])
async def test_pulsarr_that_does_not_show_its_settings_is_fine(
    household: Household, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    household.pulsarr.faults.add(Fault(kind, route="/v1/config", times=None))
    await household.set_up()
    assert issue(household, "pulsarr_labels") is None
    assert household.state("status") == "idle"
    ours = [one for one in caplog.records if one.name.startswith("custom_components")]
    assert [one for one in ours if one.levelname in {"WARNING", "ERROR"}] == []
