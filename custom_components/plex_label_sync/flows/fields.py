"""Form fields shared by several steps, and cleaning of their input."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from ..options import OPTIONS, UnusableValueError
from ..sync.naming import FIELDS
from ..sync.safety_check import FREE_REMOVALS
from .connections import Peer

CONF_SERVER: Final = "server"
ENTER: Final = "plex_manual"  # option besides the servers, and the id of the step it leads to

URL_SELECTOR: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
SECRET_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)

# Translated texts may contain neither URLs nor braces: both are placeholders.
PLACEHOLDERS: Final[Mapping[str, str]] = {
    "fields": ", ".join(f"{{{name}}}" for name in FIELDS),
    # As code: a plain URL would become a link, which is useless for an example.
    "plex_example": "`http://192.168.1.10:32400`",
    "pulsarr_example": "`http://192.168.1.10:3003`",
    "home_assistant_example": "`http://192.168.1.10:8123`",
    "free_removals": str(FREE_REMOVALS),
    "token_help": "https://support.plex.tv/articles/"
    "204059436-finding-an-authentication-token-x-plex-token/",
}


@dataclass(frozen=True, slots=True)
class Unusable:
    """Marks a value that a field does not accept; `shown` is what the form may show again."""

    error: str
    shown: float | None = None


def login_schema(peer: Peer, *, secret_required: bool) -> vol.Schema:
    """Return the schema for a server's address and credential."""
    return vol.Schema(
        {
            vol.Required(CONF_URL): URL_SELECTOR,
            **secret_field(peer, required=secret_required),
            vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector(),
        }
    )


def secret_field(peer: Peer, *, required: bool) -> dict[vol.Marker, TextSelector]:
    """Return the field for a server's credential."""
    if required:
        return {vol.Required(peer.secret_field): SECRET_SELECTOR}
    return {vol.Optional(peer.secret_field, default=""): SECRET_SELECTOR}


def server_schema(names: Mapping[str, str], *, can_enter: bool) -> vol.Schema:
    """Return the schema to select a Plex server; `names` maps machine identifiers to names.

    With `can_enter`, URL and token may be entered instead.
    """
    options = [SelectOptionDict(value=value, label=label) for value, label in names.items()]
    if can_enter:
        options.append(SelectOptionDict(value=ENTER, label=ENTER))  # label is a translation key
    selector = SelectSelector(
        SelectSelectorConfig(
            options=options, mode=SelectSelectorMode.LIST, translation_key=CONF_SERVER
        )
    )
    return vol.Schema({vol.Required(CONF_SERVER, default=next(iter(names))): selector})


def choice(
    names: Mapping[str, str], *, mode: SelectSelectorMode, custom_value: bool = False
) -> SelectSelector:
    """Return a multi-select of values shown by their names."""
    return SelectSelector(
        SelectSelectorConfig(
            options=[SelectOptionDict(value=value, label=label) for value, label in names.items()],
            multiple=True,
            mode=mode,
            custom_value=custom_value,
        )
    )


def libraries_choice(names: Mapping[str, str]) -> SelectSelector:
    """Return the multi-select of libraries; `names` maps section keys to names."""
    return choice(names, mode=SelectSelectorMode.LIST)


def cleaned(user_input: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the entered options, cleaned, and the errors of unusable ones by key."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for key, value in user_input.items():
        if isinstance(value, Unusable):
            errors[key] = value.error
            continue
        try:
            values[key] = OPTIONS[key].clean(value)
        except UnusableValueError as err:
            errors[key] = err.error
    return values, errors
