"""Records that the translations match the current English texts.

`tests/translation_digests.json` holds a short hash of each English text as of the last check. Run
this after changing English texts and checking them in every other language.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
ENGLISH: Final = ROOT / "custom_components" / "plex_label_sync" / "translations" / "en.json"
DIGESTS: Final = ROOT / "tests" / "translation_digests.json"


def digests(texts: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the hash of each text by its key path, joined with dots."""
    found: dict[str, str] = {}
    for key, value in texts.items():
        if isinstance(value, dict):
            found |= digests(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = hashlib.sha256(value.encode()).hexdigest()[:12]
    return found


if __name__ == "__main__":
    current = digests(json.loads(ENGLISH.read_text(encoding="utf-8")))
    DIGESTS.write_text(json.dumps(current, indent=2) + "\n", encoding="utf-8")
    print(f"{len(current)} texts recorded in {DIGESTS.relative_to(ROOT)}")
