"""Fixtures of tests in which Home Assistant's files are files."""

from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
import pytest


@pytest.fixture(autouse=True)
def own_configuration(hass: HomeAssistant, tmp_path: Path) -> None:
    """Use a directory of the test's own."""
    hass.config.config_dir = str(tmp_path)


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Return nothing in place of files: the test client asks for it."""
    return {}
