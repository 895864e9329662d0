"""The conclusions from an answer of plex.tv and the contents of Plex. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..sharing.model import Account, Answer, Problem, Rule, SharingWarning, WarningKey
from ..sharing.rules import rule_of
from ..sharing.survey import Facts, Subject
from ..sync.model import Gap, MediaType
from ..sync.person_id import PersonId


@dataclass(frozen=True, slots=True)
class Findings:
    """The conclusions from an answer of plex.tv and the contents of Plex.

    `gaps` are what could not be read in Plex and Pulsarr; `undecided` are those of the warnings that
    are from an earlier check, as it is unknown whether they still apply.
    """

    answer: Answer
    facts: Facts
    subjects: tuple[Subject, ...]
    warnings: tuple[SharingWarning, ...]
    gaps: tuple[Gap, ...] = ()
    undecided: tuple[SharingWarning, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything could be read."""
        return self.answer.complete and not self.gaps

    def is_undecided(self, warning: SharingWarning) -> bool:
        """Return whether it is unknown if a warning still applies."""
        if warning.key is not WarningKey.RULE_GONE:
            not_reported = warning.details.get("problem") == Problem.MISSING
            return not_reported or warning in self.undecided
        accounts = (one for one in self.answer.accounts if one.id == warning.account_id)
        return any(not one.is_complete for one in accounts)

    def subject_of(self, person_id: PersonId) -> Subject | None:
        """Return the state of a Pulsarr user, None if unknown."""
        return next(
            (one for one in self.subjects if one.person and one.person.id == person_id), None
        )


def rules_in(accounts: Iterable[Account]) -> list[Rule]:
    """Return the rules of all accounts."""
    return [rule_of(account, kind) for account in accounts for kind in MediaType]
