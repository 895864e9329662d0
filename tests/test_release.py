"""A release: the zip is what the installer wants, and what is in it can be set up in a bare Home Assistant."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
import json
from pathlib import Path
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final
import zipfile

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parent.parent
INTEGRATION: Final = ROOT / "custom_components" / "plex_label_sync"

# Runs in a process of its own, which knows nothing of this checkout.
REHEARSAL: Final = """
import asyncio
import sys

from homeassistant import loader
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_test_home_assistant

CONFIG = sys.argv[1]


async def rehearse():
    async with async_test_home_assistant(config_dir=CONFIG) as hass:
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS, None)
        integration = await loader.async_get_integration(hass, "plex_label_sync")
        assert str(integration.file_path).startswith(CONFIG), integration.file_path
        assert await async_setup_component(hass, "plex_label_sync", {})
        menu = await hass.config_entries.flow.async_init(
            "plex_label_sync", context={"source": "user"}
        )
        assert menu["step_id"] == "user", menu
        form = await hass.config_entries.flow.async_configure(
            menu["flow_id"], {"next_step_id": "plex_manual"}
        )
        assert form["step_id"] == "plex_manual", form
        for platform in ("sensor", "repairs", "diagnostics", "system_health", "logbook"):
            await integration.async_get_platform(platform)
        print("version", integration.version)
        await hass.async_stop(force=True)


asyncio.run(rehearse())
"""


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a program."""
    return subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Make the zip as the workflow does, by the name under which the installer looks for it."""
    name = json.loads((ROOT / "hacs.json").read_text())["filename"]
    target = tmp_path / str(name)
    made = run(sys.executable, "scripts/_zip.py", target, "--notes", tmp_path / "notes.md")
    assert made.returncode == 0, made.stdout + made.stderr
    return target


def test_zip_holds_the_integration_at_its_root_and_nothing_else(archive: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
        manifest = json.loads(content.read("manifest.json"))
    assert manifest["domain"] == "plex_label_sync"
    assert {"__init__.py", "translations/en.json", "brand/icon.png", "sync/engine.py"} <= set(names)
    there = {
        path.relative_to(INTEGRATION).as_posix()
        for path in INTEGRATION.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(names) == there


def test_same_files_make_the_same_zip(archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    assert run(sys.executable, "scripts/_zip.py", again).returncode == 0
    assert again.read_bytes() == archive.read_bytes()


def test_notes_are_the_newest_section_of_the_changelog(archive: Path) -> None:
    notes = (archive.parent / "notes.md").read_text()
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = changelog.split("\n## ")[1].partition("\n")[2]
    assert notes.split() == newest.split()
    assert len(notes) > 100


def test_lines_of_the_notes_are_joined(archive: Path) -> None:
    # GitHub shows the end of a line in a release's text as one.
    notes = (archive.parent / "notes.md").read_text().splitlines()
    assert all(
        not line or line.startswith(("- ", "#")) or before == ""
        for before, line in zip(["", *notes], notes, strict=False)
    )


def join() -> Callable[[str], str]:
    """Return the function that joins lines, from the script."""
    spec = spec_from_file_location("_zip", ROOT / "scripts" / "_zip.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    joined: Callable[[str], str] = module.joined
    return joined


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("one\ntwo", "one two"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("- one\n  two\n- three", "- one two\n- three"),
        ("### Head\ntext\n  more", "### Head\ntext more"),
        ("- one\n  - two\n    three", "- one\n  - two three"),
    ],
)
def test_wrapped_lines_are_joined(text: str, joined: str) -> None:
    assert join()(text) == joined


def test_zip_can_be_installed_and_set_up_in_a_bare_home_assistant(
    archive: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    folder = config / "custom_components" / "plex_label_sync"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)

    done = run(sys.executable, "-c", REHEARSAL, config, cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads((INTEGRATION / "manifest.json").read_text())
    assert f"version {manifest['version']}" in done.stdout


def test_workflow_publishes_the_file_that_the_installer_looks_for() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_text())
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    assert hacs["zip_release"] is True
    checked = [step.get("run", "") for step in workflow["jobs"]["check"]["steps"]]
    assert "scripts/rehearse" in checked
    publish = workflow["jobs"]["publish"]
    assert publish["needs"] == "check"
    commands = [step.get("run", "") for step in publish["steps"]]
    made = [re.search(r"_zip\.py (\S+)", command) for command in commands]
    assert [one[1] for one in made if one] == [hacs["filename"]]
    assert any(f'gh release create "$TAG" {hacs["filename"]}' in one for one in commands)


# The links


def test_every_link_of_the_documents_leads_somewhere() -> None:
    done = run(sys.executable, "scripts/_links.py")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("# A\n[x](#a)", []),
        ("# A\n[x](#b)", ["#b"]),
        ("[x](there.md)", []),
        ("[x](gone.md)", ["gone.md"]),
        ("![x](gone.png)", ["gone.png"]),
        ("[x](there.md#head-line)", []),
        ("[x](there.md#head)", ["there.md#head"]),
        ("[![x](there.md)](gone.md)", ["gone.md"]),
        ("`[x](gone.md)`\n```\n[x](gone.md)\n```", []),
        ("[x](https://example.com/gone)", []),
        ("[x]: gone.md", ["gone.md"]),
        ("# A\n# A\n[x](#a-1)", []),
    ],
)
def test_link_that_leads_nowhere_is_found(tmp_path: Path, text: str, dead: list[str]) -> None:
    (tmp_path / "there.md").write_text("# Head, `line`\n")
    page = tmp_path / "page.md"
    page.write_text(text)

    done = run(sys.executable, "scripts/_links.py", page)

    found = [line.rpartition(": ")[2] for line in done.stdout.splitlines()[:-1]]
    assert found == dead
    assert done.returncode == bool(dead)
