"""What the benchmarks conclude from their figures."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.before_after import before_and_after
from benchmarks.bench_env import together
from benchmarks.earlier import NotThereError, unpacked
from benchmarks.loop_meter.stalls import Collection, Stall, collecting, longest_full
from benchmarks.people import Share
from benchmarks.remarks import describe_collections, left_out
from benchmarks.run import World, turns

NAMES = {"first": "first sync", "person": "one new person", "churn": "churn", "warm": "unchanged"}
EVERYONE = ("ours", "quick", "slow")


def result(items: int, competitor: str, case: str, wall: float = 1.0) -> dict[str, Any]:
    return {
        "items": items,
        "people": 20,
        "competitor": competitor,
        "case": case,
        "figures": {"wall": wall},
    }


def test_only_the_overlap_of_a_collection_counts() -> None:
    collections = [Collection(0.0, 1.0, 0), Collection(1.5, 1.7, 2), Collection(2.9, 4.0, 2)]
    assert collecting(collections, 0.9, 3.0) == pytest.approx(0.1 + 0.2 + 0.1)
    assert collecting(collections, 1.1, 1.4) == 0.0


def test_only_full_collections_are_counted() -> None:
    count, longest = longest_full([Collection(0.0, 9.0, 1), Collection(10.0, 10.5, 2)])
    assert (count, longest) == (1, 0.5)
    assert longest_full([]) == (0, 0.0)


def test_stall_is_never_shorter_than_nothing() -> None:
    assert Stall(0.3, 0.2).apart == pytest.approx(0.1)
    assert Stall(0.1, 0.2).apart == 0.0


def test_who_is_missing_is_reported_with_the_time_it_would_take() -> None:
    results = [
        result(1_000, name, case, wall=12.0)
        for name in EVERYONE
        for case in ("first", "warm", "person", "churn")
    ]
    results += [result(100_000, name, "first") for name in ("ours", "quick")]
    results += [result(100_000, "quick", "warm")]
    remarks = left_out(results, EVERYONE, NAMES)
    assert len(remarks) == 2
    assert remarks[0].startswith("100,000 items, 20 people: slow, ")
    assert "about 20 minutes" in remarks[0]
    assert '"one new person" and "churn" of rivals' in remarks[1]


def test_nothing_is_reported_where_nothing_is_missing() -> None:
    results = [
        result(1_000, name, case)
        for name in EVERYONE
        for case in ("first", "warm", "person", "churn")
    ]
    assert left_out(results, EVERYONE, NAMES) == []


def test_what_is_reported_of_collections_follows_the_figures() -> None:
    home_assistant = [
        {"case": "heap_before", "milliseconds": 240.0, "objects": 1_200_000},
        {"case": "hand", "apart": 61.0, "stalls": [[300.0, 290.0, ""], [61.0, 0.0, "x"]]},
        {"case": "clock", "apart": 9.0, "stalls": [[9.0, 0.0, ""]], "full": 2, "syncs": 4},
        {"case": "heap_after", "milliseconds": 250.0, "objects": 1_250_000},
    ]
    text = describe_collections(home_assistant)
    assert "Of the 2 stalls over 50 ms that were noted, 1 were" in text
    assert "the longest stall was 61 ms" in text
    assert "240 ms" in text
    assert "1,250,000 objects" in text
    assert "4 unchanged syncs by the clock brought 2 full collections: 12 in a day" in text


def test_syncs_together_are_sums_and_the_worst() -> None:
    one = {"stall": 5.0, "full": 1, "requests": 8, "wall": 2.0, "stalls": [(5.0, 0.0, "")]}
    two = {"stall": 7.0, "full": 0, "requests": 9, "wall": 1.0, "stalls": [(7.0, 6.0, "x")]}
    assert together([one, two]) == {
        "stall": 7.0,
        "full": 1,
        "requests": 17,
        "wall": 3.0,
        "stalls": [(7.0, 6.0, "x"), (5.0, 0.0, "")],
        "syncs": 2,
    }


@pytest.mark.parametrize(("wall", "expected"), [(9.9, 3), (10.0, 1)])
def test_slow_rivals_are_measured_less_often(wall: float, expected: int) -> None:
    world = World(10_000, 20, 5, 3, rivals=("per title",))
    seen = {("first", "ours"): [{"wall": 99.0}], ("warm", "per title"): [{"wall": wall}]}
    assert turns(world, "ours", seen) == 5
    assert turns(world, "per title", seen) == expected
    assert turns(world, "python-plexapi", seen) == turns(world, "house", seen) == 0


def test_share_of_the_loop_is_that_of_a_sync_and_of_what_happens_in_between() -> None:
    share = Share(before=0.001, between=0.002, unchanged=3.6, changed=36.0)
    assert share.of_hour(share.unchanged) == pytest.approx(0.002)
    assert share.of_hour(share.changed) == pytest.approx(0.011)
    quieter = Share(before=0.002, between=0.001, unchanged=0.0, changed=0.0)
    assert quieter.of_hour(quieter.unchanged) == 0.0


def results_with(**more: Any) -> dict[str, Any]:
    cold = {"people": 20, "items": 100_000, "case": "cold"}
    return {
        "before": {"commit": "0123456789"},
        "results": [
            {**cold, "competitor": "ours", "figures": {"requests": 65, "peak": 70.0}},
            {**cold, "competitor": "before", "figures": {"requests": 143, "peak": 47.0}},
        ],
        "house": [],
        **more,
    }


def test_before_and_now_stand_side_by_side() -> None:
    home_assistant = [
        {"case": "first", "apart": 30.0, "step": 21.0, "full": 1, "collection": 290.0},
        {"case": "half", "apart": 88.0, "step": 32.0, "full": 5, "collection": 560.0},
        {"case": "idle", "apart": 999.0, "step": 999.0, "full": 9, "collection": 999.0},
        {"case": "heap_after", "objects": 933_126},
    ]
    live = {"now": {"ours": {"imports": {"p95": 0.4}, "wishes": {"p95": 0.7}}}}
    lines = before_and_after(results_with(house=home_assistant, live=live))
    assert (
        "| requests to Plex: unchanged, after a restart, 100,000 items, 20 people | 143 | 65 |"
        in lines
    )
    assert "commit `0123456`" in "\n".join(lines)
    ends = [line.rpartition(" people")[2] or line for line in lines]
    assert " | 47 | 70 |" in ends
    assert any(line.endswith("can be read | not measured | 0.40 |") for line in lines)
    assert any(line.endswith("collections | not measured | 88 |") for line in lines)
    assert any(line.endswith("in all of these | not measured | 32 |") for line in lines)
    assert any(line.endswith("all its syncs | not measured | 6 |") for line in lines)


def test_only_what_both_states_were_measured_at_is_compared() -> None:
    first = {"case": "first", "apart": 30.0, "step": 21.0, "full": 1, "collection": 290.0}
    undo = {"case": "undo", "apart": 90.0, "step": 80.0, "full": 5, "collection": 400.0}
    lines = before_and_after(results_with(house=[first, undo], house_before=[first]))
    assert any(line.endswith("in all of these | 21 | 21 |") for line in lines)
    assert any(line.endswith("all its syncs | 1 | 1 |") for line in lines)


def test_earlier_state_that_cannot_be_had_is_reported() -> None:
    lines = before_and_after(results_with(before={"reason": "no such commit"}))
    assert lines[-1] == "Not measured: no such commit."
    assert before_and_after(results_with(before=None)) == []


def test_commit_that_is_not_there_is_no_crash() -> None:
    with pytest.raises(NotThereError, match="cannot be unpacked"), unpacked("0" * 40):
        pass


def test_earlier_state_is_unpacked_and_gone_afterwards() -> None:
    with unpacked("HEAD") as tree:
        assert (tree / "custom_components" / "plex_label_sync" / "manifest.json").is_file()
    assert not tree.exists()
