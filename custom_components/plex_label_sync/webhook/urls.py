"""The addresses under which Pulsarr may reach our webhook, best first."""

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
    """One way to our webhook: `url` is a secret, `shown` is what a person may see of it."""

    url: str = field(repr=False)
    shown: str


def addresses(hass: HomeAssistant, webhook_id: str, base_url: str | None) -> tuple[Address, ...]:
    """Return the ways to our webhook, each once, in the order in which they are to be tried.

    First the address that the person has given, then the internal one, then the external one.
    Empty when Home Assistant knows no address of its own.
    """
    path = webhook.async_generate_path(webhook_id)
    bases = [(base_url or "").strip(), *_own_bases(hass)]
    distinct = dict.fromkeys(base.rstrip("/") for base in bases if base)
    return tuple(Address(base + path, shown(base)) for base in distinct)


def shown(base: str) -> str:
    """Return an address without a name and a password that may stand in it."""
    try:
        return str(URL(base).with_user(None))
    except ValueError:
        return HIDDEN


def _own_bases(hass: HomeAssistant) -> tuple[str, ...]:
    """Return Home Assistant's addresses as Pulsarr may see them.

    Without an internal address in its settings, Home Assistant makes one up from the machine's
    network address. When it listens on loopback only, nobody answers there: then it is reached
    through the proxy that the external address names, or from this machine only. An address of
    Home Assistant Cloud is none of these: the way over the internet must have been asked for.
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
    """Return the address of one kind, empty when there is none."""
    try:
        return get_url(
            hass, allow_internal=allow_internal, allow_external=allow_external, allow_cloud=False
        )
    except NoURLAvailableError:
        return ""


def _present(*bases: str) -> tuple[str, ...]:
    return tuple(filter(None, bases))


def _loopback_host(hass: HomeAssistant) -> str | None:
    """Return the address that Home Assistant listens on if only this machine can reach it."""
    hosts = hass.http.server_host
    if not hosts or not all(_is_loopback(host) for host in hosts):
        return None
    return "127.0.0.1" if "localhost" in hosts else hosts[0]


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
