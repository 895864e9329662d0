"""Convert a rule to a sentence that a parent understands. Pure; the words are translations."""

from collections.abc import Callable, Mapping
from typing import Final

from .model import Condition, Group, Reading, Rule

VALUES_MAX: Final = 12  # of one condition; thirty ratings do not make a readable sentence

# The texts that each language needs, under `selector.sharing_rule.options`.
WORDS: Final = (
    "everything",
    "not_understood",
    "not_told",
    "perhaps",
    "only",
    "carries",
    "carries_not",
    "rated",
    "rated_not",
    "has",
    "has_not",
    "never",
    "never_rated",
    "never_has",
    "or",
    "and",
    "more",
)

type Words = Mapping[str, str]
type Quote = Callable[[str], str]


def _plain(text: str) -> str:
    return text


def sentence(rule: Rule, words: Words, quote: Quote = _plain) -> str:
    """Return what a rule lets through; `quote` makes a value entered by a person safe to show."""
    if rule.problem is not None:
        if not rule.text:
            return words["not_told"]
        return words["not_understood"].format(text=quote(rule.text))
    if rule.is_open:
        return words["everything"]
    readings = dict.fromkeys(_reading(one, words, quote) for one in rule.readings)
    return _joined(list(readings), words["perhaps"])


def _reading(reading: Reading, words: Words, quote: Quote) -> str:
    if not reading:
        return words["everything"]
    # What is let through first, then what is excluded, whatever the order in the rule.
    parts = sorted(reading, key=_keeps_out)
    return _joined([_group(group, words, quote) for group in parts], words["and"])


def _keeps_out(group: Group) -> bool:
    return len(group) == 1 and group[0].negated


def _group(group: Group, words: Words, quote: Quote) -> str:
    if _keeps_out(group):
        (one,) = group
        key = "never" if one.is_label else "never_rated" if one.is_rating else "never_has"
        return _condition(one, words, quote, key)
    alternatives = [_condition(one, words, quote, _key(one)) for one in group]
    return words["only"].format(what=_joined(alternatives, words["or"]))


def _key(condition: Condition) -> str:
    key = "carries" if condition.is_label else "rated" if condition.is_rating else "has"
    return f"{key}_not" if condition.negated else key


def _condition(condition: Condition, words: Words, quote: Quote, key: str) -> str:
    texts = [quote(text) for text in condition.texts[:VALUES_MAX]]
    if (more := len(condition.texts) - VALUES_MAX) > 0:
        texts.append(words["more"].format(count=more))
    values = _joined(texts, words["or"])
    return words[key].format(values=values, field=quote(condition.name))


def _joined(texts: list[str], joint: str) -> str:
    *others, last = texts
    if not others:
        return last
    return joint.format(first=", ".join(others), last=last)
