"""Whether Pulsarr labels titles itself, read from settings that are full of secrets."""

from typing import Any

import pytest

from custom_components.plex_label_sync.pulsarr import answers
from custom_components.plex_label_sync.sync.model import Failure
from simulators.http import Fault
from simulators.pulsarr import PulsarrSimulator

from .fixtures import MakeClient, failure_of


async def test_switch_is_read(pulsarr: PulsarrSimulator, make_client: MakeClient) -> None:
    client = make_client(pulsarr.url, pulsarr.api_key)
    assert await client.labels_itself() is False
    pulsarr.state.config["plexLabelSync"]["enabled"] = True
    assert await client.labels_itself() is True


@pytest.mark.parametrize(
    "config",
    [
        None,
        [],
        {},
        {"plexLabelSync": None},
        {"plexLabelSync": {}},
        {"plexLabelSync": {"enabled": 7}},
    ],
)
def test_settings_that_do_not_say_are_no_answer(config: Any) -> None:
    assert answers.label_sync_is_on({"success": True, "config": config}) is None


async def test_refusal_is_no_answer_and_an_outage_an_error(
    pulsarr: PulsarrSimulator, make_client: MakeClient
) -> None:
    client = make_client(pulsarr.url, pulsarr.api_key)
    pulsarr.faults.add(Fault("unauthorized"))
    assert await client.labels_itself() is None
    pulsarr.faults.clear()
    pulsarr.faults.add(Fault("busy", times=None))
    assert (await failure_of(client.labels_itself())).failure is Failure.BUSY
