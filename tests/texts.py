"""The integration's texts in every language, and their placeholders."""

from __future__ import annotations

import ast
import json
from pathlib import Path
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPONENT: Final = Path(__file__).parent.parent / "custom_components" / "plex_label_sync"

type Tree = dict[str, Any]


def read_json(name: str) -> Tree:
    """Return one of the integration's JSON files."""
    content: Tree = json.loads((COMPONENT / name).read_text(encoding="utf-8"))
    return content


TEXTS: Final = read_json("translations/en.json")

# Not allowed in texts: addresses and tags, unresolved references, placeholders in quotes (which
# would be shown as they are), braces without a name, and invisible white space. French wants a
# non-breaking space before : ; ? ! ».
UNSOUND: Final = re.compile(
    r"""://|www\.|</?[a-zA-Z]|\[%|'\{|\}'
    |\{(?![a-z_]+\})|(?<![a-z_])\}
    |^\s|\s\Z|[^\S\n]{2}|[^\S\n]\n|\n[^\S\n]|\n{3}|[\t\r\v\f]|[ ][,.:;?!»]|«[ ]""",
    re.VERBOSE,
)


def placeholders(text: str) -> set[str]:
    """Return the names of a text's placeholders."""
    return set(re.findall(r"\{([^{}]*)\}", text))


def leaves(tree: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every text with the keys that lead to it."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def nodes() -> Iterator[ast.AST]:
    """Yield every node of the integration's syntax trees."""
    for path in sorted(COMPONENT.rglob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))
