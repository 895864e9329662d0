"""Apply the rules to single items as they were just read. Pure."""

from collections.abc import Sequence

from ..plex.ratings import RatedItem
from ..sharing.model import Rule
from ..sharing.visible import OneItem, Why, why
from ..sync.model import fold
from ..sync.person_id import PersonId
from .findings import Findings


def verdicts(
    person_id: PersonId, findings: Findings, items: Sequence[RatedItem]
) -> list[tuple[Why, Rule, RatedItem]]:
    """Return the verdict of a person's rule on each item, with that rule and the item."""
    subject = findings.subject_of(person_id)
    found = []
    for one in items:
        account = None if subject is None else subject.account
        rule = subject.half(one.item.type).rule if subject is not None else Rule("", ())
        item = OneItem(
            one.item.type, one.item.library, frozenset(map(fold, one.labels)), one.rating
        )
        found.append((why(item, account, rule), rule, one))
    return found
