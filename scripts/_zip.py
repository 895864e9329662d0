"""Builds a release's zip: the integration, with its files at the root of the zip.

Usage: _zip.py FILE [--notes FILE]; with --notes also writes the newest section of the changelog
there. The same commit gives the same bytes.
"""

from pathlib import Path
import re
import sys
import zipfile

ROOT = Path(__file__).resolve().parent.parent
INTEGRATION = ROOT / "custom_components" / "plex_label_sync"
LEFT_OUT = {"__pycache__"}
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can store


def files() -> list[Path]:
    """Return the files of the integration, sorted."""
    return [
        path
        for path in sorted(INTEGRATION.rglob("*"))
        if path.is_file() and LEFT_OUT.isdisjoint(path.parts) and path.suffix != ".pyc"
    ]


def make_zip(target: Path) -> None:
    """Write the zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files():
            entry = zipfile.ZipInfo(path.relative_to(INTEGRATION).as_posix(), LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def notes() -> str:
    """Return the newest section of the changelog, without its heading. Raises ValueError."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[?v?\d[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if newest is None or not newest[1].strip():
        raise ValueError("CHANGELOG.md says nothing about the newest version.")
    return joined(newest[1].strip()) + "\n"


def joined(text: str) -> str:
    """Join the lines of each paragraph and item: release notes render line breaks literally."""
    lines: list[str] = []
    for line in text.splitlines():
        begins = re.match(r"\s*(?:[-*+] |\d+\. |#|$)", line)
        if begins or not lines or not lines[-1] or lines[-1].startswith("#"):
            lines.append(line.rstrip())
        else:
            lines[-1] += " " + line.strip()
    return "\n".join(lines)


def main() -> int:
    """Build the zip and optionally the notes; return the exit code."""
    match sys.argv[1:]:
        case [target]:
            make_zip(Path(target))
        case [target, "--notes", text]:
            make_zip(Path(target))
            Path(text).write_text(notes(), encoding="utf-8")
        case _:
            print(__doc__)
            return 2
    print(f"{target}: {len(files())} files, {Path(target).stat().st_size} bytes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
