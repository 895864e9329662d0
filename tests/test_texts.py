"""The English texts: plain, complete, and none that nobody ever reads."""

from __future__ import annotations

import ast
from pathlib import Path
import re
from typing import TYPE_CHECKING, Any, Final

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import async_get_exception_message
from homeassistant.setup import async_setup_component
import pytest

from custom_components.plex_label_sync.change_texts import CHANGE_REASON, EXPLANATION
from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.dashboard import DASHBOARD
from custom_components.plex_label_sync.errors import translation
from custom_components.plex_label_sync.flows import option_problems, review_text
from custom_components.plex_label_sync.flows.label_preview import TEXTS_KEY
from custom_components.plex_label_sync.held_texts import HELD
from custom_components.plex_label_sync.logbook import COUNTED
from custom_components.plex_label_sync.probing.texts import DETAIL
from custom_components.plex_label_sync.sharing.model import Unread
from custom_components.plex_label_sync.sharing_check import texts
from custom_components.plex_label_sync.status import Activity
from custom_components.plex_label_sync.sync.model import (
    Failure,
    GapKind,
    MediaType,
    RemovedLabelMode,
    Service,
    ServiceError,
)
from custom_components.plex_label_sync.sync.preview import LabelProblem
from custom_components.plex_label_sync.sync.queue import Reason as PendingReason
from custom_components.plex_label_sync.sync.run import StartedBy
from custom_components.plex_label_sync.sync.title_status import StatusReason, TitleStatus
from custom_components.plex_label_sync.texts import WORDING
from custom_components.plex_label_sync.titles import TITLE_REASON

from .texts import TEXTS, UNSOUND, leaves, nodes, placeholders

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

SECTIONS: Final = {
    "common",
    "config",
    "device",
    "entity",
    "exceptions",
    "issues",
    "options",
    "selector",
    "services",
    "system_health",
}
FLOW_SECTIONS: Final = {"abort", "create_entry", "error", "progress", "step"}
STEP_KEYS: Final = {
    "data",
    "data_description",
    "description",
    "menu_options",
    "sections",
    "title",
}


def words_in_the_code() -> set[str]:
    """Return every text constant of the integration's code."""
    return {
        node.value
        for node in nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_sections_are_those_that_home_assistant_knows() -> None:
    assert set(TEXTS) == SECTIONS
    for flow in ("config", "options"):
        assert set(TEXTS[flow]) <= FLOW_SECTIONS
        for step in TEXTS[flow]["step"].values():
            assert set(step) <= STEP_KEYS
            for place in (step, *step.get("sections", {}).values()):
                assert set(place.get("data", ())) == set(place.get("data_description", ()))
            for part in step.get("sections", {}).values():
                assert set(part) == {"name", "description", "data", "data_description"}
    for exception in TEXTS["exceptions"].values():
        assert set(exception) == {"message"}


@pytest.mark.parametrize(
    ("path", "text"), [pytest.param(path, text, id=".".join(path)) for path, text in leaves(TEXTS)]
)
def test_text_is_plain_and_leads_there_by_slugs(path: tuple[str, ...], text: str) -> None:
    assert text
    assert not UNSOUND.search(text)
    for key in path:
        assert re.fullmatch(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", key), key


@pytest.mark.parametrize("section", sorted(FLOW_SECTIONS))
@pytest.mark.parametrize("flow", ["config", "options"])
def test_every_text_of_the_flows_is_shown_by_someone(flow: str, section: str) -> None:
    named_by_home_assistant = {"already_configured"}
    assert set(TEXTS[flow].get(section, ())) <= words_in_the_code() | named_by_home_assistant


@pytest.mark.parametrize("flow", ["config", "options"])
def test_every_error_and_abort_of_the_flows_is_checked_by_a_test(flow: str) -> None:
    here = Path(__file__).parent
    kept = (*(here / "flows").glob("test_*.py"), here / "test_sharing_reports.py")
    looked_at = {
        word
        for path in kept
        for word in re.findall(r'"([a-z_]+)"', path.read_text(encoding="utf-8"))
    }
    for kind in ("error", "abort"):
        assert set(TEXTS[flow].get(kind, ())) <= looked_at


def test_errors_and_aborts_that_are_promised_have_their_texts() -> None:
    assert set(TEXTS["config"]["error"]) >= {
        "cannot_connect",
        "invalid_auth",
        "invalid_label_format",
        "no_libraries",
        "not_owner",
        "not_plex",
        "not_pulsarr",
        "pulsarr_too_old",
        "ssl_error",
        "timeout",
    }
    assert set(TEXTS["config"]["abort"]) == {
        "already_configured",
        "reauth_successful",
        "reconfigure_successful",
        "wrong_server",
    }


def failures() -> set[tuple[Service, Failure]]:
    """Return what can go wrong where: our own files cannot be saved, the rest is the servers'."""
    servers = {Service.PLEX, Service.PULSARR}
    of_servers = {(one, failure) for one in servers for failure in set(Failure)}
    never = {(one, Failure.NOT_SAVED) for one in servers}
    # Plex's own faults pass for busy: nobody has seen it stumble over one row for ever.
    never.add((Service.PLEX, Failure.UNREADABLE))
    return of_servers - never | {(Service.STORAGE, Failure.NOT_SAVED)}


def test_every_failure_has_a_text_that_says_the_detail() -> None:
    for service, failure in failures():
        key = translation(ServiceError(service, failure, "detail"))["translation_key"]
        assert placeholders(TEXTS["exceptions"][key]["message"]) == {"detail"}, key


def test_every_other_error_has_a_text_and_every_text_an_error() -> None:
    of_services = {f"{service}_{failure}" for service, failure in failures()}
    assert set(TEXTS["exceptions"]) - of_services == set(raised())


def test_every_choice_of_a_field_has_a_text() -> None:
    modes = {mode.value for mode in RemovedLabelMode}
    assert TEXTS["selector"].keys() == {
        "removed_label_mode",
        "server",
        "start",
        TEXTS_KEY,
        review_text.TEXTS_KEY,
        option_problems.TEXTS_KEY,
        DETAIL,
        WORDING,
        CHANGE_REASON,
        EXPLANATION,
        HELD,
        TITLE_REASON,
        DASHBOARD,
        "title_status",
        "media_type",
        texts.RULE,
        texts.WARNING,
        texts.FIX,
        texts.STEP,
        texts.REASON,
        texts.PAGE,
        texts.STATE,
        texts.UNREAD,
        texts.GAP,
    }
    assert set(TEXTS["selector"][texts.UNREAD]["options"]) == set(Unread)
    kinds = {*GapKind, "labels", "account", "accounts"}
    assert set(TEXTS["selector"][texts.GAP]["options"]) == kinds
    assert set(TEXTS["selector"]["title_status"]["options"]) == set(TitleStatus)
    assert set(TEXTS["selector"]["media_type"]["options"]) == set(MediaType)
    pending = {f"pending_{one}" for one in PendingReason}
    keys = TEXTS["selector"][TITLE_REASON]["options"]
    assert {key.removesuffix("_one").removesuffix("_other") for key in keys} == (
        set(StatusReason) | pending
    )
    words = TEXTS["selector"][TEXTS_KEY]["options"]
    assert set(words) == {*LabelProblem, "more", "nobody", "unknown"}
    assert {key: placeholders(text) for key, text in words.items() if placeholders(text)} == {
        "shared": {"others"},
        "case": {"others"},
        "more": {"count"},
    }
    assert set(TEXTS["selector"]["removed_label_mode"]["options"]) == modes


def test_texts_of_errors_name_what_is_filled_in() -> None:
    for key, given in raised().items():
        assert placeholders(TEXTS["exceptions"][key]["message"]) == given, key


def raised() -> dict[str, set[str]]:
    """Return the errors that the code names, and what it fills in.

    They are named by `translation_key=` of an exception, or as the first argument of a helper
    `_invalid` that takes the rest by name.
    """
    found: dict[str, set[str]] = {}
    for node in nodes():
        if not isinstance(node, ast.Call):
            continue
        named = {one.arg: one.value for one in node.keywords if one.arg}
        if ast.unparse(node.func) == "_invalid":
            key, given = node.args[0], set(named)
        elif "translation_domain" in named:
            key, given = named["translation_key"], _keys(named.get("translation_placeholders"))
        else:
            continue
        if isinstance(key, ast.Constant):
            found[str(key.value)] = given
    return found


def _keys(node: ast.expr | None) -> set[str]:
    keys = node.keys if isinstance(node, ast.Dict) else ()
    return {ast.literal_eval(key) for key in keys if key is not None}


def test_every_activity_has_its_sentences() -> None:
    sentences = set(TEXTS["common"]) - {"and", "more", "with_counts", "with_who", "count_none"}
    sentences -= {f"count_{name}" for names in COUNTED.values() for name in names}
    by = {f"by_{one.value}" for one in StartedBy if one is not StartedBy.UNKNOWN}
    assert by | {activity.value for activity in Activity} <= sentences
    for sentence in sentences - by:
        assert any(sentence.startswith(activity.value) for activity in Activity), sentence


async def test_home_assistant_finds_the_texts(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    err = ServiceError(Service.PLEX, Failure.TIMEOUT, "GET / took 15 seconds")
    translated: dict[str, Any] = {**translation(err)}

    message = async_get_exception_message(
        DOMAIN, translated["translation_key"], translated["translation_placeholders"]
    )

    assert message == "Plex took too long to respond: GET / took 15 seconds"
    assert str(HomeAssistantError(**translated)) == message
