"""Shared test setup: importable integration, loopback sockets only, no secrets in logs."""

import os
from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from hypothesis import HealthCheck, Phase, settings
import pytest

# Must come before the first test: the test package has its own `custom_components`, which would win
# otherwise.
import custom_components  # noqa: F401
from tests.secret_guard import (  # noqa: F401 - pytest finds fixtures and hooks by their names here
    _listen_to_all_loggers,
    _search_for_secrets,
    known_secrets,
    pytest_runtest_makereport,
    watch_events,
)

HERE = Path(__file__).parent
TEST_PACKAGE = "homeassistant"  # the plugin name of pytest-homeassistant-custom-component

# The test package has autouse fixtures; running only once per property test is intended.
settings.register_profile(
    "dev", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("ci", settings.get_profile("dev"), print_blob=True, derandomize=True)
# These runs only need to know whether a test fails, not the smallest failing case.
settings.register_profile(
    "mutants",
    settings.get_profile("ci"),
    phases=[phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)],
)
# For quick runs during development: few examples.
settings.register_profile("fast", settings.get_profile("ci"), max_examples=15)
settings.register_profile("thorough", settings.get_profile("dev"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_configure(config: pytest.Config) -> None:
    """Register the `ha_env` fixtures, which need Home Assistant in the process."""
    if config.pluginmanager.has_plugin(TEST_PACKAGE):
        config.pluginmanager.import_plugin("tests.ha_env")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip modules that need Home Assistant in the process if its test package is inactive."""
    needs_home_assistant = collection_path.parent == HERE and collection_path.is_file()
    if needs_home_assistant and not config.pluginmanager.has_plugin(TEST_PACKAGE):
        return True
    return None


@pytest.fixture(autouse=True)
def _loopback(request: pytest.FixtureRequest) -> None:
    """Allow connections to 127.0.0.1 only, where the test package forbids sockets."""
    if request.config.pluginmanager.has_plugin(TEST_PACKAGE):
        request.getfixturevalue("socket_enabled")


@pytest.fixture
def hass(hass: HomeAssistant) -> HomeAssistant:
    """Return Home Assistant, able to find the integrations in `custom_components`.

    Its events are searched for secrets as if they were logged, which they are at debug level.
    """
    hass.data.pop(DATA_CUSTOM_COMPONENTS, None)
    watch_events(hass)
    return hass


@pytest.fixture
def enable_custom_integrations(hass: HomeAssistant) -> None:
    """Do nothing, as `hass` has done it; the test package's fixture would fail after that."""
