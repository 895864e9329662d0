"""What answers come to, and that every answer under which something goes wrong says so."""

import asyncio
from collections.abc import Iterable, Sequence
import re
from typing import Any, cast

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.probe import facts
from custom_components.plex_label_sync.probe.facts import Filtered
from custom_components.plex_label_sync.probe.model import (
    EDITS_MAX,
    HANDLED,
    REQUESTS_MAX,
    TITLE_FIELDS,
    USER_FIELDS,
    Code,
    Fact,
    ItemRow,
    Root,
    Rows,
    Section,
    Users,
    Why,
)
from custom_components.plex_label_sync.probe.pacing import (
    NoRequestLeftError,
    Pace,
    ProbeTimes,
    StoppedError,
)
from custom_components.plex_label_sync.probe.ports import PlexPort
from custom_components.plex_label_sync.probe.steps import Findings, Place, Reading
from custom_components.plex_label_sync.sync.model import (
    Failure,
    MediaType,
    Service,
    ServiceError,
)

from ..texts import TEXTS, placeholders

DETAILS = TEXTS["selector"]["probe_detail"]["options"]
SECTION = Section("1", MediaType.MOVIE, None, None)


def every_fact() -> Iterable[Fact]:
    """Yield facts with every text that there is."""
    for why in Why:
        told = {"failure": "timeout"} if why is Why.FAILED else {}
        yield facts.unknown(Code.OWNER, why, **told)
    for value in (True, False):
        yield from facts.about_server(Root("1", "Linux", value, value), value)
        yield from facts.about_sections(
            [Section("1", MediaType.MOVIE, value, "1" if value else None)]
        )
        yield from facts.label_filter(Filtered(9, by_id=9, by_text=9, nonsense=9 * value))
        yield facts.labels_on_items({"1": value})
        yield facts.yes_or_no(Code.REMOVAL_DECODES, value, wrong=False)
        yield facts.yes_or_no(Code.ITEM_RESTORED, value, wrong=False)
        yield facts.yes_or_no(Code.BUMP_LIBRARY, value, wrong=True)
    yield Fact(Code.SOCKET_PATH, "none", "socket_path_none")
    yield from facts.limits([facts.Tried(200, 4000, 414), facts.Tried(50, 900, received=50)])
    yield from facts.limits([facts.Tried(200, 900, 400), facts.Tried(50, 4000, received=50)])
    yield from (facts.label_max("x" * 300, stored) for stored in (None, "x", "x" * 300))
    yield from (facts.put_latency(seconds) for seconds in (0.1, 60.0))
    yield from (facts.settle(seconds) for seconds in (None, 0.0, 0.5))
    yield from facts.about_users(
        Users(counts=False, missing_fields=frozenset(USER_FIELDS), rate_limit=10, example=1)
    )
    yield facts.missing_fields(Code.PULSARR_TITLE_ROWS, TITLE_FIELDS)
    yield from (facts.events(known) for known in (None, (), facts.EVENTS))


def test_every_answer_has_its_text_and_every_text_its_answer() -> None:
    found = list(every_fact())
    assert {one.says for one in found} == set(DETAILS)
    for one in found:
        assert placeholders(DETAILS[one.says]) <= set(one.told), one
    assert HANDLED in DETAILS


def test_codes_are_those_of_the_documentation() -> None:
    from pathlib import Path

    page = Path(__file__).parent.parent.parent / "docs" / "probe.md"
    listed = re.findall(r"^\| `([a-z_]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == list(Code)


class Limited:
    """A server that takes only so many items, and only so long an address, in one request."""

    def __init__(self, items_max: int, length_max: int, status: int) -> None:
        self.items_max, self.length_max, self.status = items_max, length_max, status
        self.asked = 0

    def address_length(self, keys: Sequence[str], length: int) -> int:
        return max(length, 250 + len(",".join(keys)))

    async def items(self, keys: Sequence[str], *, length: int = 0, **_more: Any) -> Rows:
        self.asked += 1
        sent = self.address_length(keys, length)
        status = self.status if sent > self.length_max else 400 if len(keys) > self.items_max else 0
        if status:
            raise ServiceError(Service.PLEX, Failure.REJECTED, "no", status=status)
        rows = tuple(ItemRow(key, "movie", None, None, locked=False, updated="") for key in keys)
        return Rows(rows, len(rows), "1", sent)


def within(answer: str, limit: int) -> bool:
    """Tell whether a limit is where an answer says."""
    low = re.search(r">=(\d+)", answer)
    high = re.search(r"<(\d+)", answer)
    return (low is None or limit >= int(low[1])) and (high is None or limit < int(high[1]))


@given(
    there=st.integers(1, 260),
    items_max=st.one_of(st.just(10_000), st.integers(1, 300)),
    length_max=st.one_of(st.just(10_000), st.integers(300, 5000)),
    status=st.sampled_from((400, 414)),
)
def test_limits_are_where_the_answers_say(
    there: int, items_max: int, length_max: int, status: int
) -> None:
    if items_max < 10_000 and length_max < 10_000 and status == 400:
        return  # two reasons that look the same cannot be told apart
    plex = Limited(items_max, length_max, status)
    found = Findings()
    place = Place(SECTION, first="10001")
    place.rows = tuple(
        ItemRow(str(10_001 + number), "movie", None, None, locked=False, updated="")
        for number in range(there)
    )

    asyncio.run(
        Reading(cast("PlexPort", plex), Pace(ProbeTimes(clock=lambda: 0.0)), found).many(place)
    )

    assert within(found.facts[Code.MULTI_GET_MAX].answer, items_max)
    assert within(found.facts[Code.URL_LIMIT].answer, length_max)
    assert plex.asked <= 8
    if items_max >= 200 and length_max >= 4000:
        assert plex.asked == 1


async def test_pace_never_sends_more_than_it_may() -> None:
    pace = Pace(ProbeTimes(clock=lambda: 0.0))
    pace.reserve = 5
    for _ in range(REQUESTS_MAX - 5):
        pace.take()
    with pytest.raises(NoRequestLeftError):
        pace.take()
    async with pace.cleaning():
        for _ in range(5):
            pace.take()
        with pytest.raises(NoRequestLeftError):
            pace.take()
    assert pace.requests == REQUESTS_MAX


async def test_pace_keeps_edits_apart_and_few() -> None:
    now, slept = 0.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        slept.append(seconds)

    pace = Pace(ProbeTimes(sleep=sleep, clock=lambda: now))
    for _ in range(EDITS_MAX):
        await pace.take_edit()
        now += 0.25
        pace.edited()
    with pytest.raises(NoRequestLeftError):
        await pace.take_edit()
    assert slept == [pytest.approx(1.0)] * (EDITS_MAX - 1)


async def test_pace_ends_a_wait_when_it_is_stopped() -> None:
    pace = Pace(ProbeTimes(clock=lambda: 0.0))
    waiting = asyncio.create_task(pace.wait(60.0))
    await asyncio.sleep(0)
    pace.stop()
    with pytest.raises(StoppedError):
        await waiting
    with pytest.raises(StoppedError):
        pace.take()
    async with pace.cleaning():
        pace.take()
