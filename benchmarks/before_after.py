"""Report section that compares the cost of an earlier state with this one. Pure functions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
import math
from typing import Any, Final

ASKED: Final = (
    ("first", "first sync"),
    ("hand", "unchanged, asked for by hand"),
    ("cold", "unchanged, after a restart"),
)
# Wishes for titles already in Plex are left out: the earlier simulators announced them, Pulsarr
# does not.
IMPORTS: Final = "seconds from Plex's event until 95 % of labels can be read"

type _Row = tuple[str, Mapping[str, Any] | None, Mapping[str, Any] | None, Callable[[Any], str]]


def before_and_after(data: Mapping[str, Any]) -> list[str]:
    """Return the section of the report, empty without a measured earlier state."""
    before = data.get("before")
    if not before:
        return []
    if "commit" not in before:
        return ["", "## Before and after", "", f"Not measured: {before['reason']}."]
    rows = [*_live(data), *_requests(data["results"]), *_loop(data)]
    return [
        "",
        "## Before and after",
        "",
        (
            f"Before is commit `{before['commit'][:7]}` of this repository, measured in the same run: "
            "labels were read label by label, events always gathered, libraries listed in pages of 1,000 "
            "rows, the ledger counted on the event loop, and set-up showed no preview of the first sync, "
            "which now counts as part of it in Home Assistant."
        ),
        "",
        "| | before | now |",
        "|---|--:|--:|",
        *(f"| {what} | {_cell(old, say)} | {_cell(new, say)} |" for what, old, new, say in rows),
    ]


def _cell(one: Mapping[str, Any] | None, say: Callable[[Mapping[str, Any]], str]) -> str:
    return "not measured" if one is None else say(one)


def _live(data: Mapping[str, Any]) -> list[_Row]:
    live = data.get("live")
    if not live:
        return []
    old, now = (live.get(name, {}).get("ours", {}).get("imports") for name in ("before", "now"))
    return [(IMPORTS, old, now, lambda one: f"{one['p95']:.2f}")]


def _requests(results: Sequence[Mapping[str, Any]]) -> list[_Row]:
    rows: list[_Row] = []
    for items, people in dict.fromkeys((one["items"], one["people"]) for one in results):
        here = {
            (one["competitor"], one["case"]): one
            for one in results
            if (one["items"], one["people"]) == (items, people)
        }
        rows += [
            (
                f"requests to Plex: {what}, {items:,} items, {people} people",
                here.get(("before", case)),
                here.get(("ours", case)),
                lambda one: f"{one['figures']['requests']:,.0f}",
            )
            for case, what in ASKED
            if ("before", case) in here
        ]
        if ("before", "cold") in here:
            rows.append(
                (
                    f"MiB above idle at the peak: after a restart, {items:,} items, {people} people",
                    here["before", "cold"],
                    here.get(("ours", "cold")),
                    lambda one: f"{one['figures']['peak']:.0f}",
                )
            )
    return rows


def _loop(data: Mapping[str, Any]) -> list[_Row]:
    """Return the effect of both on the event loop of a real Home Assistant."""
    before, cases = data.get("house_before", ()), data["house"]
    both = {one["case"] for one in before} & {one["case"] for one in cases}
    old, now = (
        _worst([one for one in some if one["case"] in both or not before])
        for some in (before, cases)
    )
    if old is None and now is None:
        return []
    return [
        (what, old, now, partial(_whole, key))
        for key, what in (
            (
                "apart",
                "in Home Assistant: longest time in ms that the event loop stood still, without collections",
            ),
            ("half", "the same while somebody new wants half of the library"),
            ("step", "longest computation in ms of the event loop's own thread, in all of these"),
            ("full", "full garbage collections during all its syncs"),
            ("collection", "the longest of them in ms"),
            ("objects", "objects that Python tracks after the last sync"),
        )
    ]


def _whole(key: str, one: Mapping[str, Any]) -> str:
    return "not measured" if math.isnan(one[key]) else f"{one[key]:,.0f}"


def _worst(home_assistant: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    cases = {one["case"]: one for one in home_assistant}
    syncs = [one for case, one in cases.items() if "apart" in one and case != "idle"]
    if not syncs:
        return None
    return {
        "apart": max(one["apart"] for one in syncs),
        "half": cases.get("half", {}).get("apart", float("nan")),
        "step": max(one.get("step", float("nan")) for one in syncs),
        "full": sum(one["full"] for one in syncs),
        "collection": max(one["collection"] for one in syncs),
        "objects": cases.get("heap_after", {}).get("objects", float("nan")),
    }
