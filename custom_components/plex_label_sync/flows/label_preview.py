"""Shows in a form who gets which label, and warns of a format by which people share one."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from homeassistant.core import HomeAssistant

from ..const import CONF_LABEL_FORMAT
from ..escaping import as_code, one_line
from ..settings import Settings
from ..sync.label_conflicts import Confirmed, resolve
from ..sync.model import Person, fold
from ..sync.naming import naming_of
from ..sync.person_id import public_id
from ..sync.preview import NamedPerson, Trouble, label_preview
from ..texts import async_texts

LINES_MAX: Final = 20  # people; a form has to be read
OTHERS_MAX: Final = 3  # people named beside one of them
LABELS_CLASH: Final = "labels_clash"
WORDS: Final = "label_preview"  # the key of the texts under `selector`


class LabelPreview:
    """What a flow shows of the labels; people are None while Pulsarr does not tell them."""

    def __init__(
        self,
        people: Sequence[Person] | None,
        options: Mapping[str, Any],
        *,
        is_set_up: bool = True,
    ) -> None:
        """Begin with the options that the form shows at first, and that are in use if `is_set_up`."""
        self._is_set_up = is_set_up
        self._people = people
        self._options = dict(options)

    def check(self, options: Mapping[str, Any]) -> dict[str, str]:
        """Return an error for a label format that makes people share a label.

        Only once, for a format that is not in use: who submits it again wants it so.
        """
        before = naming_of(Settings.from_options(self._options).sync)
        self._options = dict(options)
        is_new = not self._is_set_up or naming_of(Settings.from_options(options).sync) != before
        self._is_set_up = True
        return {CONF_LABEL_FORMAT: LABELS_CLASH} if is_new and self._clashes() else {}

    def confirmed(self, options: Mapping[str, Any]) -> Confirmed:
        """Return what is confirmed by setting up: who has which label, and who shares one.

        Where people are not known nothing is: whoever shares a label then is asked about.
        """
        if self._people is None:
            return Confirmed()
        return resolve(self._people, None, Settings.from_options(options).sync).confirmed

    def _clashes(self) -> bool:
        return any(row.shares_with for row in self._rows())

    def _rows(self) -> tuple[NamedPerson, ...]:
        return label_preview(self._people or (), Settings.from_options(self._options).sync)

    async def async_text(self, hass: HomeAssistant) -> str:
        """Return who gets which label as a Markdown list."""
        words = (await async_texts(hass)).groups[WORDS]
        if self._people is None:
            return words["unknown"]
        return as_list(self._rows(), words) or words["nobody"]


def as_list(rows: Sequence[NamedPerson], words: Mapping[str, str]) -> str:
    """Return rows as a Markdown list of at most `LINES_MAX` people; empty when there are none.

    `words` are the texts for each trouble, and `more`, by their keys.
    """
    lines = [line_of(row, words) for row in rows[:LINES_MAX]]
    if (more := len(rows) - LINES_MAX) > 0:
        lines.append(words["more"].format(count=more))
    return "\n".join(f"- {line}" for line in lines)


def line_of(row: NamedPerson, words: Mapping[str, str]) -> str:
    """Return who gets which label, and what is wrong with it."""
    labels = ", ".join(map(as_code, row.labels))
    others = [as_code(shown_name(other)) for other in row.shares_with[:OTHERS_MAX]]
    if len(row.shares_with) > OTHERS_MAX:
        others.append("…")
    told = [
        words[trouble].format(others=", ".join(others))
        for trouble in Trouble
        if trouble in row.troubles
    ]
    line = f"{as_code(shown_name(row.person))} → {labels}"
    return f"{line} ⚠️ {'; '.join(told)}" if told else line


def shown_name(person: Person) -> str:
    """Return what a person is called in a form: the username, and another name if there is one."""
    username = one_line(person.username) or f"user {public_id(person.id)}"
    other = one_line(person.display_name or person.alias or "")
    if not other or fold(other) == fold(username):
        return username
    return f"{username} ({other})"
