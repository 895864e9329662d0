"""Identify who requested something: a user by name, never by an id."""

from homeassistant.components.http.const import KEY_HASS_USER
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.http import current_request

from .sync.run import StartedBy
from .texts import Texts, async_language_of, async_texts


async def async_caller(hass: HomeAssistant, context: Context | None) -> str:
    """Return the name of the user who called an action, `automation` if there is none."""
    user_id = None if context is None else context.user_id
    user = None if user_id is None else await hass.auth.async_get_user(user_id)
    return (user.name if user is not None else None) or StartedBy.AUTOMATION


def requester_name() -> str | None:
    """Return the name of the user whose HTTP request is being handled, None without one."""
    request = current_request.get()
    user = None if request is None else request.get(KEY_HASS_USER)
    return None if user is None else user.name


async def async_requester_language(hass: HomeAssistant) -> str:
    """Return the language of the user whose request is being handled, else Home Assistant's."""
    request = current_request.get()
    user = None if request is None else request.get(KEY_HASS_USER)
    return await async_language_of(hass, None if user is None else user.id)


async def async_requester_texts(hass: HomeAssistant) -> Texts:
    """Return the texts in the language of the user whose request is being handled."""
    return await async_texts(hass, await async_requester_language(hass))
