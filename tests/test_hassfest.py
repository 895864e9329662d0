"""What Home Assistant's own validator checks of a custom integration, as far as it can be told offline."""

from __future__ import annotations

import ast
from importlib import import_module
import json
from pathlib import Path
import re
import struct
from typing import TYPE_CHECKING, Any, Final

from homeassistant import components, loader
from homeassistant.const import Platform
from homeassistant.helpers import entity_registry as er, selector
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
from packaging.requirements import Requirement
import pytest
import voluptuous as vol

import custom_components
import custom_components.plex_label_sync as integration
from custom_components.plex_label_sync.const import DOMAIN, NAME
from custom_components.plex_label_sync.sync.journal import RUNS_MAX

from .texts import COMPONENT, TEXTS, leaves, nodes, read_json

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .ha_env import HaEnv

MANIFEST: Final = read_json("manifest.json")
ICONS: Final = read_json("icons.json")
SERVICES: Final[dict[str, Any]] = load_yaml_dict(str(COMPONENT / "services.yaml"))
SCALE: Final[dict[str, Any]] = load_yaml_dict(str(COMPONENT / "quality_scale.yaml"))["rules"]

REQUIRED_KEYS: Final = {  # of a custom integration's manifest
    "codeowners",
    "config_flow",
    "dependencies",
    "documentation",
    "domain",
    "integration_type",
    "iot_class",
    "issue_tracker",
    "name",
    "requirements",
    "version",
}
OPTIONAL_KEYS: Final = {"after_dependencies", "loggers", "single_config_entry", "zeroconf"}
# Parts of Home Assistant that may be imported without naming them, besides the entity platforms.
ALWAYS_THERE: Final = {
    "diagnostics",
    "frontend",
    "homeassistant",
    "logbook",
    "persistent_notification",
    "repairs",
    "system_health",
}
BRAND_SIZES: Final = {
    "icon.png": 256,
    "icon@2x.png": 512,
    "dark_icon.png": 256,
    "dark_icon@2x.png": 512,
}
TIERS: Final = {
    "bronze": """action-setup appropriate-polling brands common-modules config-flow
        config-flow-test-coverage dependency-transparency docs-actions docs-conditions
        docs-high-level-description docs-installation-instructions docs-removal-instructions
        docs-triggers entity-event-setup entity-unique-id has-entity-name runtime-data
        test-before-configure test-before-setup unique-config-entry""",
    "silver": """action-exceptions config-entry-unloading docs-configuration-parameters
        docs-installation-parameters entity-unavailable integration-owner log-when-unavailable
        parallel-updates reauthentication-flow test-coverage""",
    "gold": """devices diagnostics discovery discovery-update-info docs-data-update docs-examples
        docs-known-limitations docs-supported-devices docs-supported-functions
        docs-troubleshooting docs-use-cases dynamic-devices entity-category entity-device-class
        entity-disabled-by-default entity-translations exception-translations icon-translations
        reconfiguration-flow repair-issues stale-devices""",
    "platinum": "async-dependency inject-websession strict-typing",
}


# The manifest


async def test_home_assistant_loads_the_integration(hass: HomeAssistant) -> None:
    found = loader.Integration.resolve_from_root(hass, custom_components, DOMAIN)

    assert found is not None
    assert not found.disabled
    assert not found.is_built_in
    assert found.config_flow
    assert str(found.version) == MANIFEST["version"]
    assert await found.resolve_dependencies()


def test_manifest_has_the_keys_that_are_known_in_their_order() -> None:
    assert set(MANIFEST) - OPTIONAL_KEYS == REQUIRED_KEYS
    assert list(MANIFEST) == ["domain", "name", *sorted(set(MANIFEST) - {"domain", "name"})]
    assert MANIFEST["domain"] == DOMAIN == COMPONENT.name
    assert MANIFEST["name"] == NAME
    assert MANIFEST["integration_type"] == "service"
    assert MANIFEST["iot_class"] == "local_push"
    assert all(owner.startswith("@") for owner in MANIFEST["codeowners"])
    assert MANIFEST["codeowners"]
    for key in ("documentation", "issue_tracker"):
        assert MANIFEST[key].startswith("https://")
        assert "home-assistant.io" not in MANIFEST[key]


def test_what_is_imported_from_home_assistant_is_named_in_the_manifest() -> None:
    imported = {
        alias.name if node.module == "homeassistant.components" else node.module.split(".")[2]
        for node in nodes()
        if isinstance(node, ast.ImportFrom)
        and node.module
        and node.module.startswith("homeassistant.components")
        for alias in node.names
    }
    named = {*MANIFEST["dependencies"], *MANIFEST.get("after_dependencies", ())}

    assert imported <= named | ALWAYS_THERE | set(Platform)
    assert "webhook" in named


def test_requirements_accept_what_this_home_assistant_pins_itself() -> None:
    """All integrations share one environment: two that disagree replace each other's packages."""
    own_requirements = [Requirement(text) for text in MANIFEST["requirements"]]
    plex_manifest = Path(components.__path__[0], "plex", "manifest.json").read_text(
        encoding="utf-8"
    )
    pins = {pin.name: pin for pin in map(Requirement, json.loads(plex_manifest)["requirements"])}

    assert [requirement.name for requirement in own_requirements] == ["PlexAPI"]
    for requirement in own_requirements:
        (pinned,) = pins[requirement.name].specifier
        assert requirement.specifier.contains(pinned.version)
        assert not any(range_.operator == "==" for range_ in requirement.specifier)


def test_json_files_look_as_home_assistant_formats_them() -> None:
    for path in COMPONENT.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n", path
    assert not (COMPONENT / "strings.json").exists()  # not read from a custom integration


def test_platforms_say_how_many_updates_run_at_once_and_yaml_is_refused() -> None:
    for platform in integration.PLATFORMS:
        module = import_module(f"custom_components.{DOMAIN}.{platform}")
        assert isinstance(module.PARALLEL_UPDATES, int), platform
    assert "CONFIG_SCHEMA" in vars(integration)


# The actions


async def registered_actions(hass: HomeAssistant) -> dict[str, vol.Schema]:
    """Set the integration up without an entry; return its actions' schemas."""
    assert await async_setup_component(hass, DOMAIN, {})
    schemas: dict[str, vol.Schema] = {}
    for name, service in hass.services.async_services_for_domain(DOMAIN).items():
        schema: Any = service.schema
        schemas[name] = schema
    return schemas


async def test_every_action_has_a_form_texts_and_an_icon(hass: HomeAssistant) -> None:
    actions = await registered_actions(hass)

    assert set(SERVICES) == set(actions)
    assert set(TEXTS["services"]) == set(actions)
    assert set(ICONS["services"]) == set(actions)
    for name, schema in actions.items():
        fields = SERVICES[name]["fields"]
        texts = TEXTS["services"][name]
        assert set(texts) == {"name", "description", "fields"}
        assert set(fields) == set(texts["fields"]) == {str(key) for key in schema.schema}
        for text in texts["fields"].values():
            assert set(text) == {"name", "description"}


async def test_form_of_an_action_agrees_with_what_the_action_takes(hass: HomeAssistant) -> None:
    for name, schema in (await registered_actions(hass)).items():
        for key in schema.schema:
            field = SERVICES[name]["fields"][str(key)]
            assert set(field) <= {"default", "example", "required", "selector"}
            assert field.get("required", False) is isinstance(key, vol.Required)
            default = None if isinstance(key.default, vol.Undefined) else key.default()
            assert field.get("default") == default, f"{name}.{key}"
            if "example" in field:
                (takes,) = field["selector"].values()
                listed = takes and takes.get("multiple")
                example = json.loads(field["example"]) if listed else field["example"]
                needed = {
                    str(other): SERVICES[name]["fields"][str(other)]["example"]
                    for other in schema.schema
                    if isinstance(other, vol.Required)
                }
                assert schema({**needed, str(key): example})[str(key)] == example


def test_selectors_of_the_actions_are_valid() -> None:
    for action in SERVICES.values():
        for field in action["fields"].values():
            assert selector.validate_selector(field["selector"]).keys() == field["selector"].keys()


# The entities


async def test_every_entity_has_a_name_and_an_icon_and_nothing_else_has(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up()
    registry = er.async_get(ha_env.hass)
    found: dict[str, set[str]] = {}
    for entity in er.async_entries_for_config_entry(registry, ha_env.entry.entry_id):
        key = entity.unique_id.removeprefix(f"{ha_env.entry.entry_id}_")
        key = re.sub(r"^person_\d+$", "person", key)
        assert entity.translation_key == key
        found.setdefault(entity.domain, set()).add(key)
        texts = TEXTS["entity"][entity.domain][key]
        icons = ICONS["entity"][entity.domain][key]
        assert texts["name"]
        capabilities = entity.capabilities or {}
        if (options := capabilities.get("options")) is not None:
            assert set(texts["state"]) == set(icons["state"]) == set(options)
        if (types := capabilities.get("event_types")) is not None:
            assert set(texts["state_attributes"]["event_type"]["state"]) == set(types)
        # Of one thing there would be "1 titles": a unit has no singular.
        assert "unit_of_measurement" not in texts, key

    for described in (TEXTS["entity"], ICONS["entity"]):
        assert {domain: set(entities) for domain, entities in described.items()} == found


def test_icons_are_material_design_icons() -> None:
    assert set(ICONS) == {"entity", "services"}
    for path, icon in leaves(ICONS):
        assert re.fullmatch(r"mdi:[a-z0-9]+(-[a-z0-9]+)*", icon), path
        assert path[-1] in {"default", "service"} or path[-2] == "state", path


# The quality scale and the brand


def test_quality_scale_judges_every_rule_once_and_gives_its_reasons() -> None:
    rules = [rule for tier in TIERS.values() for rule in tier.split()]
    assert len(rules) == 54
    assert sorted(SCALE) == sorted(rules)
    for rule, judgment in SCALE.items():
        if judgment != "done":
            assert set(judgment) == {"status", "comment"}, rule
            assert judgment["status"] in {"done", "exempt"}, rule
            assert judgment["comment"].endswith("."), rule


@pytest.mark.parametrize(
    ("rule", "file"),
    [
        ("brands", "brand/icon.png"),
        ("common-modules", "coordinator.py"),
        ("config-flow", "config_flow.py"),
        ("diagnostics", "diagnostics.py"),
        ("docs-conditions", "condition.py"),
        ("docs-triggers", "trigger.py"),
        ("repair-issues", "repairs.py"),
    ],
)
def test_quality_scale_is_true_of_what_is_there(rule: str, file: str) -> None:
    assert (SCALE[rule] == "done") is (COMPONENT / file).exists()


@pytest.mark.parametrize(("name", "pixels"), BRAND_SIZES.items())
def test_brand_image_has_its_size(name: str, pixels: int) -> None:
    content = (COMPONENT / "brand" / name).read_bytes()
    magic, width, height, depth, colors = struct.unpack(">8s8xIIBB", content[:26])

    assert magic == b"\x89PNG\r\n\x1a\n"
    assert (width, height) == (pixels, pixels)
    assert (depth, colors) == (8, 6)  # 8 bits each of red, green, blue and opacity


def test_there_are_no_other_brand_images() -> None:
    assert {path.name for path in (COMPONENT / "brand").iterdir()} == set(BRAND_SIZES)


def test_as_many_runs_can_be_asked_for_as_the_journal_keeps() -> None:
    assert SERVICES["get_runs"]["fields"]["limit"]["selector"]["number"]["max"] == RUNS_MAX
