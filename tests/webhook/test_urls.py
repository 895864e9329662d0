"""The addresses under which Pulsarr may reach Home Assistant."""

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from custom_components.plex_label_sync.webhook.urls import addresses, shown

WEBHOOK_ID = "a3" * 32


@pytest.fixture
async def web(hass: HomeAssistant) -> HomeAssistant:
    """A Home Assistant with a web server on 192.168.1.5 and no addresses in its settings."""
    assert await async_setup_component(hass, "webhook", {})
    assert hass.config.api is not None
    hass.config.api.local_ip = "192.168.1.5"
    hass.config.api.port = 8123
    hass.config.api.use_ssl = False
    hass.http.server_host = ["0.0.0.0", "::"]  # noqa: S104 - Home Assistant's default
    return hass


def bases(hass: HomeAssistant, base_url: str | None = None) -> list[str]:
    """Return the addresses in order, without the path that every webhook has."""
    ways = addresses(hass, WEBHOOK_ID, base_url)
    assert all(way.url == f"{way.shown.rstrip('/')}/api/webhook/{WEBHOOK_ID}" for way in ways)
    return [way.shown for way in ways]


async def test_address_in_the_options_comes_first(web: HomeAssistant) -> None:
    web.config.internal_url = "http://internal:8123"
    assert bases(web, " http://10.0.0.9:81/ha/ ") == [
        "http://10.0.0.9:81/ha",
        "http://internal:8123",
    ]


async def test_internal_address_comes_before_the_external_one(web: HomeAssistant) -> None:
    web.config.external_url = "https://external.example"
    assert bases(web) == ["http://192.168.1.5:8123", "https://external.example"]
    web.config.internal_url = "http://internal:8123"
    assert bases(web, "") == ["http://internal:8123", "https://external.example"]


async def test_address_that_is_known_twice_is_tried_once(web: HomeAssistant) -> None:
    web.config.internal_url = web.config.external_url = "http://one:8123"
    assert bases(web, "http://one:8123/") == ["http://one:8123"]


async def test_external_address_is_taken_where_there_is_no_other(web: HomeAssistant) -> None:
    assert web.config.api is not None
    web.config.api.use_ssl = True  # then no address can be made up that its certificate fits
    web.config.external_url = "https://external.example"
    assert bases(web) == ["https://external.example"]


async def test_home_assistant_may_know_no_address(web: HomeAssistant) -> None:
    assert web.config.api is not None
    web.config.api.use_ssl = True
    assert bases(web) == []
    web.config.api = None
    for hosts in (["0.0.0.0"], ["127.0.0.1"]):  # noqa: S104 - as above
        web.http.server_host = hosts
        assert bases(web, " ") == []


@pytest.mark.parametrize(
    ("hosts", "ssl", "expected"),
    [
        (["127.0.0.1"], False, "http://127.0.0.1:8123"),
        (["localhost"], False, "http://127.0.0.1:8123"),
        (["127.0.0.1", "::1"], False, "http://127.0.0.1:8123"),
        (["::1"], False, "http://[::1]:8123"),
        (["127.0.0.1"], True, "https://127.0.0.1:8123"),
        (["127.0.0.1", "192.168.1.5"], False, "http://192.168.1.5:8123"),
        (["ha.example"], False, "http://192.168.1.5:8123"),
        (None, False, "http://192.168.1.5:8123"),
    ],
)
async def test_loopback_address_is_given_out_where_no_other_is_listened_on(
    web: HomeAssistant, hosts: list[str] | None, ssl: bool, expected: str
) -> None:
    assert web.config.api is not None
    web.http.server_host = hosts
    web.config.api.use_ssl = ssl
    assert bases(web) == [expected]


@pytest.mark.parametrize("setting", ["internal_url", "external_url"])
async def test_proxy_in_front_of_a_loopback_listener_is_used_first(
    web: HomeAssistant, setting: str
) -> None:
    web.http.server_host = ["127.0.0.1"]
    setattr(web.config, setting, "https://proxy.example")
    assert bases(web)[0] == "https://proxy.example"


async def test_password_in_an_address_is_not_shown(web: HomeAssistant) -> None:
    (way, *_) = addresses(web, WEBHOOK_ID, "https://me:hidden@proxy.example/ha")
    assert way.url.startswith("https://me:hidden@proxy.example/ha/api/webhook/")
    assert way.shown == "https://proxy.example/ha"
    assert "hidden" not in repr(way)
    assert shown("http://[broken") == "…"
