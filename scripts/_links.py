"""Checks the links of the documents: every target file and heading must exist.

Usage: _links.py [FILE]...; without files all Markdown files of the repository. Links to other sites
are not checked, so no network is needed. Prints the dead links and exits with 1 if there are any.
"""

from pathlib import Path
import re
import subprocess
import sys
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+).+?\1", re.DOTALL)
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s+<?(\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def documents() -> list[Path]:
    """Return the Markdown files of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def slugs(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub creates them."""
    found: dict[str, int] = {}
    anchors = set(ANCHOR.findall(text))
    for heading in HEADING.findall(FENCE.sub("", text)):
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        anchors.add(f"{slug}-{count}" if count else slug)
    return anchors


def links(text: str) -> list[str]:
    """Return the targets of a document's links, except those in code."""
    plain = CODE.sub("", FENCE.sub("", text))
    return [*LINK.findall(plain), *REFERENCE.findall(plain)]


def dead_links(path: Path) -> list[str]:
    """Return the dead links of a document."""
    text = path.read_text(encoding="utf-8")
    dead = []
    for link in links(text):
        if ELSEWHERE.match(link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = path if not name else (path.parent / name).resolve()
        if not target.exists() or (
            anchor
            and target.suffix == ".md"
            and anchor not in slugs(target.read_text(encoding="utf-8"))
        ):
            dead.append(link)
    return dead


def main() -> int:
    """Check the documents and return the exit code."""
    paths = [Path(name).resolve() for name in sys.argv[1:]] or documents()
    dead = [(path, link) for path in paths for link in dead_links(path)]
    for path, link in dead:
        print(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}: {link}")
    print(f"{len(paths)} documents, {len(dead)} links that lead nowhere.")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
