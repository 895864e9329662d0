"""What is held until the user decides, and how it is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..sync.changes import RowKey
from ..sync.held_groups import HeldGroup
from ..sync.knowledge import key_of
from ..sync.run import HoldReason
from ..sync.stored import listed, number, texts, whole
from ..sync.stored_reasons import person_ref, reason_as_dict, reason_of


@dataclass(frozen=True, slots=True)
class Held:
    """What the safety check holds until the user decides. `since` is in epoch seconds.

    `keys` are the rows of the ledger concerned, as `key_text` writes them; `groups` has them by
    person and reason, as far as known.
    """

    since: float
    reasons: tuple[str, ...]
    removals: int
    vanished: int
    groups: tuple[HeldGroup, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def row_keys(self) -> frozenset[RowKey]:
        """The keys of the rows concerned."""
        return frozenset(map(key_of, self.keys))

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data; a group is reason, people (id, name), labels and titles."""
        return {
            "since": self.since,
            "reasons": list(self.reasons),
            "removals": self.removals,
            "vanished": self.vanished,
            "groups": [
                (
                    None if one.reason is None else reason_as_dict(one.reason),
                    [(person.id, person.name) for person in one.people],
                    one.labels,
                    list(one.titles),
                )
                for one in self.groups
            ],
            "keys": list(self.keys),
        }


def held_of(data: Mapping[str, Any]) -> Held:
    """Read the output of `as_dict`. Raises one of MALFORMED for anything else.

    Reasons of a newer version are left out, but the question is kept.
    """
    reasons = tuple(one for one in texts(data["reasons"]) if one in set(HoldReason))
    return Held(
        since=number(data["since"]),
        reasons=reasons or (HoldReason.MASS_REMOVAL.value,),
        removals=whole(data["removals"]),
        vanished=whole(data["vanished"]),
        groups=tuple(_group(row) for row in listed(data.get("groups", ()))),
        keys=texts(data.get("keys", ())),
    )


def _group(row: Sequence[Any]) -> HeldGroup:
    reason, people, labels, titles = listed(row)
    return HeldGroup(
        None if reason is None else reason_of(reason),
        tuple(person_ref(listed(one)) for one in listed(people)),
        whole(labels),
        texts(titles),
    )
