"""Held changes as a repair issue shows them: one line for each person and reason."""

from collections.abc import Iterator
from typing import Final

from .change_texts import reason_text
from .escaping import as_markdown
from .storage.held import Held
from .sync.held_groups import HeldGroup
from .sync.reasons import ReasonCode, names_of
from .texts import Texts

HELD: Final = "held"  # the group of its texts
GROUPS_MAX: Final = 10  # shown, to keep the issue readable
PEOPLE_MAX: Final = 10  # named in a group

# Reasons whose sentence names the people.
_NAMES_PEOPLE: Final = {ReasonCode.PERSON_GONE, ReasonCode.SYNC_OFF, ReasonCode.PERSON_EXCLUDED}


def held_placeholders(held: Held, texts: Texts) -> dict[str, str]:
    """Return the placeholders of the issue's text, with names escaped."""
    return {
        "removals": texts.counted("labels", held.removals),
        "vanished": texts.counted("labels", held.vanished),
        "groups": "\n".join(_lines(held, texts)) or "-",
    }


def _lines(held: Held, texts: Texts) -> Iterator[str]:
    """Yield one line for each person and reason, and one with the remaining count."""
    shown = held.groups[:GROUPS_MAX]
    for group in shown:
        yield f"- {_group_text(group, texts)}"
    left = held.removals + held.vanished - sum(group.labels for group in shown)
    if left > 0 and shown:
        yield f"- {texts.phrase(HELD, 'others', labels=texts.counted('labels', left))}"


def _group_text(group: HeldGroup, texts: Texts) -> str:
    names = [as_markdown(name) for name in names_of(group.people)]
    if (more := len(names) - PEOPLE_MAX) > 0:
        names = [*names[:PEOPLE_MAX], texts.phrase(HELD, "more_people", more, count=more)]
    people = texts.listed(names)
    if group.reason is None:
        reason = texts.phrase(HELD, "missing")
    else:
        reason = reason_text(group.reason, names, texts, as_markdown)
    if people and (group.reason is None or group.reason.code not in _NAMES_PEOPLE):
        reason = texts.phrase(HELD, "of_people", people=people, reason=reason)
    labels = texts.counted("labels", group.labels)
    line = texts.phrase(HELD, "line", reason=reason, labels=labels)
    titles = ", ".join(map(as_markdown, group.titles))
    return (
        f"{line} ({titles}{', …' if group.labels > len(group.titles) else ''})" if titles else line
    )
