"""Goes through the flows as the web interface does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, SOURCE_USER
from homeassistant.data_entry_flow import FlowResultType, section

from custom_components.plex_label_sync.const import DOMAIN

from .ha_env import PLEX_TOKEN, PULSARR_KEY
from .texts import TEXTS, leaves, placeholders

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry, ConfigFlowResult
    from homeassistant.core import HomeAssistant

    from .ha_env import HaEnv
    from .texts import Tree

EMPTIED: Final = {"base_url", "opt_out_label"}  # optional fields of their forms
CLOSED: Final = "http://127.0.0.1:1"  # no listener there


async def open_menu(hass: HomeAssistant) -> ConfigFlowResult:
    """Start the config flow, up to the menu of ways to connect Plex."""
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert menu["type"] is FlowResultType.MENU
    assert menu["step_id"] == "user"
    ways: Any = menu["menu_options"]
    # In this order: the easiest comes first.
    every_way = list(TEXTS["config"]["step"]["user"]["menu_options"])
    assert ways in (every_way, [way for way in every_way if way != "plex_existing"])
    return menu


async def start(hass: HomeAssistant) -> ConfigFlowResult:
    """Start the config flow, up to the form for address and token."""
    return await submit(hass, await open_menu(hass), next_step_id="plex_manual")


async def submit(hass: HomeAssistant, shown: ConfigFlowResult, **fields: Any) -> ConfigFlowResult:
    """Submit a form."""
    return await hass.config_entries.flow.async_configure(shown["flow_id"], fields)


async def start_reconfigure(hass: HomeAssistant, entry: ConfigEntry) -> ConfigFlowResult:
    """Start reconfiguring an entry."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    )


async def open_reauth(hass: HomeAssistant) -> ConfigFlowResult:
    """Open the reauthentication form that the integration has started."""
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == SOURCE_REAUTH
    return await hass.config_entries.flow.async_configure(flow["flow_id"])


def plex_input(ha_env: HaEnv, **changes: Any) -> dict[str, Any]:
    """Return a user's input for the environment's Plex server."""
    return {"url": ha_env.plex.url, "token": PLEX_TOKEN, "verify_ssl": True, **changes}


def pulsarr_input(ha_env: HaEnv, **changes: Any) -> dict[str, Any]:
    """Return a user's input for the environment's Pulsarr."""
    return {"url": ha_env.pulsarr.url, "api_key": PULSARR_KEY, "verify_ssl": True, **changes}


def assert_form(shown: ConfigFlowResult, step: str, **errors: str) -> None:
    """Check that a form is shown with exactly these errors, and with all its texts."""
    assert shown["type"] is FlowResultType.FORM
    assert shown["step_id"] == step
    assert shown["errors"] == errors, shown["errors"]
    texts = _texts(shown)
    for field, _, name in _parts(shown):
        place = texts["step"][step] if name is None else texts["step"][step]["sections"][name]
        assert place["data"][str(field)], field
        assert place["data_description"][str(field)], field
    shown_texts = [text for _, text in leaves(texts["step"][step])]
    shown_texts += [texts["error"][error] for error in errors.values()]
    filled_in = set(shown["description_placeholders"] or {})
    assert set().union(*map(placeholders, shown_texts)) <= filled_in


def assert_sign_in_failed(shown: ConfigFlowResult, reason: str, *others: str) -> None:
    """Check that a sign-in has failed, with this reason and these other ways to connect."""
    assert shown["type"] is FlowResultType.MENU
    assert shown["step_id"] == "plex_sign_in_failed"
    assert shown["menu_options"] == ["plex_sign_in", *(others or ("plex_manual",))]
    texts = _texts(shown)
    assert shown["description_placeholders"] == {"reason": texts["error"][reason]}
    offered = texts["step"]["plex_sign_in_failed"]["menu_options"]
    assert set(shown["menu_options"]) <= set(offered)


def assert_aborted(shown: ConfigFlowResult, reason: str) -> None:
    """Check that a flow was aborted with this reason."""
    assert shown["type"] is FlowResultType.ABORT
    assert shown["reason"] == reason
    assert _texts(shown)["abort"][reason]


def _texts(shown: ConfigFlowResult) -> Tree:
    """Return the texts of the flow that is shown."""
    texts: Tree = TEXTS["config" if shown["handler"] == DOMAIN else "options"]
    return texts


def _parts(shown: ConfigFlowResult) -> list[tuple[Any, Any, str | None]]:
    """Return a form's fields with their selectors and the section they are in."""
    schema: Any = shown["data_schema"]
    assert schema is not None
    parts: list[tuple[Any, Any, str | None]] = []
    for marker, value in schema.schema.items():
        if isinstance(value, section):
            inner: Any = value.schema
            parts += [(field, selector, str(marker)) for field, selector in inner.schema.items()]
        else:
            parts.append((marker, value, None))
    return parts


def fields_of(shown: ConfigFlowResult) -> list[str]:
    """Return the names of a form's fields, in order."""
    return [str(field) for field, _, _ in _parts(shown)]


def sections_of(shown: ConfigFlowResult) -> dict[str, list[str]]:
    """Return the names of the fields in each section of a form."""
    sections: dict[str, list[str]] = {}
    for field, _, name in _parts(shown):
        if name is not None:
            sections.setdefault(name, []).append(str(field))
    return sections


def in_sections(shown: ConfigFlowResult, **changes: Any) -> dict[str, Any]:
    """Return the web interface's submission when these fields of a form are changed."""
    sent: dict[str, Any] = {}
    for field, _, name in _parts(shown):
        assert name is not None
        value = changes.get(str(field), default_of(shown, str(field)))
        if value != "" or str(field) not in EMPTIED:  # an empty optional text is left out
            sent.setdefault(name, {})[str(field)] = value
    return sent


def selector_of(shown: ConfigFlowResult, field: str) -> Any:
    """Return a field's selector."""
    return next(selector for marker, selector, _ in _parts(shown) if marker == field)


def default_of(shown: ConfigFlowResult, field: str) -> Any:
    """Return a field's default value."""
    marker = next(marker for marker, _, _ in _parts(shown) if marker == field)
    if marker.description and "suggested_value" in marker.description:
        return marker.description["suggested_value"]
    return marker.default()


def suggested(shown: ConfigFlowResult) -> dict[str, Any]:
    """Return the suggested values of a form's fields."""
    return {
        str(marker): marker.description["suggested_value"]
        for marker, _, _ in _parts(shown)
        if marker.description and "suggested_value" in marker.description
    }


def choices_of(shown: ConfigFlowResult, field: str) -> dict[str, str]:
    """Return a field's options: values and their display names."""
    options = selector_of(shown, field).config["options"]
    return {option["value"]: option["label"] for option in options}


async def to_pulsarr(ha_env: HaEnv) -> ConfigFlowResult:
    """Go to the form for Pulsarr."""
    shown = await submit(ha_env.hass, await start(ha_env.hass), **plex_input(ha_env))
    assert_form(shown, "pulsarr")
    return shown


async def to_libraries(ha_env: HaEnv) -> ConfigFlowResult:
    """Go to the form for the libraries."""
    shown = await to_pulsarr(ha_env)
    return await submit(ha_env.hass, shown, **pulsarr_input(ha_env))


async def to_review(
    hass: HomeAssistant, shown: ConfigFlowResult, **fields: Any
) -> ConfigFlowResult:
    """Submit the form for the libraries and wait for the preview of the first sync."""
    return await after_reading(hass, await submit(hass, shown, **fields))


async def after_reading(hass: HomeAssistant, shown: ConfigFlowResult) -> ConfigFlowResult:
    """Wait until the preview of the first sync is ready; return its form."""
    assert shown["type"] is FlowResultType.SHOW_PROGRESS, shown
    assert shown["step_id"] == "reading"
    assert TEXTS["config"]["progress"][shown["progress_action"]]
    await hass.async_block_till_done()
    return await hass.config_entries.flow.async_configure(shown["flow_id"])


async def finish(
    hass: HomeAssistant,
    shown: ConfigFlowResult,
    review: dict[str, Any] | None = None,
    **fields: Any,
) -> ConfigFlowResult:
    """Submit the forms for the libraries and the review, both unchanged except for these fields."""
    shown = await to_review(hass, shown, **fields)
    assert shown["step_id"] == "review", shown
    return await submit(hass, shown, **(review or {}))
