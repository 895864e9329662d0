"""Finds modules above 400 lines and functions above 60."""

import ast
from collections.abc import Iterator
from pathlib import Path
import sys
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("custom_components", "simulators", "harness", "benchmarks")
MODULE_MAX: Final = 400  # lines
FUNCTION_MAX: Final = 60  # lines, including signature and docstring


def too_large(path: Path) -> Iterator[str]:
    """Yield the oversized parts of a file, as lines for the terminal."""
    source = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT)
    if (lines := source.count("\n")) > MODULE_MAX:
        yield f"{name}: {lines} lines, more than {MODULE_MAX}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_MAX:
                yield f"{name}:{node.lineno}: {node.name} has {length} lines, more than {FUNCTION_MAX}"


def main() -> int:
    """Print all findings; return 1 if there are any."""
    files = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    findings = [line for path in files for line in too_large(path)]
    print("\n".join(findings) or "All modules and functions fit.")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
