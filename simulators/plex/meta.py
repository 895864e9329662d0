"""Filters and sort fields of a section, which python-plexapi reads before it searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulators.plex.items import Library

type Row = dict[str, Any]

FILTERS = (("label", "string", "Labels"), ("title", "string", "Title"))
SORTS = (("titleSort", "asc", "Title"), ("addedAt", "desc", "Date Added"))
FIELDS = (("title", "string", "Title"), ("label", "tag", "Label"))
OPERATORS = {
    "tag": (("=", "is"), ("!=", "is not")),
    "string": (("=", "contains"), ("!=", "does not contain"), ("==", "is"), ("!==", "is not")),
    "integer": (("=", "is"), ("!=", "is not"), (">>=", "is greater than"), ("<<=", "is less than")),
    "date": (("<<=", "is before"), (">>=", "is after")),
}


def section_meta(library: Library, number: int, kind: str) -> Row:
    """Return the `Meta` element of a listing with `includeMeta=1`."""
    prefix = "" if kind == "movie" else f"{kind}."
    return {
        "Type": [
            {
                "key": f"/library/sections/{library.key}/all?type={number}",
                "type": kind,
                "title": f"{kind.capitalize()}s",
                "active": True,
                "Filter": section_filters(library, number),
                "Sort": section_sorts(),
                "Field": [
                    {"key": prefix + key, "title": title, "type": type_}
                    for key, type_, title in FIELDS
                ],
            }
        ],
        "FieldType": [
            {"type": name, "Operator": [{"key": key, "title": title} for key, title in operators]}
            for name, operators in OPERATORS.items()
        ],
    }


def section_filters(library: Library, number: int) -> list[Row]:
    """Return the filters of a section."""
    return [
        {
            "filter": name,
            "filterType": kind,
            "key": f"/library/sections/{library.key}/{name}?type={number}",
            "title": title,
            "type": "filter",
        }
        for name, kind, title in FILTERS
    ]


def section_sorts() -> list[Row]:
    """Return the sort fields of a section."""
    return [
        {"defaultDirection": direction, "descKey": f"{key}:desc", "key": key, "title": title}
        for key, direction, title in SORTS
    ]
