"""Prints what Home Assistant itself installs at its first start, one requirement per line.

Run it with the Python of an environment that has Home Assistant, with the names of the integrations
in use. With these packages preinstalled, Home Assistant starts without a network.
"""

import ast
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
import json
from pathlib import Path
import sys

OURS = Path(__file__).resolve().parent.parent / "custom_components"


def loaded_by_default() -> set[str]:
    """Return the integrations that Home Assistant always loads or imports."""
    try:
        from homeassistant.bootstrap import DEFAULT_INTEGRATIONS  # noqa: PLC0415 - may fail, see below
        from homeassistant.setup import BASE_PLATFORMS  # noqa: PLC0415
    except ImportError as error:
        print(f"The list of default integrations cannot be read: {error}", file=sys.stderr)
        return set()
    return {*DEFAULT_INTEGRATIONS, *BASE_PLATFORMS}


def of_integrations(names: Iterable[str], components: Path) -> Iterator[str]:
    """Yield the requirements of the named integrations, their dependencies and after-dependencies.

    Home Assistant installs the requirements of an after-dependency even if that is never set up.
    """
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        path = next(
            (
                found
                for folder in (OURS, components)
                if (found := folder / name / "manifest.json").exists()
            ),
            None,
        )
        if name in seen or path is None:
            continue
        seen.add(name)
        manifest = json.loads(path.read_text(encoding="utf-8"))
        yield from manifest.get("requirements", [])
        waiting.extend(manifest.get("dependencies", []))
        waiting.extend(manifest.get("after_dependencies", []))


def of_modules(folder: Path) -> Iterator[str]:
    """Yield the REQUIREMENTS lists of a folder's modules, as login modules have."""
    for path in folder.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.Assign(targets=[ast.Name(id="REQUIREMENTS")], value=value):
                    yield from ast.literal_eval(value)


def main() -> None:
    """Print the requirements of the integrations on the command line and of signing in."""
    spec = find_spec("homeassistant")
    if spec is None or spec.origin is None:
        sys.exit("Home Assistant is not installed here")
    package = Path(spec.origin).parent
    wanted = {
        *of_integrations({*sys.argv[1:], *loaded_by_default()}, package / "components"),
        *of_modules(package / "auth"),
    }
    print("\n".join(sorted(wanted)))


if __name__ == "__main__":
    main()
