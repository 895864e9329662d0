"""Checks that the tests named in a text or a table exist."""

from collections.abc import Iterable
import re

from .guards import ROOT


def missing_tests(names: Iterable[str]) -> list[str]:
    """Return the names (`tests/file.py` or `tests/file.py::test`) that do not exist."""
    return sorted({name for name in names if not _is_there(name)})


def _is_there(name: str) -> bool:
    path, _, test = name.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    defined = re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE)
    return not test or test in defined
