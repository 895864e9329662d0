"""Sentences of the report that follow from the data. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

RIVAL_CASES: Final = ("first", "warm", "person", "churn")
HOURS_A_DAY: Final = 24
STALL_MAX: Final = 50.0  # ms


def left_out(
    results: Sequence[Mapping[str, Any]], competitors: Iterable[str], names: Mapping[str, str]
) -> list[str]:
    """Return who was not measured where, with an estimated time for a first sync.

    The estimate scales the time in the largest smaller library by the number of items. `names` are
    those of cases.
    """
    remarks = []
    rivals = [name for name in competitors if name != "ours"]
    for items, people in dict.fromkeys((one["items"], one["people"]) for one in results):
        here = [one for one in results if (one["items"], one["people"]) == (items, people)]
        there = {one["competitor"] for one in here}
        remarks += [
            f"{items:,} items, {people} people: {name}, {_why(results, name, items)}"
            for name in rivals
            if name not in there
        ]
        measured = {one["case"] for one in here if one["competitor"] != "ours"}
        missing = [case for case in RIVAL_CASES if case not in measured]
        if measured and missing:
            cases = " and ".join(f'"{names[case]}"' for case in missing)
            remarks.append(
                f"{items:,} items, {people} people: {cases} of rivals; they keep nothing between syncs, "
                "so reading costs them what it does when nothing has changed"
            )
    return remarks


def _why(results: Iterable[Mapping[str, Any]], name: str, items: int) -> str:
    smaller = [
        one
        for one in results
        if one["competitor"] == name and one["case"] == "first" and one["items"] < items
    ]
    if not smaller:
        return "not asked for"
    nearest = max(smaller, key=lambda one: (one["items"], -one["people"]))
    seconds = nearest["figures"]["wall"]
    minutes = seconds * items / nearest["items"] / 60
    return (
        f"whose first sync would take about {minutes:,.0f} minutes there, "
        f"by its {seconds:,.0f} s with {nearest['items']:,} items"
    )


def describe_collections(home_assistant: Sequence[Mapping[str, Any]]) -> str:
    """Return the share of the garbage collector in the stalls of a real Home Assistant."""
    cases = {one["case"]: one for one in home_assistant}
    stalls = [
        stall for one in home_assistant for stall in one.get("stalls", ()) if stall[0] > STALL_MAX
    ]
    apart = max((one["apart"] for one in home_assistant if "apart" in one), default=0.0)
    mostly = sum(collecting > late / 2 for late, collecting, _ in stalls)
    text = (
        f"Of the {len(stalls)} stalls over 50 ms that were noted, {mostly} were spent mostly in collections "
        "by Python's garbage collector, which hold everything up in whatever thread they run; "
        f"without collections the longest stall was {apart:.0f} ms."
    )
    before, after = cases.get("heap_before"), cases.get("heap_after")
    if before is not None and after is not None:
        text += (
            f" One full collection takes {before['milliseconds']:.0f} ms in that Home Assistant before this "
            f"integration is set up ({before['objects']:,.0f} objects), and {after['milliseconds']:.0f} ms after the "
            f"last sync ({after['objects']:,.0f} objects)."
        )
    clock = cases.get("clock")
    if clock is not None:
        day = clock["full"] * HOURS_A_DAY / clock["syncs"]
        text += (
            f" {clock['syncs']} unchanged syncs by the clock brought {clock['full']} full collections: "
            f"{day:.0f} in a day of one an hour."
        )
    return text
