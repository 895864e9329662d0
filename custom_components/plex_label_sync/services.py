"""Register the actions with their fields and permissions."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, cast

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .actions import (
    Field,
    async_check_sharing,
    async_clear_overrides,
    async_drop_pending,
    async_explain,
    async_get_dashboard,
    async_get_pending,
    async_get_runs,
    async_get_titles,
    async_preview_sharing,
    async_probe,
    async_process_pending,
    async_remove_labels,
    async_sync_all,
    async_undo,
    is_admin,
)
from .const import DOMAIN
from .sync.model import MediaType
from .sync.title_status import TitleStatus

if TYPE_CHECKING:
    from homeassistant.helpers.typing import VolSchemaType


# Keys are plain strings: voluptuous, which Home Assistant used until 2026.8, accepts no others.
_NAMES: Final = vol.All(cv.ensure_list, [cv.string])
_ENTRY: Final = {vol.Optional(Field.CONFIG_ENTRY_ID.value): cv.string}
_DRY_RUN: Final = {vol.Optional(Field.DRY_RUN.value, default=False): cv.boolean}
_PEOPLE: Final = {vol.Optional(Field.PEOPLE.value): _NAMES}

type _Answer = Callable[[ServiceCall], Coroutine[None, None, ServiceResponse]]


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register all actions."""
    for name, answer, fields, response in _ACTIONS:
        hass.services.async_register(
            DOMAIN,
            name,
            _for_admins(answer) if name in _FOR_ADMINS else answer,
            # Newer releases replace voluptuous with their own library, unknown to type checkers.
            schema=cast("VolSchemaType", vol.Schema({**_ENTRY, **fields})),
            supports_response=response,
        )


_SCHEMA_SYNC: Final = {
    **_DRY_RUN,
    **_PEOPLE,
    vol.Optional(Field.LIBRARIES.value): _NAMES,
    vol.Optional(Field.ALLOW_MASS_REMOVAL.value, default=False): cv.boolean,
}
# Actions that rewrite labels, revoke decisions or announcements, or report who can see what.
# `process_pending` is open to everyone who can see the titles: it is due within seconds anyway.
_FOR_ADMINS: Final = frozenset(
    {
        "sync_all",
        "undo",
        "remove_labels",
        "clear_overrides",
        "drop_pending",
        "check_sharing",
        "preview_sharing",
        "probe",
    }
)
_LANGUAGE: Final = vol.Match(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
_LIMIT: Final = vol.All(vol.Coerce(int), vol.Range(min=1))

_ACTIONS: Final[tuple[tuple[str, _Answer, dict[Any, Any], SupportsResponse], ...]] = (
    ("sync_all", async_sync_all, _SCHEMA_SYNC, SupportsResponse.OPTIONAL),
    ("process_pending", async_process_pending, {}, SupportsResponse.OPTIONAL),
    ("get_pending", async_get_pending, {}, SupportsResponse.ONLY),
    (
        "get_titles",
        async_get_titles,
        {
            vol.Optional(Field.PERSON.value): cv.string,
            vol.Optional(Field.STATUS.value): vol.All(
                cv.ensure_list, [vol.In([one.value for one in TitleStatus])]
            ),
            vol.Optional(Field.TYPE.value): vol.In([one.value for one in MediaType]),
            vol.Optional(Field.LIMIT.value, default=200): _LIMIT,
        },
        SupportsResponse.ONLY,
    ),
    (
        "get_dashboard",
        async_get_dashboard,
        {vol.Optional(Field.LANGUAGE.value): _LANGUAGE},
        SupportsResponse.ONLY,
    ),
    (
        "drop_pending",
        async_drop_pending,
        {vol.Optional(Field.GUID.value): cv.string},
        SupportsResponse.OPTIONAL,
    ),
    (
        "undo",
        async_undo,
        {**_DRY_RUN, vol.Optional(Field.RUN_ID.value): cv.string},
        SupportsResponse.OPTIONAL,
    ),
    (
        "get_runs",
        async_get_runs,
        {
            vol.Optional(Field.LIMIT.value, default=20): _LIMIT,
            vol.Optional(Field.RUN_ID.value): cv.string,
            vol.Optional(Field.CHANGES.value, default=False): cv.boolean,
        },
        SupportsResponse.ONLY,
    ),
    ("remove_labels", async_remove_labels, {**_DRY_RUN, **_PEOPLE}, SupportsResponse.OPTIONAL),
    (
        "explain",
        async_explain,
        {
            vol.Optional(Field.TITLE.value): cv.string,
            vol.Optional(Field.GUID.value): cv.string,
            vol.Optional(Field.RATING_KEY.value): cv.string,
        },
        SupportsResponse.ONLY,
    ),
    (
        "check_sharing",
        async_check_sharing,
        {**_PEOPLE, vol.Optional(Field.REFRESH.value, default=True): cv.boolean},
        SupportsResponse.ONLY,
    ),
    (
        "preview_sharing",
        async_preview_sharing,
        {
            vol.Required(Field.PERSON.value): cv.string,
            vol.Optional(Field.ALLOW.value): _NAMES,
            vol.Optional(Field.EXCLUDE.value): _NAMES,
            vol.Optional(Field.RATINGS.value): _NAMES,
            vol.Optional(Field.KEEP.value, default=False): cv.boolean,
        },
        SupportsResponse.ONLY,
    ),
    (
        "probe",
        async_probe,
        {vol.Optional(Field.RATING_KEY.value): cv.string},
        SupportsResponse.OPTIONAL,
    ),
    (
        "clear_overrides",
        async_clear_overrides,
        {**_PEOPLE, vol.Optional(Field.RATING_KEY.value): cv.string},
        SupportsResponse.OPTIONAL,
    ),
)


def _for_admins(answer: _Answer) -> _Answer:
    """Return an action that only administrators may call, except as a dry run.

    Calls without a user, such as by automations, are allowed. It raises Unauthorized.
    """

    async def checked(call: ServiceCall) -> ServiceResponse:
        if not call.data.get(Field.DRY_RUN) and not await is_admin(call):
            raise Unauthorized(context=call.context)
        return await answer(call)

    return checked
