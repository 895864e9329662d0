"""The repository itself: versions agree, files that others read have the shape they expect, nothing private is in it."""

import ast
import json
from pathlib import Path
import re
import stat
import subprocess
import sys
import tomllib

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPONENTS = ROOT / "custom_components"

# Written in halves, so that this file does not hold what it looks for.
PRIVATE = (
    r"(?<![\w.}])/(?:ro" + r"ot|wo" + r"rk|ho" + r"me/\w+|Us" + r"ers/\w+)/",
    r"py" + r"pi\.org",
    r"pythonho" + r"sted\.org",
    r"deb\.deb" + r"ian\.org",
    r"registry\.np" + r"mjs\.org",
)
PICTURES = {".png", ".jpg", ".ico"}
HACS_KEYS = {  # any other key fails the HACS check
    "content_in_root",
    "country",
    "filename",
    "hacs",
    "hide_default_branch",
    "homeassistant",
    "name",
    "persistent_directory",
    "zip_release",
}


BROKEN = "<testcase><failure/><error/></testcase>"  # it failed, and so did its clean-up
LITTER = "<testcase><error/></testcase>"  # only its clean-up failed


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the repository."""
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def files() -> list[Path]:
    """Return the files that belong to the repository, new ones too."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    assert listed.returncode == 0, listed.stderr
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def settings() -> dict[str, str]:
    """Return what pyproject.toml says about the project."""
    project: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def test_the_version_is_the_same_everywhere() -> None:
    answer = run(sys.executable, "scripts/_release.py")
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(("prefix", "fits"), [("", True), ("v", True), ("v9", False)])
def test_a_release_is_only_made_from_the_tag_of_its_version(prefix: str, fits: bool) -> None:
    answer = run(sys.executable, "scripts/_release.py", f"{prefix}{settings()['version']}")
    assert (answer.returncode == 0) is fits, answer.stdout


def test_the_installer_finds_exactly_one_integration() -> None:
    folders = [path for path in COMPONENTS.iterdir() if path.is_dir() and path.name[0] not in "_."]
    assert [folder.name for folder in folders] == ["plex_label_sync"]
    manifest = json.loads((folders[0] / "manifest.json").read_text())
    assert manifest["domain"] == "plex_label_sync"


def test_hacs_json_has_known_keys_and_the_oldest_supported_release() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_text())
    assert set(hacs) <= HACS_KEYS
    assert hacs["name"] == "Plex Label Sync"
    floor = (ROOT / "requirements_test_floor.txt").read_text()
    tested = re.search(r"Home Assistant \((\d+\.\d+)\.", floor)
    assert tested
    assert hacs["homeassistant"] == f"{tested[1]}.0"


def test_what_is_tested_with_is_pinned() -> None:
    for name in ("newest", "floor"):
        text = (ROOT / f"requirements_test_{name}.txt").read_text()
        assert re.search(r"^pytest-homeassistant-custom-component==\d", text, re.MULTILINE)
        assert re.search(r"^plexapi==\d", text, re.MULTILINE)
    text = (ROOT / "requirements_home_assistant.txt").read_text()
    assert re.search(r"^homeassistant==\d", text, re.MULTILINE)


def test_every_action_of_a_workflow_is_pinned() -> None:
    used: list[str] = []
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        used += re.findall(r"uses: *(.*)", path.read_text())
    assert used
    for action in used:
        # A tag can be moved to something else, a commit cannot; the version is for people.
        assert re.search(r"@[0-9a-f]{40} # (v\d+\.\d+\.\d+|main|master)", action), action


def test_the_issue_forms_can_be_read() -> None:
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text())
        if path.name != "config.yml":
            assert {"name", "description", "body"} <= set(form)
            fields = [field["id"] for field in form["body"] if field["type"] != "markdown"]
            assert len(fields) == len(set(fields))


def test_someone_whose_set_up_fails_can_fill_in_a_form() -> None:
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "set_up.yml").read_text())
    fields = {field.get("id"): field for field in form["body"]}
    # Nothing that only a running entry could tell is asked for, or must be filled in.
    assert "diagnostics" not in fields
    needed = {
        name for name, field in fields.items() if field.get("validations", {}).get("required")
    }
    assert needed == {"where", "shown", "home-assistant", "installation"}


def test_owners_are_those_of_the_manifest() -> None:
    manifest = json.loads((COMPONENTS / "plex_label_sync" / "manifest.json").read_text())
    owners = (ROOT / ".github" / "CODEOWNERS").read_text()
    assert re.findall(r"@[\w/-]+", owners) == manifest["codeowners"]


def test_what_a_contributor_needs_is_there() -> None:
    for name in ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", ".editorconfig"):
        assert (ROOT / name).stat().st_size > 100
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert (ROOT / container["postCreateCommand"]).is_file()
    assert "python:3.14" in container["image"]  # what scripts/setup looks for
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]  # nothing is downloaded


def test_commands_can_be_run() -> None:
    commands = [path for path in files() if path.parent.name == "scripts" and not path.suffix]
    commands.append(ROOT / ".ci" / "run")
    assert {"lint", "run", "setup", "test"} <= {path.name for path in commands}
    for path in commands:
        assert path.read_text().startswith("#!/usr/bin/env "), path
        assert path.stat().st_mode & stat.S_IXUSR, path


def paths_of(part: str) -> set[str]:
    """Return what a part of the tests is made of."""
    answer = run("scripts/test", "--part", part, "--paths")
    assert answer.returncode == 0, answer.stderr
    return set(answer.stdout.split())


def test_every_test_belongs_to_one_part_and_the_workflow_runs_all_parts() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    parts = workflow["jobs"]["part"]["strategy"]["matrix"]["part"]
    of_parts = {part: paths_of(part) for part in parts}
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        if re.fullmatch(r"tests/(.*/)?test_[^/]*\.py", name):
            owners = [
                part
                for part, paths in of_parts.items()
                if any(name == one or name.startswith(f"{one}/") for one in paths)
            ]
            assert len(owners) == 1, (name, owners)


# Functions of the tests and of their tools that fail by themselves, beside those named assert_….
ASSERTING = {"raises", "silence", "run_state_machine_as_test"}


def asserts(test: ast.AST) -> bool:
    """Tell whether a test states anything."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in ASSERTING or called.startswith("assert_"):
                return True
    return False


def test_every_test_states_something() -> None:
    tests = [
        (f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node)
        for path in files()
        if path.suffix == ".py" and path.is_relative_to(ROOT / "tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]
    assert len(tests) > 1000
    assert [name for name, node in tests if not asserts(node)] == []


def test_a_part_that_does_not_exist_is_refused() -> None:
    answer = run("scripts/test", "--part", "everything", "--paths")
    assert answer.returncode != 0
    assert "core, home-assistant, simulators or end-to-end" in answer.stderr


def test_nothing_names_a_machine_or_a_host_of_packages() -> None:
    pattern = re.compile("|".join(PRIVATE))
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        if path.suffix not in PICTURES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("reports", "says", "code"),
    [
        (
            {"a": ("<testsuite><testcase><skipped/></testcase></testsuite>", 0)},
            "0 passed, 0 failed, 1 skipped",
            0,
        ),
        ({"a": ("<testsuite><testcase/></testsuite>", 0)}, "1 passed, 0 failed", 0),
        (
            {
                "a": ("<testsuite><testcase/></testsuite>", 0),
                "b": (
                    f"<testsuite><testcase/><testcase/>{BROKEN}{LITTER}</testsuite>",
                    1,
                ),
            },
            "3 passed, 2 failed",
            1,
        ),
        ({"a": ("", 3)}, "0 passed, 1 failed", 1),
        ({"a": ("<testsuite/>", 5)}, "no test ran", 1),
        (
            {"a": ("<testsuite><testcase/></testsuite>", 0), "b": ("<testsuite/>", 5)},
            "1 passed, 0 failed",
            0,
        ),
        ({"a": ("<testsuite><testcase/></testsuite>", 2)}, "1 passed, 1 failed", 1),
    ],
)
def test_the_stages_are_added_up(
    tmp_path: Path, reports: dict[str, tuple[str, int]], says: str, code: int
) -> None:
    arguments: list[str] = []
    for name, (xml, exit_code) in reports.items():
        path = tmp_path / f"{name}.xml"
        path.write_text(xml)
        arguments += [name, str(path), str(exit_code), "1"]
    answer = run(sys.executable, "scripts/_junit_sum.py", *arguments)
    assert says in answer.stdout + answer.stderr
    assert answer.returncode == code


@pytest.mark.parametrize(
    ("second", "code", "says", "unsteady"),
    [
        ("<testcase name='a' classname='t'/>", 0, "2 passed, 0 failed", ["once: t::a"]),
        (f"<testcase name='a' classname='t'>{'<failure/>'}</testcase>", 1, "1 failed", []),
        ("<testcase name='a' classname='t'><skipped/></testcase>", 1, "1 failed", []),
        ("", 2, "1 failed", []),
    ],
)
def test_what_passes_only_the_second_time_is_named_as_unsteady(
    tmp_path: Path, second: str, code: int, says: str, unsteady: list[str]
) -> None:
    first = (
        "<testcase name='a' classname='t'><failure/></testcase><testcase name='b' classname='t'/>"
    )
    report = tmp_path / "one.xml"
    report.write_text(f"<testsuite>{first}</testsuite>")
    (tmp_path / "one-again.xml").write_text(f"<testsuite>{second}</testsuite>")
    answer = run(sys.executable, "scripts/_junit_sum.py", "once", str(report), str(code), "1")
    assert says in answer.stdout
    assert answer.returncode == int(code > 0)
    assert ("UNSTEADY" in answer.stdout) is bool(unsteady)
    written = tmp_path / "unsteady.txt"
    assert (written.read_text().splitlines() if unsteady else []) == unsteady
    assert written.exists() is bool(unsteady)


def test_what_the_oldest_home_assistant_is_spared_exists() -> None:
    listed = re.search(r"SAME_ON_BOTH=\(([^)]*)\)", (ROOT / "scripts" / "test").read_text())
    assert listed is not None
    assert [path for path in listed[1].split() if not (ROOT / path).exists()] == []
