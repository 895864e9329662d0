"""The table of repair issues agrees with the texts, the flows and the documents."""

from __future__ import annotations

from pathlib import Path
import re
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components.repairs import ConfirmRepairFlow
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.plex_label_sync.const import DOCS, DOMAIN
from custom_components.plex_label_sync.issues import (
    GAP_ISSUES,
    HELD_FOR,
    REPAIRS,
    Fix,
    Repair,
    async_delete_all,
    async_raise,
)
from custom_components.plex_label_sync.repairs import async_create_fix_flow
from custom_components.plex_label_sync.sharing.changes import LostRules
from custom_components.plex_label_sync.sharing.model import SharingWarning, WarningKey
from custom_components.plex_label_sync.sharing_check.store import Kept
from custom_components.plex_label_sync.sharing_check.texts import SharingTexts
from custom_components.plex_label_sync.storage.held import Held
from custom_components.plex_label_sync.sync.changes import Row
from custom_components.plex_label_sync.sync.gaps import OpenGap
from custom_components.plex_label_sync.sync.label_conflicts import Conflict
from custom_components.plex_label_sync.sync.model import Failure, Gap, GapKind, MediaType, Person
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.run import HoldReason
from custom_components.plex_label_sync.texts import async_texts

from .test_readme import rows, section
from .texts import TEXTS, placeholders

if TYPE_CHECKING:
    from .ha_env import HaEnv

ISSUES: Final[dict[str, Any]] = TEXTS["issues"]
ROOT: Final = Path(__file__).parent.parent


def texts_of(repair: Repair[...]) -> dict[str, Any]:
    """Return the text that the issue opens with."""
    found: dict[str, Any] = ISSUES[repair.key]
    if repair.fix is Fix.NONE:
        return found
    (step,) = found["fix_flow"]["step"].values()
    return dict(step)


def test_every_text_has_a_row_and_every_row_a_text() -> None:
    assert REPAIRS.keys() == ISSUES.keys()


def test_every_reason_to_hold_has_a_row() -> None:
    assert set(HELD_FOR) == set(HoldReason)
    assert set(HELD_FOR.values()) <= set(REPAIRS.values())


@pytest.mark.parametrize("repair", REPAIRS.values(), ids=REPAIRS)
def test_text_fits_what_can_be_done(repair: Repair[...]) -> None:
    text = ISSUES[repair.key]
    if repair.fix is Fix.NONE:
        assert text.keys() == {"title", "description"}
    else:
        assert text.keys() == {"title", "fix_flow"}
        assert list(text["fix_flow"]["step"]) == ["init" if repair.choices else "confirm"]
        assert texts_of(repair)["title"] == text["title"]
    assert tuple(texts_of(repair).get("menu_options", ())) == repair.choices


@pytest.mark.parametrize("repair", REPAIRS.values(), ids=REPAIRS)
def test_page_to_learn_more_is_there(repair: Repair[...]) -> None:
    page, _, anchor = repair.page.partition("#")
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert anchor in {"", *(heading.lower().replace(" ", "-") for heading in headings)}


@pytest.mark.parametrize("repair", REPAIRS.values(), ids=REPAIRS)
def test_documents_name_what_can_be_chosen(repair: Repair[...]) -> None:
    documented = {row[0]: row[2] for row in rows("docs/troubleshooting.md", "Repairs")[2:]}
    choices = documented[ISSUES[repair.key]["title"]]
    if repair.choices:
        options = texts_of(repair)["menu_options"]
        assert choices == ", ".join(f"*{options[one]}*" for one in repair.choices)
    else:
        assert choices.startswith("-" if repair.fix is Fix.NONE else "*Submit*")


def test_documents_name_no_repair_that_there_is_not() -> None:
    documented = [row[0] for row in rows("docs/troubleshooting.md", "Repairs")[2:]]
    assert sorted(documented) == sorted(text["title"] for text in ISSUES.values())
    assert "deleted when its cause is gone" in section("docs/troubleshooting.md", "Repairs")


async def arguments(ha_env: HaEnv, repair: Repair[...]) -> tuple[Any, ...]:
    """Return something that an issue could be about."""
    texts = await async_texts(ha_env.hass)
    person = Person(pulsarr_id(7), "rosa")
    warning = SharingWarning(WarningKey.RULE_GONE, "1", "rosa")
    if repair in HELD_FOR.values():
        return Held(0.0, (repair.key,), 30, 3), texts
    if repair in GAP_ISSUES:
        return [OpenGap(Gap(GapKind.ITEM, "7", "Heat", Failure.BUSY), 0.0)], texts
    if repair.fix is Fix.SHARING:
        lost = LostRules({MediaType.MOVIE: "label=rosa"}, 0, 1)
        return [warning], Kept(lost={"1": lost}), SharingTexts(texts)
    given: dict[str, tuple[Any, ...]] = {
        "labels_unknown": ([Row("rosa", "1", "7", 0)],),
        "labels_conflict": ([Conflict("rosa", (person,), (), reserved=True)],),
        "library_gone": ({"1": "Movies"},),
        "libraries_gone": ({"1": "Movies"},),
        "library_new": ({"1": "Movies"},),
        "store_damaged": (["ledger"],),
        "store_left_out": ({"queue": 1},),
        "webhook_unreachable": ([("http://ha.test", "HTTP 502")],),
        "webhook_silent": ("http://ha.test",),
    }
    return given.get(repair.key, ())


@pytest.mark.parametrize("repair", REPAIRS.values(), ids=REPAIRS)
async def test_issue_names_what_its_text_asks_for_and_is_deleted_with_the_entry(
    ha_env: HaEnv, repair: Repair[...]
) -> None:
    hass, entry = ha_env.hass, ha_env.add_entry()
    registry = ir.async_get(hass)

    async_raise(hass, entry, repair, *await arguments(ha_env, repair))

    (issue,) = [one for one in registry.issues.values() if one.domain == DOMAIN]
    given = set(issue.translation_placeholders or ())
    assert placeholders(texts_of(repair)["description"]) <= given
    assert issue.translation_key == repair.key
    assert issue.learn_more_url == f"{DOCS}{repair.page}"
    assert issue.is_fixable == (repair.fix is not Fix.NONE)
    flow = await async_create_fix_flow(hass, issue.issue_id, issue.data)
    assert isinstance(flow, ConfirmRepairFlow) == (not repair.choices)
    for choice in repair.choices:
        assert callable(getattr(flow, f"async_step_{choice}"))
    async_delete_all(hass, entry)
    assert not [one for one in registry.issues.values() if one.domain == DOMAIN]
