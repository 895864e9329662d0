"""Preview of people's labels in a form, with a warning if people share a label."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from homeassistant.core import HomeAssistant

from ..callers import async_requester_texts
from ..const import CONF_LABEL_FORMAT
from ..escaping import as_code, one_line
from ..settings import Settings
from ..sync.label_conflicts import Confirmed, resolve
from ..sync.model import Person, fold
from ..sync.naming import naming_of
from ..sync.person_id import public_id
from ..sync.preview import LabelProblem, NamedPerson, label_preview

LINES_MAX: Final = 20  # people, to keep the form readable
OTHERS_MAX: Final = 3  # others named who share a person's label
LABELS_CLASH: Final = "labels_clash"
TEXTS_KEY: Final = "label_preview"  # the key of the texts under `selector`


class LabelPreview:
    """The labels that a flow shows; people are None while Pulsarr is unavailable."""

    def __init__(
        self,
        people: Sequence[Person] | None,
        options: Mapping[str, Any],
        *,
        is_set_up: bool = True,
    ) -> None:
        """Initialize with the form's initial options, which are in use if `is_set_up`."""
        self._is_set_up = is_set_up
        self._people = people
        self._options = dict(options)

    def check(self, options: Mapping[str, Any]) -> dict[str, str]:
        """Return an error for a label format by which people share a label.

        Only once, and not for a format in use: submitting it again confirms it.
        """
        before = naming_of(Settings.from_options(self._options).sync)
        self._options = dict(options)
        is_new = not self._is_set_up or naming_of(Settings.from_options(options).sync) != before
        self._is_set_up = True
        return {CONF_LABEL_FORMAT: LABELS_CLASH} if is_new and self._has_conflicts() else {}

    def confirmed(self, options: Mapping[str, Any]) -> Confirmed:
        """Return what setting up confirms: people's labels, and shared labels.

        Empty while people are unknown: shared labels are then asked about later.
        """
        if self._people is None:
            return Confirmed()
        return resolve(self._people, None, Settings.from_options(options).sync).confirmed

    def _has_conflicts(self) -> bool:
        return any(row.shares_with for row in self._rows())

    def _rows(self) -> tuple[NamedPerson, ...]:
        return label_preview(self._people or (), Settings.from_options(self._options).sync)

    async def async_text(self, hass: HomeAssistant) -> str:
        """Return people and their labels as a Markdown list."""
        words = (await async_requester_texts(hass)).groups[TEXTS_KEY]
        if self._people is None:
            return words["unknown"]
        return as_list(self._rows(), words) or words["nobody"]


def as_list(rows: Sequence[NamedPerson], words: Mapping[str, str]) -> str:
    """Return rows as a Markdown list of at most `LINES_MAX` people; empty if there are none.

    `words` holds the texts for each problem, and `more`, by key.
    """
    lines = [line_of(row, words) for row in rows[:LINES_MAX]]
    if (more := len(rows) - LINES_MAX) > 0:
        lines.append(words["more"].format(count=more))
    return "\n".join(f"- {line}" for line in lines)


def line_of(row: NamedPerson, words: Mapping[str, str]) -> str:
    """Return a person's label and any problem with it as one line."""
    labels = ", ".join(map(as_code, row.labels))
    others = [as_code(shown_name(other)) for other in row.shares_with[:OTHERS_MAX]]
    if len(row.shares_with) > OTHERS_MAX:
        others.append("…")
    notes = [
        words[problem].format(others=", ".join(others))
        for problem in LabelProblem
        if problem in row.problems
    ]
    line = f"{as_code(shown_name(row.person))} → {labels}"
    return f"{line} ⚠️ {'; '.join(notes)}" if notes else line


def shown_name(person: Person) -> str:
    """Return a person's name for a form: the username, and any other name."""
    username = one_line(person.username) or f"user {public_id(person.id)}"
    other = one_line(person.display_name or person.alias or "")
    if not other or fold(other) == fold(username):
        return username
    return f"{username} ({other})"
