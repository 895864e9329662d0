"""Escape untrusted names of people, titles and libraries, so that they show as plain text.

Home Assistant renders the texts of repair issues and forms as Markdown, including placeholders.
Text that is not Markdown (logbook, errors, choices in a form) needs `one_line` only.
"""

import re
from typing import Final

LENGTH_MAX: Final = 200  # characters of a name
_JOINER: Final = "\u200d"  # zero-width joiner, part of compound emoji

# Characters with a meaning in inline Markdown.
_WITHIN: Final = re.compile(r"[\\`*_{}\[\]<>|~@&#!$=]|:(?=//)|(?<=www)\.", re.IGNORECASE)


def one_line(text: str) -> str:
    """Return a name on one line, without invisible characters and truncated if it is long."""
    visible = "".join(char if char.isprintable() or char == _JOINER else " " for char in text)
    line = " ".join(visible.split()).strip(_JOINER)
    return f"{line[: LENGTH_MAX - 1]}…" if len(line) > LENGTH_MAX else line


def as_markdown(text: str) -> str:
    """Return a name escaped for Markdown, so that it contains no markup, links or tags."""
    escaped = _WITHIN.sub(r"\\\g<0>", one_line(text)) or "?"
    if escaped[0] in "-+":
        return f"\\{escaped}"
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", escaped)


def as_code(text: str) -> str:
    """Return a text as a Markdown code span, in which nothing is markup."""
    line = one_line(text) or "?"
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"
