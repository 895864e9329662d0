"""Registers our webhook in Pulsarr, keeps it right, and takes it out again."""

from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from homeassistant.components import webhook
from homeassistant.core import HomeAssistant
from homeassistant.helpers.network import get_url
from yarl import URL

from .const import WEBHOOK_SECRET_HEADER
from .pulsarr.client import PulsarrClient
from .pulsarr.endpoints import Endpoint, EndpointSettings
from .sync.model import Failure, ServiceError

WANTED_EVENTS: Final = frozenset(
    {"media.available", "watchlist.added", "watchlist.removed", "user.created"}
)


class RegistrationStatus(StrEnum):
    """Whether Pulsarr sends us its events."""

    REGISTERED = "registered"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """What a reconciliation came to; `changed` when Pulsarr had to be told something."""

    status: RegistrationStatus
    endpoint_id: int | None = None
    changed: bool = False


async def async_reconcile(
    client: PulsarrClient, *, name: str, url: str, secret: str, webhook_id: str
) -> RegistrationResult:
    """Make Pulsarr send the events that we want to `url`, once each.

    Ours is every endpoint whose address ends in the webhook id: one is kept and corrected where it
    differs, others of ours are deleted, and nobody else's is touched. The name is only used for a
    new one, so that a person can rename it. Doing it again changes nothing.

    Raises ServiceError; what was done by then stays, and the next call continues.
    """
    known = await client.event_types()
    events = WANTED_EVENTS.intersection(known or ())
    if not events:
        return RegistrationResult(RegistrationStatus.TOO_OLD)
    wanted = EndpointSettings(name, url, WEBHOOK_SECRET_HEADER, secret, events)
    ours = [one for one in await client.endpoints() if _is_ours(one, webhook_id)]
    right = [one for one in ours if one.settings == replace(wanted, name=one.settings.name)]
    if right:
        kept, changed = right[0], False
    else:
        kept, changed = await _write(client, wanted, ours[:1]), True
    for surplus in ours:
        if surplus.id != kept.id:
            await client.delete_endpoint(surplus.id)
            changed = True
    return RegistrationResult(RegistrationStatus.REGISTERED, kept.id, changed)


async def _write(
    client: PulsarrClient, wanted: EndpointSettings, present: list[Endpoint]
) -> Endpoint:
    """Correct the endpoint that is there; create one if there is none, or none any more."""
    for endpoint in present:
        try:
            return await client.update_endpoint(
                endpoint.id, replace(wanted, name=endpoint.settings.name or wanted.name)
            )
        except ServiceError as err:
            if err.failure is not Failure.NOT_FOUND:
                raise
    return await client.create_endpoint(wanted)


async def async_remove(client: PulsarrClient, webhook_id: str) -> None:
    """Delete every endpoint of ours; a Pulsarr that is too old for webhooks has none.

    Raises ServiceError when Pulsarr cannot be asked.
    """
    try:
        present = await client.endpoints()
    except ServiceError as err:
        if err.failure is not Failure.NOT_FOUND:
            raise
        return
    for endpoint in present:
        if _is_ours(endpoint, webhook_id):
            await client.delete_endpoint(endpoint.id)


def webhook_url(hass: HomeAssistant, webhook_id: str, base_url: str | None) -> str:
    """Return the address under which Pulsarr reaches our webhook.

    In this order: the address that the person has given, the internal one, the external one.

    Raises homeassistant.helpers.network.NoURLAvailableError when there is none.
    """
    base = (base_url or "").strip() or _own_url(hass)
    return base.rstrip("/") + webhook.async_generate_path(webhook_id)


def _own_url(hass: HomeAssistant) -> str:
    """Return Home Assistant's address as Pulsarr should see it.

    Without an internal address in its settings, Home Assistant makes one up from the machine's
    network address. When it listens on loopback only, nobody answers there: then it is reached
    through the proxy that the external address names, or from this machine only.
    """
    loopback = _loopback_host(hass)
    if loopback is None or hass.config.internal_url:
        return get_url(hass, prefer_external=False)
    api = hass.config.api
    if api is None or hass.config.external_url:
        return get_url(hass, prefer_external=True)
    return str(URL.build(scheme="https" if api.use_ssl else "http", host=loopback, port=api.port))


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


def _is_ours(endpoint: Endpoint, webhook_id: str) -> bool:
    """Whether an endpoint's address ends in our webhook id."""
    try:
        path = urlsplit(endpoint.settings.url).path
    except ValueError:
        return False
    return path.rstrip("/").endswith(f"/{webhook_id}")
