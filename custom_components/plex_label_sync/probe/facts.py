"""Convert answers to facts, one fact for each question. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .labels import all_in_capitals, in_capitals
from .model import HANDLED, UNKNOWN, Code, Fact, Root, Rows, Section, Users, Why

EVENTS: Final = frozenset(
    {"media.available", "watchlist.added", "watchlist.removed", "user.created"}
)
RATE_LIMIT_MIN: Final = 60  # a minute; the users and their watchlists need about as many
URL_NEEDED: Final = 4000  # bytes of the longest URL that the integration sends
MULTI_GET_NEEDED: Final = 200  # items in one request
LABEL_NEEDED: Final = 60  # characters; longer labels are never made
TOO_LONG: Final = 414  # the status for a URL that is too long
SLOW: Final = 5.0  # seconds for an edit of one item


def unknown(code: Code, why: Why, **stated: str) -> Fact:
    """Return the fact that a question could not be settled."""
    return Fact(code, UNKNOWN, why.value, stated)


def yes_or_no(code: Code, value: bool | None, *, wrong: bool | None = None) -> Fact:
    """Return a yes-or-no fact; `wrong` is the answer that has a text of its own."""
    if value is None:
        return unknown(code, Why.NOT_SEEN)
    answer = "yes" if value else "no"
    return Fact(code, answer, f"{code.value}_{answer}" if value is wrong else HANDLED)


def about_server(root: Root, owner: bool) -> Iterable[Fact]:
    """Yield what the server states about itself and the token."""
    yield yes_or_no(Code.OWNER, owner, wrong=False)
    yield yes_or_no(Code.SUBSCRIPTION, root.plex_pass, wrong=False)
    yield yes_or_no(Code.SYNC_FEATURE, root.sync_feature)


def about_sections(sections: Sequence[Section]) -> Iterable[Fact]:
    """Yield whether sections may be synced, and whether they count their changes."""
    stated = {one.sync for one in sections} - {None}
    if not stated:
        yield unknown(Code.OWNER_SYNC, Why.NOT_SEEN)
    else:
        yield Fact(
            Code.OWNER_SYNC, "mixed" if len(stated) > 1 else "on" if True in stated else "off"
        )
    counted = {one.changed is not None for one in sections}
    yield yes_or_no(Code.CHANGE_COUNTER, None if not counted else counted == {True}, wrong=False)


def inline_labels(code: Code, labelled: Mapping[str, bool]) -> Fact:
    """Return whether rows show labels; `labelled` maps labelled items to whether their row does."""
    shown = set(labelled.values())
    if not shown:
        return unknown(code, Why.NOTHING_LABELLED)
    return Fact(code, "some" if len(shown) > 1 else "always" if True in shown else "never")


def labels_on_items(labelled: Mapping[str, bool]) -> Fact:
    """Return whether answers about items show labels; `labelled` is as in `inline_labels`."""
    if not labelled:
        return unknown(Code.LABELS_ON_ITEMS, Why.NOTHING_LABELLED)
    return yes_or_no(Code.LABELS_ON_ITEMS, any(labelled.values()), wrong=False)


def section_on_row(answer: Rows) -> Fact:
    """Return whether each row of an answer about several items states its section."""
    stated = {row.section is not None for row in answer.rows}
    return yes_or_no(Code.SECTION_ON_ROW, None if not stated else stated == {True})


@dataclass(frozen=True, slots=True)
class Filtered:
    """How many items `label=` found by id, by text, and by the text in other cases.

    `expected` is how many carry the label, None if unknown; `total` is the size of the library;
    `nonsense` is how many are found for a label that does not exist. None: not requested.
    """

    total: int
    expected: int | None = None
    by_id: int | None = None
    by_text: int | None = None
    by_ascii_case: int | None = None  # A to Z in the other case
    by_other_case: int | None = None  # all letters in the other case
    beyond_ascii: bool = True  # the text has a letter that is not ASCII
    nonsense: int | None = None

    @property
    def broken(self) -> bool | None:
        """Whether the filter is ignored, None if unknown."""
        if self.nonsense is not None:
            return self.nonsense > 0
        if self.expected is None or self.by_id is None or self.total <= self.expected:
            return None
        return self.by_id >= self.total


def label_filter(seen: Filtered) -> Iterable[Fact]:
    """Yield what the label filter understands."""
    broken = seen.broken
    if broken is None:
        yield unknown(Code.LABEL_FILTER, Why.NOT_SEEN)
    else:
        answer = "ignored" if broken else "works"
        yield Fact(Code.LABEL_FILTER, answer, "label_filter_ignored" if broken else HANDLED)
    yield (
        Fact(Code.LABEL_BY, by) if (by := _label_by(seen)) else unknown(Code.LABEL_BY, Why.NOT_SEEN)
    )
    yield (
        Fact(Code.LABEL_FOLD, fold)
        if (fold := _label_fold(seen))
        else unknown(Code.LABEL_FOLD, Why.NOT_SEEN)
    )


def _label_by(seen: Filtered) -> str:
    if seen.broken:
        return ""
    cases = (seen.by_text, seen.by_ascii_case, seen.by_other_case)
    text = True if any(cases) else None if seen.by_text is None else False
    by_id = None if seen.by_id is None else seen.by_id > 0
    if by_id is None or text is None:
        return ""
    known = {(True, True): "both", (True, False): "id", (False, True): "text"}
    return known.get((by_id, text), "")


def _label_fold(seen: Filtered) -> str:
    if seen.broken:
        return ""
    if seen.beyond_ascii and seen.by_other_case:
        return "unicode"
    if seen.beyond_ascii and seen.by_other_case == 0 and seen.by_ascii_case:
        return "ascii"
    return "exact" if seen.by_text and seen.by_ascii_case == 0 else ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A request for many items: how many were requested, and how many of them came.

    `refused` is the status if there was no answer; `length` is the bytes of the URL.
    """

    requested: int
    length: int
    refused: int | None = None
    received: int = 0

    @property
    def whole(self) -> bool:
        """Whether nearly all came: a few may have been deleted meanwhile."""
        return self.refused is None and self.received >= self.requested - 2


def limits(tries: Sequence[Tried]) -> Iterable[Fact]:
    """Yield how many items, and how long a URL, one request may have.

    A URL that is too long is refused with 414. With another status it is the number of items,
    unless as many are accepted with a shorter URL.
    """
    longest = max((one.length for one in tries if one.refused is None), default=0)
    too_long = [
        one.length for one in tries if one.refused is not None and _is_length(one, tries, longest)
    ]
    most = max((one.requested for one in tries if one.whole), default=0)
    too_many = [
        one.requested
        for one in tries
        if not one.whole
        and one.requested > most
        and not (one.refused and one.length >= min(too_long, default=one.length + 1))
    ]
    yield _limit(Code.MULTI_GET_MAX, most, min(too_many, default=None), MULTI_GET_NEEDED)
    yield _limit(Code.URL_LIMIT, longest, min(too_long, default=None), URL_NEEDED)


def _is_length(one: Tried, tries: Iterable[Tried], longest: int) -> bool:
    """Return whether a request was refused because its URL is too long."""
    same_count = any(other.requested == one.requested and other.refused is None for other in tries)
    return one.length > longest and (one.refused == TOO_LONG or same_count)


def _limit(code: Code, most: int, refused: int | None, needed: int) -> Fact:
    if not most and refused is None:
        return unknown(code, Why.NOT_SEEN)
    answer = f">={most}" if refused is None else f">={most}, <{refused}"
    is_enough = refused is None or most >= needed
    says = HANDLED if is_enough else f"{code.value}_low"
    return Fact(code, answer, says, {} if is_enough else {"limit": str(refused)})


def capitalize(sent: str, stored: str) -> Fact:
    """Return how the spelling of a new label changes: which words get a capital."""
    first = sent[:1].upper() + sent[1:]
    if stored == sent:
        return Fact(Code.CAPITALISE, "none")
    if stored in {first, first[: len(stored)]}:
        return Fact(Code.CAPITALISE, "first")
    return Fact(Code.CAPITALISE, "words" if stored.casefold() == sent.casefold() else "other")


def spellings(first: str, present: Collection[str]) -> tuple[Fact, str]:
    """Return whether an existing spelling is reused, and how letters are then compared.

    `first` is the label as stored, `present` the spellings after it was added again in capitals:
    with A to Z only, and with all letters in their other case.
    """
    capitals, everything = in_capitals(first), all_in_capitals(first)
    reused = capitals == first or capitals not in present
    how = "" if not reused else "ascii" if everything in present else "unicode"
    return yes_or_no(Code.REUSE_SPELLING, reused), how


def label_max(sent: str, stored: str | None) -> Fact:
    """Return how long a label may be; `stored` is None if it was refused."""
    if stored is None:
        return Fact(Code.LABEL_MAX, "refused", "label_max_refused", {"limit": str(len(sent))})
    if len(stored) >= len(sent):
        return Fact(Code.LABEL_MAX, f">={len(sent)}")
    cut = str(len(stored))
    if len(stored) >= LABEL_NEEDED:
        return Fact(Code.LABEL_MAX, cut)
    return Fact(Code.LABEL_MAX, cut, "label_max_cut", {"limit": cut})


def put_latency(seconds: float) -> Fact:
    """Return how long an edit of one item took, in milliseconds."""
    answer = f"{round(seconds * 1000)} ms"
    return Fact(Code.PUT_LATENCY, answer, "put_latency_high" if seconds > SLOW else HANDLED)


def settle(seconds: float | None) -> Fact:
    """Return after how many seconds an edit showed; None if it never did."""
    if seconds is None:
        return Fact(Code.SETTLE, "never", "settle_never")
    return Fact(Code.SETTLE, f"<={round(seconds * 1000)} ms" if seconds else "at_once")


def label_fold(how: str) -> Fact:
    """Return how the letters of labels are compared: `unicode`, `ascii` or `exact`."""
    return Fact(Code.LABEL_FOLD, how)


def about_users(users: Users) -> Iterable[Fact]:
    """Yield what Pulsarr states about its users, and its rate limit."""
    yield yes_or_no(Code.PULSARR_COUNTS, users.counts, wrong=False)
    if users.rate_limit is None:
        yield Fact(Code.PULSARR_RATE_LIMIT, "not_told")
    else:
        low = users.rate_limit < RATE_LIMIT_MIN
        yield Fact(
            Code.PULSARR_RATE_LIMIT,
            str(users.rate_limit),
            "pulsarr_rate_limit_low" if low else HANDLED,
        )
    if users.example is None:
        yield unknown(Code.PULSARR_USER_ROWS, Why.NOT_SEEN)
    else:
        yield missing_fields(Code.PULSARR_USER_ROWS, users.missing_fields)


def missing_fields(code: Code, fields: Iterable[str]) -> Fact:
    """Return which fields rows lack."""
    names = ", ".join(sorted(fields))
    if not names:
        return Fact(code, "complete")
    return Fact(code, f"without {names}", f"{code.value}_without", {"fields": names})


def events(known: Collection[str] | None) -> Fact:
    """Return how many webhook events Pulsarr sends; `known` is None if it sends none."""
    if known is None:
        return Fact(Code.PULSARR_EVENTS, "none", "pulsarr_events_none")
    missing = EVENTS.difference(known)
    if not missing:
        return Fact(Code.PULSARR_EVENTS, str(len(known)))
    return Fact(
        Code.PULSARR_EVENTS,
        str(len(known)),
        "pulsarr_events_missing",
        {"events": ", ".join(sorted(missing))},
    )
