"""Paths in the checkout."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
INTEGRATION: Final = ROOT / "custom_components" / "plex_label_sync"
BLUEPRINTS: Final = ROOT / "blueprints"
IMAGES: Final = ROOT / "docs" / "images"
ARTIFACTS: Final = ROOT / ".artifacts"
DEMO: Final = ROOT / ".demo"
