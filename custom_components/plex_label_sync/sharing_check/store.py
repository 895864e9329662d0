"""Store sharing data over a restart: the accounts as last read, and decisions.

It contains no token and no address. The file is deleted with the entry, and when the check is
switched off.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from homeassistant.core import HomeAssistant

from ..sharing.changes import KnownRules, LostRules, known_rules
from ..sharing.model import Access, Account, Answer, Kind
from ..sharing.survey import Subject
from ..storage.files import Data, RecordFile
from ..sync.model import MediaType
from ..sync.person_id import PersonId

STEPS: Final = "steps"
REPORTED_MAX: Final = 5000  # titles that are remembered as reported to a person


@dataclass(slots=True)
class Kept:
    """The contents of the file.

    `seen` is the number of items each account can see as of the last check, if known, `lost` are rules
    that vanished, `dismissed` the warnings and checklists that are not shown, `reported` the people and
    titles for which the event `visible` was fired. `missed` are the accounts that plex.tv did not
    list last time, `rules` those of each account as last reported.
    """

    answer: Answer | None = None
    seen: dict[str, int] = field(default_factory=dict)
    lost: dict[str, LostRules] = field(default_factory=dict)
    dismissed: set[str] = field(default_factory=set)
    reported: dict[str, None] = field(default_factory=dict)
    missed: frozenset[str] = frozenset()
    rules: dict[str, KnownRules] = field(default_factory=dict)

    def note_seen(self, account_id: str, items: int | None) -> None:
        """Record how many items an account can see, None if that is unknown now."""
        if items is None:
            self.seen.pop(account_id, None)
        else:
            self.seen[account_id] = items

    def note_reported(self, person_id: PersonId, title: str) -> bool:
        """Record a title as reported to a person; return whether that is new."""
        key = f"{person_id}|{title}"
        if key in self.reported:
            return False
        self.reported[key] = None
        for old in list(self.reported)[: max(0, len(self.reported) - REPORTED_MAX)]:
            del self.reported[old]
        return True


def left_out_key(subject: Subject) -> str:
    """Return the key that marks a person who needs no rule."""
    return f"{STEPS}|{subject.id}"


class SharingStore:
    """The file of one entry, and its contents."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize empty; `async_load` fills it."""
        self.kept = Kept()
        self._hass = hass
        self._file = RecordFile(hass, entry_id, "sharing")

    async def async_load(self) -> None:
        """Read the file; an unusable one is set aside and counts as empty.

        Raises StoreTooNewError or StoreUnreadableError.
        """
        _, kept = await self._file.async_read(kept_from_dict)
        self.kept = kept or Kept()

    async def async_size(self) -> int | None:
        """Return the size of the file in bytes, None if there is none."""
        return await self._hass.async_add_executor_job(self._file.size)

    async def async_save(self) -> None:
        """Write the file."""
        await self._file.async_write(self._snapshot)

    async def async_forget(self) -> None:
        """Delete the file."""
        self.kept = Kept()
        await self._file.async_remove()

    def _snapshot(self) -> Callable[[], Data]:
        data = kept_as_dict(self.kept)
        return lambda: data


def kept_as_dict(kept: Kept) -> Data:
    """Return the contents as JSON-serializable data."""
    answer = kept.answer
    return {
        "checked": None if answer is None else answer.checked,
        "plex_pass": None if answer is None else answer.plex_pass,
        # For earlier versions, which take the first from here and need both
        "complete": answer is not None and answer.complete,
        "saw_nobody": False,
        "unlisted": [] if answer is None else sorted(answer.unlisted),
        "accounts": [] if answer is None else [_account_row(one) for one in answer.all_accounts],
        "seen": dict(kept.seen),
        "gone": {
            number: {
                "rules": _texts(one.texts),
                "since": one.since,
                "before": one.before,
            }
            for number, one in kept.lost.items()
        },
        "dismissed": sorted(kept.dismissed),
        "told": list(kept.reported),
        "missed": sorted(kept.missed),
        "rules": {
            number: {"texts": _texts(one.texts), "checked": one.checked}
            for number, one in kept.rules.items()
        },
    }


def _texts(texts: Mapping[MediaType, str]) -> dict[str, str]:
    return {kind.value: text for kind, text in texts.items()}


def kept_from_dict(data: Mapping[str, Any]) -> Kept:
    """Build the contents from stored data. Raises whatever bad data causes."""
    accounts = [_account(row) for row in data["accounts"]]
    answer = _answer(data, accounts)
    rules = {
        str(number): KnownRules(
            {MediaType(kind): str(text) for kind, text in one["texts"].items()},
            float(one["checked"]),
        )
        for number, one in data.get("rules", {}).items()
    }
    if "rules" not in data and answer is not None:  # written by an earlier version
        rules = known_rules({}, answer.accounts, answer.checked)
    return Kept(
        answer=answer,
        seen={str(number): int(count) for number, count in data["seen"].items()},
        lost={
            str(number): LostRules(
                {MediaType(kind): str(text) for kind, text in one["rules"].items()},
                int(one["since"]),
                None if one["before"] is None else int(one["before"]),
            )
            for number, one in data["gone"].items()
        },
        dismissed=set(map(str, data["dismissed"])),
        reported=dict.fromkeys(map(str, data["told"])),
        missed=frozenset(map(str, data.get("missed", ()))),
        rules=rules,
    )


def _answer(data: Mapping[str, Any], accounts: Sequence[Account]) -> Answer | None:
    if not accounts:
        return None
    owner, *others = accounts
    return Answer(
        checked=float(data["checked"]),
        owner=owner,
        accounts=tuple(others),
        plex_pass=data["plex_pass"],
        unlisted=frozenset(map(str, data.get("unlisted", ()))),
    )


def _account_row(one: Account) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind.value,
        "title": one.title,
        "username": one.username,
        "uuid": one.uuid,
        "movies": one.movies,
        "shows": one.shows,
        "all": one.everything,
        "preset": one.preset,
        "access": one.access.value,
        "libraries": None if one.libraries is None else sorted(one.libraries),
        "is_missing": one.is_missing,
    }


def _account(row: Mapping[str, Any]) -> Account:
    libraries = row["libraries"]
    return Account(
        id=str(row["id"]),
        kind=Kind(row["kind"]),
        title=str(row["title"]),
        username=str(row["username"]),
        uuid=str(row["uuid"]),
        movies=row["movies"],
        shows=row["shows"],
        everything=str(row["all"]),
        preset=row["preset"],
        access=Access(row["access"]),
        libraries=None if libraries is None else frozenset(libraries),
        is_missing=bool(row.get("is_missing")),
    )
