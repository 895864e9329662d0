"""How Markdown renders a text with escaped names."""

import re
from typing import Final

# Names with an effect unless they are shown as plain text.
HOSTILE: Final = (
    "![x](https://evil.example/x.png)",
    "[a](https://evil.example)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{ states('sensor.secret') }}",
    "{% for x in y %}",
    "{# gone #}",
    "{name} {0} {name!r}",
    "`code` ``more``",
    "**bold** _italic_ ~~gone~~",
    "line\nbreak\r\n# head\n\n- item",
    "https://evil.example WWW.evil.example www.evil.example",
    "somebody@evil.example",
    "- item",
    "+ item",
    "1. item",
    "12) item",
    "# head",
    "> quote",
    "| a | b |",
    "&lt;b&gt; &amp;",
    "\\",
    "ends with \\",
    "$x$ ==marked==",
    "\u202eevil\u202c",
    "[!NOTE]",
    "<https://evil.example>",
    "a" * 5000,
)

_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_SIGNS: Final = re.compile(r"[\\`*_\[\]<>|~@&]|://|www\.", re.IGNORECASE)


def as_shown(text: str) -> str:
    """Return a text without the escaping backslashes."""
    return _ESCAPED.sub(r"\1", text)


def signs_in(text: str) -> list[str]:
    """Return the Markdown syntax that is still active in a line."""
    return _SIGNS.findall(_ESCAPED.sub("", text))
