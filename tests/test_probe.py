"""The probe: its answers equal how the servers are, it asks little, and nothing of it stays."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import pytest

from custom_components.plex_label_sync.probe import asking, cleaning, steps, trial
from custom_components.plex_label_sync.probe.model import EDITS_MAX, REQUESTS_MAX
from simulators.plex import PlexKnobs

if TYPE_CHECKING:
    from .ha_env import HaEnv

USUAL: Final = {
    "owner": "yes",
    "owner_sync": "on",
    "subscription": "yes",
    "sync_feature": "no",
    "change_counter": "yes",
    "socket_path": "websockets",
    "inline_labels": "never",
    "include_labels": "never",
    "labels_on_items": "yes",
    "section_on_row": "yes",
    "read_refreshes": "no",
    "label_filter": "works",
    "label_by": "both",
    "label_fold": "unicode",
    "multi_get_max": ">=56",
    "url_limit": ">=4000",
    "capitalise": "first",
    "reuse_spelling": "yes",
    "remove_case": "exact",
    "removal_decodes": "yes",
    "label_max": ">=300",
    "bump_item": "no",
    "bump_library": "no",
    "edit_events": "no",
    "settle": "at_once",
    "linger": "no",
    "item_restored": "yes",
    "pulsarr_version": "0.12.1",
    "pulsarr_counts": "yes",
    "pulsarr_events": "9",
    "pulsarr_rate_limit": "500",
    "pulsarr_user_rows": "complete",
    "pulsarr_title_rows": "without guids",
}
"""Of simulators with every knob as usual; how long an edit takes is another matter."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a moment only for what would be announced or would go by itself."""
    monkeypatch.setattr(steps, "EVENT_WAIT", 0.3)
    monkeypatch.setattr(trial, "LINGER_WAIT", 0.1)
    monkeypatch.setattr(asking, "EDIT_GAP", 0.0)
    monkeypatch.setattr(cleaning, "SETTLES", 0.1)


def movie(ha_env: HaEnv) -> str:
    """Return a movie with a label and without a lock, so that both can be lost."""
    state = ha_env.plex.state
    item = next(one for one in state.items.values() if one.section == "1" and one.labels)
    item.label_locked = False
    return item.rating_key


def traces(ha_env: HaEnv) -> dict[str, tuple[tuple[str, ...], bool]]:
    """Return what a probe may not change."""
    items = ha_env.plex.state.items.values()
    return {one.rating_key: (one.labels, one.label_locked) for one in items}


async def answers(ha_env: HaEnv, **data: Any) -> dict[str, str]:
    """Probe, and see that the limits are kept; returns the answers but for durations."""
    before = traces(ha_env)
    ha_env.plex.stats.reset()
    ha_env.pulsarr.stats.reset()
    answer = await ha_env.call("probe", **data)
    asked = ha_env.plex.stats.total + ha_env.pulsarr.stats.total
    assert answer["requests"] == asked <= REQUESTS_MAX == 25
    assert ha_env.plex.stats.puts <= EDITS_MAX == 6
    for request in ha_env.plex.stats.log:
        if request.method == "PUT":
            assert f"&id={data['rating_key']}&" in request.query
    assert ha_env.pulsarr.stats.total == ha_env.pulsarr.stats.gets
    assert traces(ha_env) == before
    assert answer["version"] == ha_env.plex.state.version
    assert answer["platform"] == "Linux"
    return {one["fact"]: one["answer"] for one in answer["facts"] if one["fact"] != "put_latency"}


def turned(knobs: PlexKnobs) -> str:
    """Return which knobs are not as usual, as the name of a test."""
    usual, these = asdict(PlexKnobs()), asdict(knobs)
    return ",".join(f"{name}={these[name]}" for name in these if these[name] != usual[name])


READING: Final = [
    (PlexKnobs(), {}),
    (PlexKnobs(inline_labels="always"), {"inline_labels": "always", "include_labels": "always"}),
    (PlexKnobs(inline_labels="some"), {"inline_labels": "some", "include_labels": "unknown"}),
    (PlexKnobs(labels_on_items=False), {"labels_on_items": "no", "item_restored": "unknown"}),
    (PlexKnobs(section_on_row=False), {"section_on_row": "no"}),
    (PlexKnobs(owner_sync=False), {"owner_sync": "off"}),
    (PlexKnobs(change_counter=False), {"change_counter": "no", "bump_library": "absent"}),
    (PlexKnobs(label_by="id"), {"label_by": "id", "include_labels": "unknown"}),
    (PlexKnobs(label_by="text"), {"label_by": "text"}),
    (PlexKnobs(label_fold="ascii"), {"label_fold": "ascii"}),
    (
        PlexKnobs(label_filter_broken=True),
        {
            "label_filter": "ignored",
            "label_by": "unknown",
            "label_fold": "unknown",
            "inline_labels": "unknown",
            "include_labels": "unknown",
        },
    ),
    (PlexKnobs(read_refreshes=True), {"read_refreshes": "yes"}),
    (PlexKnobs(socket_path="websocket"), {"socket_path": "websocket"}),
    (PlexKnobs(socket_path="websockets"), {}),
    (
        PlexKnobs(notifications=False),
        {"socket_path": "none", "edit_events": "unknown", "read_refreshes": "unknown"},
    ),
    (PlexKnobs(multi_get_max=50), {"multi_get_max": ">=50, <56"}),
    (PlexKnobs(url_limit=3000), {"url_limit": "<4000"}),
    (PlexKnobs(url_limit=3000, url_status=400), {"url_limit": "<4000"}),
]
EDITS: Final = [
    (PlexKnobs(capitalise="words"), {"capitalise": "words"}),
    (PlexKnobs(capitalise="none"), {"capitalise": "none"}),
    (PlexKnobs(reuse_spelling=False), {"reuse_spelling": "no"}),
    (PlexKnobs(remove_case="fold"), {"remove_case": "fold"}),
    (PlexKnobs(removal_decodes=False), {"removal_decodes": "no"}),
    (
        PlexKnobs(removal_decodes=False, remove_case="fold"),
        {"removal_decodes": "no", "remove_case": "fold"},
    ),
    (PlexKnobs(label_max=255), {"label_max": "255"}),
    (PlexKnobs(label_max=60), {"label_max": "60"}),
    (PlexKnobs(bump=True), {"bump_item": "yes", "bump_library": "yes"}),
    (PlexKnobs(bump=True, bump_what="item"), {"bump_item": "yes"}),
    (PlexKnobs(bump=True, bump_what="library"), {"bump_library": "yes"}),
    (PlexKnobs(edit_events=True), {"edit_events": "yes"}),
    (PlexKnobs(settle=0.3), {"settle": "<=500 ms"}),
    (PlexKnobs(settle=1.2), {"settle": "<=2000 ms"}),
    (PlexKnobs(linger=True), {"linger": "yes"}),
]


def matches(answer: str, expected: str) -> bool:
    """Tell whether an answer is as expected; a limit may be told by its upper end."""
    return answer == expected or (expected.startswith("<") and answer.endswith(f", {expected}"))


def named(value: object) -> str:
    """Return a part of a test's name."""
    return turned(value) if isinstance(value, PlexKnobs) else ""


@pytest.mark.parametrize(("knobs", "different"), [*READING, *EDITS], ids=named)
async def test_answers_with_a_movie_equal_the_knobs(
    ha_env: HaEnv, knobs: PlexKnobs, different: dict[str, str]
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    ha_env.plex.knobs = knobs

    found = await answers(ha_env, rating_key=movie(ha_env))

    expected = USUAL | different
    assert found.keys() == expected.keys()
    assert {k: (v, expected[k]) for k, v in found.items() if not matches(v, expected[k])} == {}
