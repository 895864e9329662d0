"""The texts of the sharing side: warnings, steps, rules and reasons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant

from ..sharing.changes import LostRules
from ..sharing.model import Answer, Problem, Rule, SharingWarning, State, Step, Verdict, WarningKey
from ..sharing.rules import parse
from ..sharing.sentence import Quote, sentence
from ..sharing.survey import Subject
from ..sharing.visible import Why
from ..sync.model import Gap, GapKind, MediaType
from ..texts import Texts, async_texts

# The keys of the texts under `selector`.
RULE: Final = "sharing_rule"
WARNING: Final = "sharing_warning"
FIX: Final = "sharing_fix"
STEP: Final = "sharing_step"
UNREAD: Final = "sharing_unread"
GAP: Final = "sharing_gap"
REASON: Final = "sharing_reason"
PAGE: Final = "sharing_page"
STATE: Final = "sharing_state"


def _plain(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class SharingTexts:
    """The texts of the sharing side in one language."""

    words: Texts

    @property
    def groups(self) -> Mapping[str, Mapping[str, str]]:
        """The texts by group and key."""
        return self.words.groups

    @property
    def rule_texts(self) -> Mapping[str, str]:
        """The words that make up a rule's sentence."""
        return self.groups[RULE]

    def rule(self, rule: Rule, quote: Quote = _plain) -> str:
        """Return a rule as a sentence."""
        return sentence(rule, self.rule_texts, quote)

    def kinds(self, types: Sequence[MediaType]) -> str:
        """Return the kinds of title that something is about, as text."""
        key = "movie_show" if len(types) != 1 else types[0].value
        return self.groups[PAGE][key]

    def warning(
        self, one: SharingWarning, lost: Mapping[str, LostRules], quote: Quote = _plain
    ) -> tuple[str, str]:
        """Return what is wrong and what to do about it."""
        key = _variant(one)
        values = {
            "name": quote(one.who),
            "labels": self.listed(map(quote, one.labels)),
            "kinds": self.kinds(one.types),
            "others": self.kinds(tuple(kind for kind in MediaType if kind not in one.types)),
            **{
                name: quote(value) if isinstance(value, str) else value
                for name, value in one.details.items()
            },
            **self._lost(lost.get(one.account_id), quote),
        }
        return (
            self.groups[WARNING][key].format(**values),
            self.groups[FIX][key].format(**values),
        )

    def _lost(self, lost: LostRules | None, quote: Quote) -> dict[str, str]:
        if lost is None:
            return {}
        return {"date": self.words.date(lost.since), "gone": self.lost(lost, quote)}

    def lost(self, lost: LostRules, quote: Quote = _plain) -> str:
        """Return the rules that vanished, as sentences."""
        sentences = dict.fromkeys(self.rule(parse(text), quote) for text in lost.texts.values())
        return "; ".join(sentences)

    def step(self, one: Step, quote: Quote = _plain) -> str:
        """Return a line of a checklist."""
        values = {
            name: quote(value) if isinstance(value, str) else value
            for name, value in one.details.items()
        }
        return self.groups[STEP][one.key.value].format(**values)

    def unread(self, one: Step, quote: Quote = _plain) -> str | None:
        """Return why it is unknown whether a step is done, None if it is known."""
        if one.unread is None:
            return None
        return self.groups[UNREAD][one.unread.value].format(name=quote(str(one.details["name"])))

    def gap(self, one: Gap, quote: Quote = _plain) -> str:
        """Return what could not be read, as a sentence."""
        is_directory = one.kind is GapKind.LABEL and one.key.endswith("/")
        key = "labels" if is_directory else one.kind.value
        return self.groups[GAP][key].format(name=quote(one.name))

    def gaps(
        self, found: Iterable[Gap], answer: Answer, quote: Quote = _plain
    ) -> list[dict[str, str]]:
        """Return what could not be read, in Plex, in Pulsarr and at plex.tv, as response data."""
        texts = self.groups[GAP]
        unreported = [("account", one.name) for one in answer.accounts if not one.is_complete]
        if not answer.all_listed:
            unreported.append(("accounts", ""))
        return [
            *(
                {
                    "kind": one.kind.value,
                    "name": one.name,
                    "reason": one.failure.value,
                    "text": self.gap(one, quote),
                }
                for one in found
            ),
            *(
                {
                    "kind": kind,
                    "name": name,
                    "reason": "not_reported",
                    "text": texts[kind].format(name=quote(name)),
                }
                for kind, name in unreported
            ),
        ]

    def reason(self, why: Why, rule: Rule, labels: Iterable[str], rating: str) -> str:
        """Return why an item is visible, hidden or unknown."""
        key = f"rule_{why.verdict.value}" if why.key == "rule" else why.key
        part = Rule(rule.text, ((why.group,),)) if why.group else rule
        return self.groups[REASON][key].format(
            rule=self.rule(part),
            labels=self.listed(labels) or self.groups[REASON]["no_labels"],
            rating=rating or self.groups[REASON]["no_rating"],
        )

    def state(self, state: State) -> str:
        """Return the state of an account, as text."""
        return self.groups[STATE][state.value]

    def page(self, key: str, **values: object) -> str:
        """Return a text of the page."""
        return self.groups[PAGE][key].format(**values)

    def listed(self, words: Iterable[str]) -> str:
        """Return words as listed in a sentence: a, b or c."""
        *others, last = list(words) or [""]
        if not others:
            return last
        return self.rule_texts["or"].format(first=", ".join(others), last=last)


def _variant(one: SharingWarning) -> str:
    """Return the key of the variant of a warning's text."""
    details = one.details
    if one.key is WarningKey.NOT_UNDERSTOOD:
        if details.get("problem") == Problem.AMPERSAND.value:
            return "not_understood_ampersand"
        return "not_understood_untold" if not details.get("rule") else one.key.value
    if one.key is WarningKey.NO_ACCOUNT and details.get("candidates"):
        return "no_account_several"
    if one.key is WarningKey.WISHES_HIDDEN and details.get("allowed"):
        return "wishes_hidden_allowed"
    return one.key.value


async def async_sharing_texts(hass: HomeAssistant) -> SharingTexts:
    """Return the texts in Home Assistant's language."""
    return SharingTexts(await async_texts(hass))


def best_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on a title from those on its items: one visible item is enough."""
    found = set(verdicts)
    if Verdict.VISIBLE in found:
        return Verdict.VISIBLE
    return Verdict.UNKNOWN if Verdict.UNKNOWN in found or not found else Verdict.HIDDEN


def rules_of(subject: Subject, texts: SharingTexts, quote: Quote = _plain) -> dict[str, str]:
    """Return the rules for movies and for shows as sentences."""
    return {kind.plural: texts.rule(subject.half(kind).rule, quote) for kind in MediaType}
