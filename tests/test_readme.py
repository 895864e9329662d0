"""README and docs hold what the quality scale's rules ask for, name everything that there is, and fit a screen."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Any, Final
from urllib.parse import quote

from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.plex_label_sync.live.label_events import TITLES_MAX
from custom_components.plex_label_sync.options import OPTIONS
from custom_components.plex_label_sync.status import Activity
from custom_components.plex_label_sync.storage.former import SERVERS_MAX
from custom_components.plex_label_sync.sync.journal import RUNS_MAX
from custom_components.plex_label_sync.sync.safety_check import FREE_REMOVALS

from .texts import COMPONENT, TEXTS

ROOT: Final = Path(__file__).parent.parent
HEADING: Final = re.compile(r"^#+ (.+)\n((?:(?!^#).*\n?)*)", re.MULTILINE)
SERVICES: Final[dict[str, Any]] = load_yaml_dict(str(COMPONENT / "services.yaml"))
SCALE: Final[dict[str, Any]] = load_yaml_dict(str(COMPONENT / "quality_scale.yaml"))["rules"]
RETRY_INTERVAL: Final = OPTIONS["pending_retry_interval"].default
FRONT_PAGE_LINES: Final = 150
LINE_LENGTH: Final = 105  # "about 100": a word more does no harm
WHERE: Final = {  # each rule about documents, and the section that follows it
    "docs-actions": ("docs/entities.md", "Actions"),
    "docs-configuration-parameters": ("docs/options.md", "Options"),
    "docs-data-update": ("docs/updates.md", "From Plex to the label"),
    "docs-examples": ("docs/automations.md", "Blueprints"),
    "docs-high-level-description": ("README.md", "Plex Label Sync"),
    "docs-installation-instructions": ("README.md", "Installation"),
    "docs-installation-parameters": ("docs/setup.md", "Connect to Plex"),
    "docs-known-limitations": ("docs/troubleshooting.md", "Known limitations"),
    "docs-removal-instructions": ("docs/removal.md", "Removal"),
    "docs-supported-devices": ("README.md", "What you need"),
    "docs-supported-functions": ("docs/entities.md", "Entities"),
    "docs-troubleshooting": ("docs/troubleshooting.md", "Symptoms"),
    "docs-use-cases": ("README.md", "Plex Label Sync"),
}
PAGES: Final = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WRAPPED: Final = [
    *PAGES,
    *(
        ROOT / name
        for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")
    ),
]


def section(page: str, heading: str) -> str:
    """Return the text below a heading, up to the next one."""
    found: list[tuple[str, str]] = HEADING.findall((ROOT / page).read_text(encoding="utf-8"))
    return dict(found)[heading]


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of a section's tables."""
    lines = (line for line in section(page, heading).splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_rule_about_documents_is_followed_by_a_section() -> None:
    rules = {rule for rule, said in SCALE.items() if rule.startswith("docs-") and said == "done"}
    assert rules == WHERE.keys()


@pytest.mark.parametrize(("page", "heading"), sorted(set(WHERE.values())))
def test_section_says_something(page: str, heading: str) -> None:
    assert len(section(page, heading)) > 100


def test_every_entity_is_named() -> None:
    named = {
        name.strip() for row in rows("docs/entities.md", "Entities") for name in row[0].split(",")
    }
    names = {entity["name"] for domain in TEXTS["entity"].values() for entity in domain.values()}
    assert names <= named


def test_every_activity_is_named() -> None:
    for activity in Activity:
        assert f"`{activity}`" in section("docs/entities.md", "Activities")


def test_every_action_is_named_with_its_fields() -> None:
    documented = {row[0]: row[1] for row in rows("docs/entities.md", "Actions")}
    for name, action in SERVICES.items():
        fields = documented[f"`plex_label_sync.{name}`"]
        for field in set(action["fields"]) - {"config_entry_id"}:
            assert f"`{field}`" in fields, f"{name}.{field}"


@pytest.mark.parametrize(
    ("page", "words", "number"),
    [
        ("docs/options.md", "Up to {} labels", FREE_REMOVALS),
        ("docs/safety.md", "More than {} labels", FREE_REMOVALS),
        ("docs/entities.md", "more than {} titles at once", TITLES_MAX),
        ("docs/safety.md", "({} % unless you change it)", OPTIONS["max_removals"].default),
        ("docs/updates.md", "missing titles*: {} seconds", RETRY_INTERVAL),
        ("docs/updates.md", "otherwise every {} seconds", RETRY_INTERVAL),
        ("docs/safety.md", "one of the last {}", RUNS_MAX),
        ("docs/entities.md", "the last {} runs", RUNS_MAX),
        ("docs/removal.md", "last {} removed servers", SERVERS_MAX),
    ],
)
def test_numbers_are_those_of_the_code(page: str, words: str, number: object) -> None:
    assert words.format(number) in " ".join((ROOT / page).read_text(encoding="utf-8").split())


def test_the_switch_has_the_name_of_its_option_and_the_connection_another() -> None:
    option = TEXTS["options"]["step"]["init"]["sections"]["live"]["data"]["live_mode"]
    assert TEXTS["entity"]["switch"]["live_mode"]["name"] == option
    assert TEXTS["entity"]["binary_sensor"]["live_updates"]["name"] != option


def test_front_page_is_short_and_names_the_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= FRONT_PAGE_LINES
    for command in ("scripts/demo", "scripts/test"):
        assert f"`{command}`" in readme


def test_front_page_leads_to_every_page_and_every_blueprint() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in PAGES[1:]:
        if page.name != "changing.md":  # for contributors: CONTRIBUTING.md leads there
            assert f"(docs/{page.name})" in readme
    assert "hacs_repository/?owner=plex-label-sync&repository=plex_label_sync" in readme
    assert "config_flow_start/?domain=plex_label_sync" in readme
    for blueprint in (ROOT / "blueprints").rglob("*.yaml"):
        assert quote(blueprint.relative_to(ROOT).as_posix(), safe="") in readme


def test_every_path_of_the_pages_for_contributors_exists() -> None:
    for page in ("docs/architecture.md", "docs/changing.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        paths = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)*(?:\.(?:py|json|yaml|toml|md)|/))`", text))
        assert len(paths) > 5
        missing = {
            path for path in paths if not any((at / path).exists() for at in (ROOT, COMPONENT))
        }
        assert missing == set(), page


def test_files_to_change_contain_the_names_that_are_given_for_them() -> None:
    text = (ROOT / "docs/changing.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)`: `(\w+)`", text)
    assert len(named) > 5
    missing = [
        (path, name)
        for path, name in named
        if not re.search(rf"\b{name}\b", (COMPONENT / path).read_text(encoding="utf-8"))
    ]
    assert missing == []


def test_rooms_name_modules_that_exist() -> None:
    modules = {path.stem for path in COMPONENT.rglob("*.py")}
    text = section("docs/architecture.md", "Rooms")
    named = set(re.findall(r"`(\w+)`", text))
    assert len(named) > 50
    assert named <= modules


@pytest.mark.parametrize("page", WRAPPED, ids=lambda page: page.name)
def test_lines_fit_a_screen(page: Path) -> None:
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    long = [
        line
        for line in text.splitlines()
        if len(line) > LINE_LENGTH and not line.startswith(("|", "[")) and " " in line[4:]
    ]
    assert long == []
