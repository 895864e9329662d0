"""The URLs at which Pulsarr may reach the webhook, best first."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from homeassistant.components import webhook
from homeassistant.core import HomeAssistant
from homeassistant.helpers.network import NoURLAvailableError, get_url
from yarl import URL

HIDDEN: Final = "…"


@dataclass(frozen=True, slots=True)
class Address:
    """An address of the webhook: `url` is secret, `shown` is the part that may be displayed."""

    url: str = field(repr=False)
    shown: str


def addresses(hass: HomeAssistant, webhook_id: str, base_url: str | None) -> tuple[Address, ...]:
    """Return the addresses of the webhook, without duplicates, in the order to test them.

    First the configured address, then the internal one, then the external one. Empty if Home
    Assistant does not know its own address.
    """
    path = webhook.async_generate_path(webhook_id)
    bases = [(base_url or "").strip(), *_own_bases(hass)]
    distinct = dict.fromkeys(base.rstrip("/") for base in bases if base)
    return tuple(Address(base + path, shown(base)) for base in distinct)


def shown(base: str) -> str:
    """Return a URL without any username and password."""
    try:
        return str(URL(base).with_user(None))
    except ValueError:
        return HIDDEN


def _own_bases(hass: HomeAssistant) -> tuple[str, ...]:
    """Return Home Assistant's URLs at which Pulsarr may reach it.

    Without an internal URL in its settings, Home Assistant derives one from the host's network
    address. If it listens on loopback only, it does not respond there: it is reachable through the
    proxy at the external URL, or only from this host. A Home Assistant Cloud URL is not included:
    using the internet must be the user's choice.
    """
    external = _url(hass, allow_internal=False)
    loopback, api = _loopback_host(hass), hass.config.api
    if loopback is None or hass.config.internal_url:
        return _present(_url(hass, allow_external=False), external)
    if api is None:
        return _present(external)
    scheme = "https" if api.use_ssl else "http"
    return _present(external, str(URL.build(scheme=scheme, host=loopback, port=api.port)))


def _url(hass: HomeAssistant, *, allow_internal: bool = True, allow_external: bool = True) -> str:
    """Return the URL of one kind, empty if there is none."""
    try:
        return get_url(
            hass, allow_internal=allow_internal, allow_external=allow_external, allow_cloud=False
        )
    except NoURLAvailableError:
        return ""


def _present(*bases: str) -> tuple[str, ...]:
    return tuple(filter(None, bases))


def _loopback_host(hass: HomeAssistant) -> str | None:
    """Return the address that Home Assistant listens on if it is a loopback address, else None."""
    hosts = hass.http.server_host
    if not hosts or not all(_is_loopback(host) for host in hosts):
        return None
    return "127.0.0.1" if "localhost" in hosts else hosts[0]


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
