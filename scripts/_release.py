"""Checks that all versions agree: manifest, project, changelog and, if given, the tag.

Usage: _release.py [TAG]; a tag may start with "v". Prints the differences and exits with 1 if there
are any.
"""

import json
from pathlib import Path
import re
import sys
import tomllib

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "custom_components" / "plex_label_sync" / "manifest.json"


def versions(tag: str | None) -> dict[str, str]:
    """Return the version in each place."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[?v?(\d[^\s\]]*)", changelog, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {
        "manifest.json": json.loads(MANIFEST.read_text(encoding="utf-8"))["version"],
        "pyproject.toml": project["project"]["version"],
        "CHANGELOG.md": newest[1] if newest else "none",
    }
    return found if tag is None else {**found, "tag": tag.removeprefix("v")}


def main() -> int:
    """Compare the versions and return the exit code."""
    found = versions(sys.argv[1] if len(sys.argv) > 1 else None)
    if len(set(found.values())) == 1:
        print(f"Version {found['manifest.json']} everywhere.")
        return 0
    print("The versions differ: " + ", ".join(f"{where} {which}" for where, which in found.items()))
    return 1


if __name__ == "__main__":
    sys.exit(main())
