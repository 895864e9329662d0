"""Builds the rows of a response from items and libraries, and renders them as JSON or XML."""

from __future__ import annotations

from dataclasses import dataclass, field
import json
import re
from typing import TYPE_CHECKING, Any, Literal
from xml.sax.saxutils import quoteattr

from simulators.plex.facts import Row, credits_of, media, texts
from simulators.plex.filters import plex_argument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from simulators.plex.items import Item, Library
    from simulators.plex.knobs import PlexKnobs
    from simulators.plex.state import PlexState

_dumps: Callable[[Any], bytes]
try:
    import orjson

    _dumps = orjson.dumps
except ImportError:  # Python's own encoder works too, only slower

    def _dumps(value: Any) -> bytes:  # noqa: ANN401
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_bytes(value: object) -> bytes:
    """Return any value as JSON in UTF-8."""
    return _dumps(value)


LIBRARY_IDENTIFIER = "com.plexapp.plugins.library"
XML_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
FIELD_LISTS_MEAN_ONLY = (1, 0, 0)  # from this API level on, includeFields means "only these"
CREDITS = frozenset({"Genre", "Country", "Director", "Writer", "Role"})


@dataclass(frozen=True, slots=True)
class RowOptions:
    """The requested parts of a row."""

    guids: bool = False
    detailed: bool = False
    labels: Literal["never", "always", "some"] = "never"
    section_on_row: bool = False
    without_elements: frozenset[str] = frozenset()
    only_elements: frozenset[str] | None = None
    without_fields: frozenset[str] = frozenset()
    only_fields: frozenset[str] | None = None

    def element(self, name: str) -> bool:
        """Return whether child elements of this name are wanted."""
        if name in self.without_elements:
            return False
        return self.only_elements is None or name in self.only_elements


def row_options(
    query: Mapping[str, str],
    headers: Mapping[str, str],
    knobs: PlexKnobs,
    *,
    detailed: bool,
    across: bool = False,
) -> RowOptions:
    """Return the requested parts of a row. `across` is for listings over several sections."""
    names = RowOptions(
        guids=detailed or query.get("includeGuids") == "1",
        detailed=detailed,
        labels=knobs.inline_labels
        if not detailed
        else "always"
        if knobs.labels_on_items
        else "never",
        section_on_row=detailed or across,
    )
    if knobs.trimming == "ignored":
        return names
    level = _api_level(plex_argument("X-Plex-Pms-Api-Version", query, headers))
    only_fields = _names(query.get("includeFields")) if level >= FIELD_LISTS_MEAN_ONLY else None
    return RowOptions(
        guids=names.guids,
        detailed=detailed,
        labels=names.labels,
        section_on_row=names.section_on_row,
        without_elements=_names(query.get("excludeElements")) or frozenset(),
        only_elements=_names(query.get("includeElements")),
        without_fields=_names(query.get("excludeFields")) or frozenset(),
        only_fields=only_fields,
    )


def item_row(state: PlexState, item: Item, options: RowOptions) -> Row:
    """Return one item as a row of `Metadata` (JSON) or as `Video`/`Directory` (XML)."""
    base = f"/library/metadata/{item.rating_key}"
    row: Row = {
        "ratingKey": item.rating_key,
        "key": base if item.type == "movie" else f"{base}/children",
        "guid": item.guid,
        "type": item.type,
        "title": item.title,
        **texts(item),
    }
    if item.year:
        row["year"] = item.year
    if item.edition:
        row["editionTitle"] = item.edition
    if item.type == "show":
        row |= {
            "index": 1,
            "childCount": item.seasons,
            "leafCount": item.episodes,
            "viewedLeafCount": 0,
        }
    if item.type == "collection":
        row |= {"subtype": "movie", "childCount": item.episodes, "smart": False}
    row |= {"addedAt": item.added_at, "updatedAt": item.updated_at}
    if options.section_on_row:
        row |= section_of(state.libraries[item.section])
    row = _trimmed(row, options)
    _add_children(row, item, options)
    return row


def section_of(library: Library) -> Row:
    """Return the attributes that name a row's section."""
    return {
        "librarySectionTitle": library.title,
        "librarySectionID": int(library.key),
        "librarySectionKey": f"/library/sections/{library.key}",
    }


def _trimmed(row: Row, options: RowOptions) -> Row:
    if options.only_fields is not None:
        return {name: value for name, value in row.items() if name in options.only_fields}
    for name in options.without_fields:
        row.pop(name, None)
    return row


def _add_children(row: Row, item: Item, options: RowOptions) -> None:
    if item.type == "movie" and options.element("Media"):
        row["Media"] = media(item, streams=options.detailed)
    if item.type != "collection" and not options.without_elements >= CREDITS:
        found = credits_of(item, detailed=options.detailed)
        row |= {name: tags for name, tags in found.items() if options.element(name)}
    if options.guids and item.guids and "Guid" not in options.without_elements:
        row["Guid"] = [{"id": guid} for guid in item.guids]
    shown = options.labels == "always" or (options.labels == "some" and item.number % 2 == 0)
    if shown and item.tags and "Label" not in options.without_elements:
        row["Label"] = [
            {"id": tag.id, "filter": f"label={tag.id}", "tag": tag.text} for tag in item.tags
        ]
    if options.detailed and item.label_locked:
        row["Field"] = [{"locked": True, "name": "label"}]
    if options.detailed and item.type == "show":
        row["Location"] = [{"path": f"/media/shows-{item.section}/{item.title} ({item.year})"}]


def library_row(library: Library, *, owner: bool) -> Row:
    """Return one section as a row of the section list."""
    return {
        "allowSync": owner,
        "art": f"/:/resources/{library.type}-fanart.jpg",
        "composite": f"/library/sections/{library.key}/composite/{library.scanned_at}",
        "filters": True,
        "refreshing": library.refreshing,
        "thumb": f"/:/resources/{library.type}.png",
        "key": library.key,
        "type": library.type,
        "title": library.title,
        "agent": library.agent,
        "scanner": library.scanner,
        "language": "en-US",
        "uuid": library.uuid,
        "updatedAt": library.scanned_at,
        "createdAt": library.created_at,
        "scannedAt": library.scanned_at,
        "content": True,
        "directory": True,
        "contentChangedAt": library.content_changed_at,
        "hidden": 0,
        "Location": [{"id": int(library.key), "path": library.location}],
    }


type BrokenHow = Literal["busy", "no_key", "wrong_types", "bad_bytes", "surrogate", "bad_guid"]
"""An item's defect: requests for it fail with 500, or its row is invalid."""

BAD_BYTES, HALF_A_CHARACTER = "\ue000", "\ue001"  # placeholders for them


def broken_row(row: Row, how: BrokenHow) -> Row:
    """Return a row with an error in it."""
    match how:
        case "no_key":
            return {**row, "ratingKey": ""}
        case "wrong_types":
            return {**row, "Guid": "none", "Label": 7}
        case "bad_bytes":
            return {**row, "title": f"Am{BAD_BYTES}lie"}
        case "surrogate":
            return {**row, "title": f"Am{HALF_A_CHARACTER}lie"}
        case "bad_guid":
            return {**row, "guid": f"plex://movie/{HALF_A_CHARACTER}"}
    return row


def _spoiled(body: bytes) -> bytes:
    """Replace the placeholders with bytes that no encoder would write."""
    for stand_in, wrong in ((BAD_BYTES, b"\xe9"), (HALF_A_CHARACTER, rb"\ud83c")):
        body = body.replace(stand_in.encode(), wrong)
    return body


@dataclass(slots=True)
class Answer:
    """A MediaContainer: attributes, rows of one kind, and other child elements."""

    attributes: Row = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    kind: str = "Metadata"  # the name of the rows in JSON
    extra: Row = field(default_factory=dict)  # Meta and similar elements

    def as_json(self) -> bytes:
        """Return the response as JSON; empty lists are left out, as PMS does."""
        container = {"size": len(self.rows), **self.attributes, **self.extra}
        if self.rows:
            container[self.kind] = self.rows
        return _spoiled(_dumps({"MediaContainer": container}))

    def as_xml(self) -> bytes:
        """Return the response as XML, with numbers and booleans as text."""
        container = {"size": len(self.rows), **self.attributes, **self.extra}
        return xml_document(
            "MediaContainer", container, [(self._element(row), row) for row in self.rows]
        )

    def _element(self, row: Row) -> str:
        if self.kind != "Metadata":
            return self.kind
        return "Video" if row.get("type") in ("movie", "episode") else "Directory"


def xml_document(name: str, row: Row, children: Sequence[tuple[str, Row]] = ()) -> bytes:
    """Return an XML document; lists and dictionaries become child elements, others attributes."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _write_xml(parts, name, row, children)
    return "".join(parts).encode()


def _write_xml(parts: list[str], name: str, row: Row, more: Sequence[tuple[str, Row]]) -> None:
    children = list(more)
    parts.append(f"<{name}")
    for key, value in row.items():
        if isinstance(value, list):
            children.extend((key, child) for child in value)
        elif isinstance(value, dict):
            children.append((key, value))
        elif value is not None:
            parts.append(f" {key}={quoteattr(_xml_text(value))}")
    if not children:
        parts.append("/>\n")
        return
    parts.append(">\n")
    for child_name, child in children:
        _write_xml(parts, child_name, child, ())
    parts.append(f"</{name}>\n")


def _xml_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return XML_FORBIDDEN.sub("", str(value))


def _names(text: str | None) -> frozenset[str] | None:
    return frozenset(text.split(",")) if text else None


def _api_level(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in (text or "0").split(".") if part.isdigit())
