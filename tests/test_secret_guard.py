"""The guard of the secrets works: a run of pytest of its own, with tests that leak and tests that do not."""

from pathlib import Path
import subprocess
import sys

from homeassistant.core import HomeAssistant
import pytest

from .secret_guard import GUARD

ROOT = Path(__file__).resolve().parent.parent
SECRET = "tok/en-that&nobody-may-see"

TESTS = f"""
import logging
import pytest
from urllib.parse import quote

LOG = logging.getLogger("a.room")

@pytest.fixture(autouse=True)
def world(known_secrets):
    known_secrets.add({SECRET!r})

def test_clean():
    LOG.warning("all is well")

def test_leak_by_argument():
    LOG.debug("token is %s", {SECRET!r})

def test_leak_in_an_address():
    LOG.info("asking http://host/?token=%s", quote({SECRET!r}, safe=""))

def test_leak_in_a_traceback():
    try:
        raise ValueError({SECRET!r})
    except ValueError:
        LOG.exception("it failed")

def test_access_log_of_the_far_end():
    logging.getLogger("aiohttp.access").info("GET /?token=%s", {SECRET!r})

def test_too_short(known_secrets):
    known_secrets.add("abc")
"""
FIXTURES = """
from tests.secret_guard import (
    _listen_to_all_loggers, _search_for_secrets, known_secrets, pytest_runtest_makereport,
)
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says about these tests."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "conftest.py").write_text(FIXTURES)
    (folder / "test_it.py").write_text(TESTS)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:homeassistant", "-p", "no:cacheprovider", "-rA"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize(
    "name",
    [
        "test_leak_by_argument",
        "test_leak_in_an_address",
        "test_leak_in_a_traceback",
        "test_too_short",
    ],
)
def test_a_leaking_test_fails(report: str, name: str) -> None:
    assert f"ERROR test_it.py::{name}" in report


@pytest.mark.parametrize("name", ["test_clean", "test_access_log_of_the_far_end"])
def test_a_clean_test_passes(report: str, name: str) -> None:
    assert f"PASSED test_it.py::{name}" in report
    assert f"ERROR test_it.py::{name}" not in report


def test_the_failure_names_logger_and_template(report: str) -> None:
    assert "a.room: token is %s" in report
    assert "a.room: asking http://host/?token=%s" in report
    assert "a.room: it failed" in report


def test_the_secret_is_not_in_the_captured_logs(report: str) -> None:
    sections = [part.partition("\n----")[0] for part in report.split("Captured log call")[1:]]
    assert any("token is" in section for section in sections)
    assert not any(SECRET in section for section in sections)


async def test_events_of_home_assistant_are_searched(
    hass: HomeAssistant, known_secrets: set[str]
) -> None:
    known_secrets.update(("secret-of-an-event", "secret-of-a-state"))
    hass.bus.async_fire("happened", {"text": "secret-of-an-event"})
    hass.states.async_set("sensor.it", "on", {"text": "secret-of-a-state"})
    hass.states.async_set("sensor.it", "on", {"text": "nothing"})
    assert GUARD.leaks() == ["homeassistant.core: happened", "homeassistant.core: state_changed"]
