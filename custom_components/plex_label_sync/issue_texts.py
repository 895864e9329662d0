"""Placeholders of repair issues' texts, and the data of their fix flows. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
import json
from typing import TYPE_CHECKING, Final

from .escaping import as_code, as_markdown
from .sync.model import fold

if TYPE_CHECKING:
    from .sync.changes import Row
    from .sync.gaps import OpenGap
    from .sync.label_conflicts import Conflict
    from .sync.model import Gap
    from .texts import Texts

CONFLICTS_MAX: Final = 20  # shown, to keep the issue readable
GAPS_NAMED: Final = 10

type Placeholders = Mapping[str, str]


def no_placeholders(*_args: object, **_kwargs: object) -> Placeholders:
    """Return no placeholders, for a text that names only the entry."""
    return {}


def file_placeholders(files: Iterable[str]) -> Placeholders:
    """Return the names of damaged or missing files."""
    return {"files": ", ".join(files)}


def part_placeholders(left_out: Mapping[str, int]) -> Placeholders:
    """Return the unreadable parts of files with their number."""
    parts = ", ".join(f"{part}: {count}" for part, count in left_out.items())
    return {"parts": as_markdown(parts)}


def library_placeholders(names: Mapping[str, str]) -> Placeholders:
    """Return the names of libraries, given by key."""
    return {"libraries": ", ".join(map(as_markdown, sorted(names.values())))}


def library_keys(names: Mapping[str, str]) -> Placeholders:
    """Return the keys of libraries, for a fix flow."""
    return {"libraries": ",".join(sorted(names))}


def gap_placeholders(gaps: Sequence["OpenGap"], texts: "Texts") -> Placeholders:
    """Return the names of gaps and the time of the oldest."""
    names = list(dict.fromkeys(_gap_name(one.gap) for one in gaps))
    more = f" … (+{len(names) - GAPS_NAMED})" if len(names) > GAPS_NAMED else ""
    return {
        "names": ", ".join(names[:GAPS_NAMED]) + more,
        "since": texts.moment(min(one.since for one in gaps)),
    }


def _gap_name(gap: "Gap") -> str:
    """Return the name of a gap, with the number of unreadable rows if it is partial."""
    return as_markdown(gap.name) + (f" ({gap.rows})" if gap.rows else "")


def row_placeholders(rows: Sequence["Row"]) -> Placeholders:
    """Return the number of rows, in total and by label."""
    counts = Counter(row.label for row in rows)
    lines = (f"- {as_markdown(label)}: {count}" for label, count in counts.most_common())
    return {"count": str(len(rows)), "labels": "\n".join(lines)}


def conflict_placeholders(conflicts: Sequence["Conflict"]) -> Placeholders:
    """Return one line for each conflicting label."""
    return {"labels": "\n".join(map(_conflict_line, conflicts[:CONFLICTS_MAX]))}


def _conflict_line(conflict: "Conflict") -> str:
    """Return a language-neutral line with a label, its new people and its current meanings."""
    newcomers = ", ".join(as_code(person.username) for person in conflict.newcomers)
    others = [as_code(person.username) for person in conflict.others]
    meanings = ", ".join([*others, "⚙️"] if conflict.reserved else others)
    return f"- {as_code(conflict.label)}: {newcomers} ⚡ {meanings or newcomers}"


def shown_conflicts(conflicts: Sequence["Conflict"]) -> Placeholders:
    """Return the conflicts to decide about, as JSON for a fix flow.

    An issue's data cannot hold lists; the conflicts of one label are merged.
    """
    shown: dict[str, list[str]] = {}
    for one in conflicts:
        shown[fold(one.label)] = sorted({*shown.get(fold(one.label), ()), *one.keys})
    return {"shown": json.dumps(shown)}


def tried_placeholders(tried: Iterable[tuple[str, str]]) -> Placeholders:
    """Return the tried addresses of the webhook, with the result of each."""
    lines = (f"- {as_code(address)}: {as_markdown(result)}" for address, result in tried)
    return {"tried": "\n".join(lines) or "-"}


def address_placeholders(address: str | None) -> Placeholders:
    """Return the address at which the webhook is registered."""
    return {"address": address or "-"}
