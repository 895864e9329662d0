"""The integration's texts, and what a page must never show in their place."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from harness.checkout import INTEGRATION

# Missing or unformatted texts of the integration. {fields} of the label format are literal.
FIELDS: Final = "username|alias|display_name|user_id|type"
FLAWS: Final = (
    re.compile(r"\S*\bcomponent\.[a-z_]+\.\S*"),
    re.compile(r"\b(?:config|options|issues|selector|entity|services)\.(?:step|[a-z_]+\.)\S*"),
    re.compile(rf"\{{(?!(?:{FIELDS})\}})[a-z_]+\}}"),
    re.compile(r"Translation error\S*"),
    re.compile(r"\b(?:undefined|NaN)\b|\[object Object\]"),
)


def flaws(words: str) -> list[str]:
    """Return what a user should not read: keys of missing texts, unfilled placeholders."""
    return [found[0] for flaw in FLAWS for found in flaw.finditer(words)]


class Texts:
    """The integration's texts in one language."""

    def __init__(self, language: str) -> None:
        file = INTEGRATION / "translations" / f"{language}.json"
        self.language = language
        self._texts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))

    def __getitem__(self, path: str) -> Any:  # noqa: ANN401
        """Return the entry at a path, as in `config.step.user.title`. Raises KeyError."""
        found: Any = self._texts
        for key in path.split("."):
            found = found[key]
        return found

    def has(self, text: str) -> bool:
        """Return whether a text is one of the integration's."""
        return text in _strings(self._texts)

    def pieces(self, path: str) -> list[str]:
        """Return the readable parts of all texts below a path: without placeholders and markup."""
        return [piece for text in _strings(self[path]) for piece in pieces(text)]


def languages() -> list[str]:
    """Return the integration's languages."""
    return sorted(file.stem for file in (INTEGRATION / "translations").glob("*.json"))


def pieces(text: str) -> list[str]:
    """Return the parts of a text that a page must show word for word."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\n\1\n", text)
    parts = re.split(r"\{\w+\}|\*+|`|\n(?:- )?", plain)
    return [piece for part in parts if re.search(r"\w{2}", piece := " ".join(part.split()))]


def _strings(branch: Any) -> list[str]:  # noqa: ANN401
    if isinstance(branch, str):
        return [branch]
    return [text for value in branch.values() for text in _strings(value)]
