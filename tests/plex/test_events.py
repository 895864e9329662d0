"""What Plex's notifications mean, and the socket that brings them."""

from __future__ import annotations

from dataclasses import replace
import inspect
import json
from typing import TYPE_CHECKING, Any

import aiohttp
from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.plex.events import (
    Message,
    Notice,
    NoticeKind,
    understand,
)
from custom_components.plex_label_sync.sync.model import Failure, ServiceError
from simulators.plex import PlexKnobs

from .conftest import TOKEN
from .test_parse import places

if TYPE_CHECKING:
    from custom_components.plex_label_sync.plex.server import PlexClient
    from simulators.plex import PlexSimulator

    from .conftest import MakeClient


def entry(**fields: Any) -> dict[str, Any]:
    return {
        "identifier": "com.plexapp.plugins.library",
        "sectionID": 1,
        "itemID": 4711,
        "parentItemID": 0,
        "rootItemID": 0,
        "type": 1,
        "title": "Heat",
        "state": 5,
        "updatedAt": 1790000000,
        **fields,
    }


def timeline(*rows: dict[str, Any]) -> str:
    return json.dumps(
        {"NotificationContainer": {"type": "timeline", "size": len(rows), "TimelineEntry": rows}}
    )


def activity(event: str, kind: str = "library.update.section") -> str:
    row = {"event": event, "uuid": "1", "Activity": {"type": kind, "progress": 100}}
    return json.dumps(
        {"NotificationContainer": {"type": "activity", "ActivityNotification": [row]}}
    )


PROCESSED = Notice(NoticeKind.PROCESSED, "4711", "1")


@pytest.mark.parametrize(
    "row",
    [
        entry(),
        entry(type=2),
        entry(**{name: str(entry()[name]) for name in ("sectionID", "itemID", "type", "state")}),
        entry(queueSize=0),
        entry(metadataState="created"),
        entry(metadataState="created", mediaState="thumbnailing"),
        entry(itemID=5000, parentItemID=4999, rootItemID=4711, type=4),
        entry(itemID=4999, parentItemID=4711, rootItemID="4711", type="3"),
    ],
)
def test_processed_movie_or_show_is_noticed_and_episodes_stand_for_their_show(
    row: dict[str, Any],
) -> None:
    assert understand(timeline(row)) == Message((PROCESSED,))


@pytest.mark.parametrize(
    "row",
    [
        entry(state=0, metadataState="created"),
        entry(state=4, metadataState="processing", queueSize=1),
        entry(metadataState="queued"),
        entry(queueSize=3),
        entry(type=9),  # an album
        entry(type=4, rootItemID=0),
        entry(type=4, rootItemID=4711, state=9, metadataState="deleted"),
        entry(sectionID=-1),
        entry(itemID="none"),
        entry(state=9),
        entry(identifier="com.plexapp.plugins.playlists"),
        {},
    ],
)
def test_everything_else_means_nothing(row: dict[str, Any]) -> None:
    assert understand(timeline(row)) == Message()


def test_deleted_item_is_noticed() -> None:
    message = understand(timeline(entry(state=9, metadataState="deleted"), entry(itemID=2)))
    assert message.notices == (
        Notice(NoticeKind.DELETED, "4711", "1"),
        Notice(NoticeKind.PROCESSED, "2", "1"),
    )


def test_single_object_stands_for_a_list() -> None:
    text = json.dumps({"NotificationContainer": {"type": "timeline", "TimelineEntry": entry()}})
    assert understand(text) == Message((PROCESSED,))


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        (activity("ended"), True),
        (activity("ended", "library.update.item.metadata"), True),
        (activity("updated"), False),
        (activity("ended", "media.generate"), False),
    ],
)
def test_end_of_a_scan_is_noticed(text: str, ended: bool) -> None:
    assert understand(text) == Message(scan_ended=ended)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["NotificationContainer", "type", "TimelineEntry", "ActivityNotification", "Activity",
             "event", "state", "itemID", "sectionID", "rootItemID", "queueSize"]
        ),
        inner,
        max_size=4,
    ),
)  # fmt: skip


@given(json_values | st.fixed_dictionaries({"NotificationContainer": json_values}))
def test_no_message_is_an_error(value: object) -> None:
    assert isinstance(understand(json.dumps(value)), Message)


@pytest.mark.parametrize(
    "value", [[], ["ended"], {}, {"a": []}, None, True, 5, -1.5, "?", "9" * 9000]
)
@pytest.mark.parametrize("text", [timeline(entry()), activity("ended")], ids=["entry", "activity"])
def test_value_of_a_wrong_type_anywhere_costs_at_most_its_message(text: str, value: object) -> None:
    for place in places(json.loads(text)):
        document = json.loads(text)
        inside = document
        for name in place[:-1]:
            inside = inside[name]
        inside[place[-1]] = value
        assert isinstance(understand(json.dumps(document)), Message)


@pytest.mark.parametrize("text", [rb'"Am\ud83clie"', b'"Am\xe9lie"'])
def test_broken_title_does_not_hide_an_item(text: bytes) -> None:
    message = timeline(entry()).encode().replace(b'"Heat"', text)
    assert understand(message) == Message((PROCESSED,))


@given(st.text() | st.binary())
def test_what_is_no_json_means_nothing(text: str | bytes) -> None:
    message = understand(text)
    assert message.notices == ()


async def test_messages_come_over_the_socket_until_it_breaks(
    plex: PlexSimulator, client: PlexClient
) -> None:
    item = next(iter(plex.state.items.values()))
    async with client.listen() as messages:
        plex.refresh_items([item.rating_key])
        await plex.drop_events()
        received = [notice async for message in messages for notice in message.notices]
    assert {notice.rating_key for notice in received} == {item.rating_key}


async def test_text_that_is_no_utf8_costs_no_message(
    plex: PlexSimulator, client: PlexClient
) -> None:
    first, second, *_ = plex.state.items.values()
    plex.state.items[first.rating_key] = replace(first, title="Am\udce9lie")
    async with client.listen() as messages:
        plex.refresh_items([first.rating_key])
        plex.refresh_items([second.rating_key])
        await plex.drop_events()
        received = {notice.rating_key async for message in messages for notice in message.notices}
    # Older versions of aiohttp end the connection over it, and what was missed is looked at.
    decodes = "decode_text" in inspect.signature(aiohttp.ClientSession.ws_connect).parameters
    assert received == ({first.rating_key, second.rating_key} if decodes else set())


@pytest.mark.parametrize(
    ("token", "knobs", "failure"),
    [
        ("wrong", PlexKnobs(), Failure.INVALID_AUTH),
        (TOKEN, PlexKnobs(notifications=False), Failure.WRONG_SERVICE),
    ],
)
async def test_refused_socket_says_why(
    plex: PlexSimulator, make_client: MakeClient, token: str, knobs: PlexKnobs, failure: Failure
) -> None:
    plex.knobs = knobs
    with pytest.raises(ServiceError) as caught:
        async with make_client(plex.url, token).listen():
            pass
    assert caught.value.failure is failure


async def test_server_that_is_away_is_reported_without_the_address(
    plex: PlexSimulator, client: PlexClient
) -> None:
    url = plex.url
    await plex.stop()
    with pytest.raises(ServiceError) as caught:
        async with client.listen():
            pass
    assert caught.value.failure is Failure.CANNOT_CONNECT
    assert url not in str(caught.value)
