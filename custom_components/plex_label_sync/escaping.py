"""Names of people, titles and libraries come from others: how they are shown as nothing but text.

Home Assistant renders the texts of Repairs and of forms as Markdown, with what is filled in. What
is no Markdown (the logbook, errors, choices in a form) needs `one_line` only.
"""

import re
from typing import Final

LENGTH_MAX: Final = 200  # characters of a name that are shown
_JOINER: Final = "\u200d"  # holds an emoji of several parts together

# What means something within a line.
_WITHIN: Final = re.compile(r"[\\`*_{}\[\]<>|~@&#!$=]|:(?=//)|(?<=www)\.", re.IGNORECASE)


def one_line(text: str) -> str:
    """Return a name on one line, without signs that cannot be seen, and cut where it is long."""
    visible = "".join(char if char.isprintable() or char == _JOINER else " " for char in text)
    line = " ".join(visible.split()).strip(_JOINER)
    return f"{line[: LENGTH_MAX - 1]}…" if len(line) > LENGTH_MAX else line


def as_markdown(text: str) -> str:
    """Return a name for a Markdown text, in which nothing of it is a sign, a link or a tag."""
    escaped = _WITHIN.sub(r"\\\g<0>", one_line(text)) or "?"
    if escaped[0] in "-+":
        return f"\\{escaped}"
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", escaped)


def as_code(text: str) -> str:
    """Return a text as a piece of code in Markdown, in which nothing is a sign."""
    line = one_line(text) or "?"
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"
