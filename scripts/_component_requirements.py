"""Prints what some of Home Assistant's own integrations install at their first start, one requirement a line.

Run by the Python of an environment that has Home Assistant. With these installed beforehand, a Home Assistant
that uses the integrations starts without a network.
"""

from importlib.util import find_spec
import json
from pathlib import Path
import sys


def manifests(names: list[str], components: Path) -> list[dict[str, list[str]]]:
    """Return the manifests of the named integrations and of all they depend on."""
    seen: set[str] = set()
    found: list[dict[str, list[str]]] = []
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        path = components / name / "manifest.json"
        if name in seen or not path.exists():
            continue
        seen.add(name)
        manifest = json.loads(path.read_text(encoding="utf-8"))
        found.append(manifest)
        waiting.extend(manifest.get("dependencies", []))
    return found


def main() -> None:
    """Print the requirements of the integrations named on the command line."""
    spec = find_spec("homeassistant")
    if spec is None or spec.origin is None:
        sys.exit("Home Assistant is not installed here")
    components = Path(spec.origin).parent / "components"
    wanted = {
        requirement
        for manifest in manifests(sys.argv[1:], components)
        for requirement in manifest.get("requirements", [])
    }
    print("\n".join(sorted(wanted)))


if __name__ == "__main__":
    main()
