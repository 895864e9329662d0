"""Fields that several forms share, and how what was entered there is cleaned."""

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
ENTER: Final = "plex_manual"  # instead of a server; also the step that follows

URL_SELECTOR: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
SECRET_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)

# Neither an address nor a brace may stand in a translated text: they are filled in.
PLACEHOLDERS: Final[Mapping[str, str]] = {
    "fields": ", ".join(f"{{{name}}}" for name in FIELDS),
    # As code: what looks like an address becomes a link, and an example leads nowhere.
    "plex_example": "`http://192.168.1.10:32400`",
    "pulsarr_example": "`http://192.168.1.10:3003`",
    "home_assistant_example": "`http://192.168.1.10:8123`",
    "free_removals": str(FREE_REMOVALS),
    "token_help": "https://support.plex.tv/articles/"
    "204059436-finding-an-authentication-token-x-plex-token/",
}


@dataclass(frozen=True, slots=True)
class Unusable:
    """Stands for a value that a field does not take; `shown` is what may stand there again."""

    error: str
    shown: float | None = None


def login_schema(peer: Peer, *, secret_required: bool) -> vol.Schema:
    """Return the form for a server's address and credential."""
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
    """Return the form that asks for a Plex server; `names` maps machine identifiers to names.

    With `can_enter`, its URL and token may be entered instead.
    """
    options = [SelectOptionDict(value=value, label=label) for value, label in names.items()]
    if can_enter:
        options.append(SelectOptionDict(value=ENTER, label=ENTER))  # translated, unlike the names
    selector = SelectSelector(
        SelectSelectorConfig(
            options=options, mode=SelectSelectorMode.LIST, translation_key=CONF_SERVER
        )
    )
    return vol.Schema({vol.Required(CONF_SERVER, default=next(iter(names))): selector})


def choice(
    names: Mapping[str, str], *, mode: SelectSelectorMode, custom_value: bool = False
) -> SelectSelector:
    """Return a selector of several values, each shown under its name."""
    return SelectSelector(
        SelectSelectorConfig(
            options=[SelectOptionDict(value=value, label=label) for value, label in names.items()],
            multiple=True,
            mode=mode,
            custom_value=custom_value,
        )
    )


def libraries_choice(names: Mapping[str, str]) -> SelectSelector:
    """Return the selector of libraries; `names` maps section keys to what people call them."""
    return choice(names, mode=SelectSelectorMode.LIST)


def cleaned(user_input: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return options as they were entered, each cleaned, and the errors of unusable ones."""
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
