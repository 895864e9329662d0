"""The README holds what the quality scale's rules about documents ask for, and names everything that there is."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Any, Final

from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.plex_label_sync.status import Activity

from .texts import COMPONENT, TEXTS

README: Final = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SECTIONS: Final = dict(re.findall(r"^#+ (.+)\n((?:(?!^#).*\n?)*)", README, re.MULTILINE))
SERVICES: Final[dict[str, Any]] = load_yaml_dict(str(COMPONENT / "services.yaml"))
SCALE: Final[dict[str, Any]] = load_yaml_dict(str(COMPONENT / "quality_scale.yaml"))["rules"]
WHERE: Final = {  # each rule about documents, and the section that follows it
    "docs-actions": "Actions",
    "docs-configuration-parameters": "Options",
    "docs-data-update": "How data are updated",
    "docs-examples": "Examples",
    "docs-high-level-description": "Plex Label Sync",
    "docs-installation-instructions": "Installation",
    "docs-installation-parameters": "Configuration",
    "docs-known-limitations": "Known limitations",
    "docs-removal-instructions": "Removal",
    "docs-supported-devices": "What you need",
    "docs-supported-functions": "Entities",
    "docs-troubleshooting": "Troubleshooting",
    "docs-use-cases": "What it is good for",
}


def rows(section: str) -> list[list[str]]:
    """Return the cells of a section's tables."""
    lines = (line for line in SECTIONS[section].splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_rule_about_documents_is_followed_by_a_section() -> None:
    rules = {rule for rule, said in SCALE.items() if rule.startswith("docs-") and said == "done"}
    assert rules == WHERE.keys()


@pytest.mark.parametrize("section", sorted(set(WHERE.values())))
def test_section_says_something(section: str) -> None:
    assert len(SECTIONS[section]) > 100


def test_every_entity_is_named() -> None:
    named = {name.strip() for row in rows("Entities") for name in row[0].split(",")}
    names = {entity["name"] for domain in TEXTS["entity"].values() for entity in domain.values()}
    assert names <= named


def test_every_activity_is_named() -> None:
    for activity in Activity:
        assert f"`{activity}`" in SECTIONS["Entities"]


def test_every_action_is_named_with_its_fields() -> None:
    told = {row[0]: row[1] for row in rows("Actions")}
    for name, action in SERVICES.items():
        fields = told[f"`plex_label_sync.{name}`"]
        for field in set(action["fields"]) - {"config_entry_id"}:
            assert f"`{field}`" in fields, f"{name}.{field}"
