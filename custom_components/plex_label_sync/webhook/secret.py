"""The webhook's secret, and former ones, valid until Pulsarr has the new one. Pure."""

from collections.abc import Mapping
import secrets
from typing import Any, Final

from ..const import CONF_FORMER_SECRETS, CONF_WEBHOOK_SECRET

SECRET_BYTES: Final = 32
GRACE: Final = (
    3600.0  # seconds for requests under way to arrive, and for Sonarr and Radarr to be changed
)
FORMER_MAX: Final = 3

type Data = Mapping[str, Any]


def new_secret() -> str:
    """Return a new random secret."""
    return secrets.token_urlsafe(SECRET_BYTES)


def accepted_secrets(data: Data) -> tuple[str, ...]:
    """Return the secrets that an entry accepts, the current one first."""
    former = [str(one["secret"]) for one in data.get(CONF_FORMER_SECRETS, ())]
    return str(data[CONF_WEBHOOK_SECRET]), *former


def renewed(data: Data, secret: str, now: float) -> dict[str, Any]:
    """Return an entry's data with a new secret; `now` is in seconds since the epoch."""
    former = [
        {"secret": data[CONF_WEBHOOK_SECRET], "since": now},
        *data.get(CONF_FORMER_SECRETS, ()),
    ]
    return {**data, CONF_WEBHOOK_SECRET: secret, CONF_FORMER_SECRETS: former[:FORMER_MAX]}


def without_former(data: Data, now: float) -> dict[str, Any] | None:
    """Return an entry's data without expired secrets, None if there are none.

    To be called when Pulsarr has the current secret, and already had it before.
    """
    former = data.get(CONF_FORMER_SECRETS, ())
    kept = [one for one in former if now - one["since"] < GRACE]
    if len(kept) == len(former):
        return None
    rest = {name: value for name, value in data.items() if name != CONF_FORMER_SECRETS}
    return {**rest, CONF_FORMER_SECRETS: kept} if kept else rest
