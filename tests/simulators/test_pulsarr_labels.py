"""Pulsarr's own labelling routes, as the simulator has them."""

from __future__ import annotations

import pytest

from simulators.pulsarr import PulsarrState
from tests.simulators.pulsarr_fixtures import MOVIE, SHOW, pulsarr

pytestmark = pytest.mark.usefixtures("socket_enabled")

JOBS = [
    ("POST", "/v1/labels/sync", "results"),
    ("DELETE", "/v1/labels/remove", "results"),
]


def wanted() -> PulsarrState:
    state = PulsarrState()
    for name in ("rosa", "tim"):
        user = state.add_user(name)
        state.want(user.id, MOVIE)
    state.want(1, SHOW)
    return state


@pytest.mark.parametrize(("method", "path", "part"), JOBS)
async def test_label_route_answers_200_and_success_false_while_the_feature_is_off(
    method: str, path: str, part: str
) -> None:
    async with pulsarr(wanted()) as peer:
        answer = await peer.call(method, path)
    assert (answer.status, answer.json["success"]) == (200, False)
    assert set(answer.json[part].values()) == {0}


@pytest.mark.parametrize(("method", "path", "part"), JOBS)
async def test_label_job_answers_with_what_it_did(method: str, path: str, part: str) -> None:
    async with pulsarr(wanted()) as peer:
        peer.state.config["plexLabelSync"]["enabled"] = True
        answer = await peer.call(method, path)
    assert answer.json["success"] is True
    assert answer.json[part]["failed"] == 0
    if part == "results":
        assert answer.json[part]["processed"] == 2
