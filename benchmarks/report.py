"""The results as tables and plots."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
import math
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from .before_after import before_and_after
from .floor import SECTIONS, WHY, floor_requests
from .live import table as live_table
from .remarks import describe_collections, left_out
from .worker import COMPETITORS

BEFORE: Final = "before"
PEOPLE: Final = 20  # in the worlds that are compared by size
CASES: Final[Mapping[str, str]] = {
    "first": "first sync",
    "cold": "unchanged, after a restart",
    "warm": "unchanged",
    "hand": "unchanged, asked for by hand",
    "person": "one new person",
    "churn": "1 % of the wishes changed",
    "pending": "a look for 1,000 pending titles",
}


def _key(result: Mapping[str, Any]) -> tuple[int, int, str]:
    return result["items"], result["people"], result["case"]


def _of_one_case(some: list[dict[str, Any]], results: list[dict[str, Any]]) -> list[str]:
    """Return the lines about one case in one world, this integration first."""
    mine = some[0]
    ours = mine["figures"]
    items, people, case = _key(mine)
    lines = [
        "",
        f"## {CASES[case].capitalize()}: {items:,} items, {people} people",
        "",
        "| who | requests | | wall s | | CPU s | MB read | peak MiB | stall ms | repeats |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for result in some:
        figures = result["figures"]
        lines.append(
            f"| {result['competitor']} | {figures['requests']:,.0f} | {_ratio(figures, ours, 'requests')} "
            f"| {figures['wall']:.2f} | {_ratio(figures, ours, 'wall')} | {figures['cpu']:.2f} "
            f"| {figures['bytes'] / 1e6:.2f} | {figures['peak']:.0f} | {figures['stall']:.0f} | {result['repeats']} |"
        )
    kinds = ", ".join(f"{number} of `{kind}`" for kind, number in sorted(mine["by_kind"].items()))
    about = f"Ours: {kinds}; {ours['pulsarr_requests']:.0f} to Pulsarr."
    if ours["files_written"]:
        about += f" Files written {ours['files_written']:.0f} times, {ours['file_bytes'] / 1e6:.2f} MB in all."
    return [*lines, "", about, _floor(case, results, mine)]


def table(data: Mapping[str, Any]) -> str:
    """Return the report as Markdown."""
    results: list[dict[str, Any]] = data["results"]
    machine = data["machine"]
    lines = [
        "# Measured side by side",
        "",
        (
            f"Made by `{command(data)}` in {data['minutes']} minutes on "
            f"{machine['cores']} cores of {machine['cpu']} ({machine['system']}, Python {machine['python']}, load average {machine['load']} before). "
            "Simulated servers in a process of their own: a read from Plex costs 5 ms and 0.05 ms a row, an "
            "edit 20 ms and 2 ms an item. Medians of as many runs as the last column says (rivals take long, so "
            "fewer of theirs); every competitor reached the same labels. What rivals wait on purpose is "
            "left out. Ratios are to ours in the same world. Peak is memory above idle, stall the longest time for which the "
            "process computed while its event loop did not turn."
        ),
    ]
    lines += before_and_after(data)
    for key in dict.fromkeys(_key(result) for result in results):
        some = [result for result in results if _key(result) == key]
        if some[0]["competitor"] == "ours":  # else not measured yet
            lines += _of_one_case(some, results)
    if data.get("live"):
        lines += ["", "## Live", "", live_table(data["live"]["now"])]
    lines += _home_assistant(data["house"])
    rivalry = [one for one in results if one["competitor"] != BEFORE]
    missing = left_out(rivalry, COMPETITORS, CASES)
    if missing:
        lines += ["", "## Not measured", "", *(f"- {one}" for one in missing)]
    lines += ["", "## Growth", ""]
    lines += [
        f"- {CASES[case]}: {what} grow with the library's size to the power of {power:.2f}"
        for case, what, power in _growth(results)
    ]
    lines += ["", "## The floor", ""]
    lines += [f"- **{CASES[case]}**: {why}" for case, why in WHY.items()]
    return "\n".join(lines) + "\n"


def command(data: Mapping[str, Any]) -> str:
    """Return the command line of the run."""
    size = "" if data["size"] == "usual" else f" --{data['size']}"
    return f"scripts/bench{size} --seed {data['seed']}"


HOME_ASSISTANT_CASES: Final[Mapping[str, str]] = {
    **CASES,
    "idle": "nothing, for ten seconds",
    "half": "somebody new wants half of the library",
    "clock": "unchanged, by the clock",
    "explain": "titles are explained",
    "undo": "the last changes are undone",
}


def _home_assistant_case(one: Mapping[str, Any]) -> str:
    times = one.get("syncs", 1)
    return HOME_ASSISTANT_CASES[one["case"]] + (f", {times} times" if times > 1 else "")


def _home_assistant(home_assistant: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the results in a real Home Assistant."""
    if not home_assistant:
        return []
    lines = [
        "",
        f"## In a real Home Assistant: {home_assistant[0]['items']:,} items, 20 people",
        "",
        (
            "A task in its event loop ticks every millisecond. Nothing else is set up there but what Home Assistant brings. "
            "A step is what the loop's own thread computes between two ticks, without collections; stalls include "
            "the time for which it waits for other threads, which Python lets compute in turn. "
            f"{describe_collections(home_assistant)}"
        ),
        "",
        "| during | longest stall ms | stalls over 50 ms | longest without collections ms | longest step of the loop ms | full collections | longest of them ms | requests | wall s | CPU s | peak MiB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {_home_assistant_case(one)} | {one['stall']:.0f} | {one['over_50']} "
        f"| {one['apart']:.0f} | {one['step']:.0f} | {one['full']} | {one['collection']:.0f} | {one['requests']:,} "
        f"| {one['wall']:.1f} | {one['cpu']:.1f} | {one['peak']:.0f} |"
        for one in home_assistant
        if one["case"] in HOME_ASSISTANT_CASES
    ]
    return lines


def _ratio(figures: Mapping[str, float], ours: Mapping[str, float], key: str) -> str:
    return "" if figures is ours else f"{figures[key] / max(ours[key], 1e-9):.1f} times"


def _floor(case: str, results: Iterable[Mapping[str, Any]], mine: Mapping[str, Any]) -> str:
    # The labels to read are those that the first sync wrote; the new person's was added later.
    world = (mine["items"], mine["people"], "first")
    first = next((one for one in results if _key(one) == world), mine)
    pairs = first["touched"] + SECTIONS * (case == "churn")
    floor = floor_requests(case, pairs, mine["floor_edits"], mine["touched"], mine["wanted"])
    requests = mine["figures"]["requests"]
    return f"The floor is {floor} requests: ours are {requests / floor:.2f} times as many."


def _growth(results: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, float]]:
    """Return the growth exponents from the smallest to the largest library with as many people."""
    found = []
    some = [one for one in results if one["competitor"] == "ours" and one["people"] == 20]
    for case in CASES:
        same = sorted((one for one in some if one["case"] == case), key=lambda one: one["items"])
        if len(same) < 2 or same[0]["items"] == same[-1]["items"]:
            continue
        small, large = same[0], same[-1]
        for key, what in (("requests", "requests"), ("wall", "seconds"), ("cpu", "seconds of CPU")):
            power = math.log(large["figures"][key] / small["figures"][key]) / math.log(
                large["items"] / small["items"]
            )
            found.append((case, what, power))
    return found


def plot(data: Mapping[str, Any], folder: Path) -> None:
    """Plot requests and seconds of all competitors, and the growth of this integration's."""
    import matplotlib as mpl  # noqa: PLC0415 - only needed here

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    results = data["results"]
    rivalled = [one for one in results if one["competitor"] != "ours" and one["case"] == "warm"]
    if any(one["people"] == PEOPLE for one in rivalled):
        here = Counter(one["items"] for one in rivalled if one["people"] == PEOPLE)
        items = max(here, key=lambda size: (here[size], size))  # with all competitors
        _plot_rivals(plt, results, items, folder / "side_by_side.png")
    ours = [one for one in results if one["competitor"] == "ours" and one["people"] == 20]
    if any(one["case"] == "warm" for one in ours):
        _plot_growth(plt, ours, folder / "growth.png")


def _plot_rivals(
    plt: ModuleType, results: Sequence[Mapping[str, Any]], items: int, file: Path
) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(10, 6), layout="constrained")
    for row, case in zip(axes, ("first", "warm"), strict=True):
        some = [
            one
            for one in results
            if (one["items"], one["people"], one["case"]) == (items, 20, case)
        ]
        names = [one["competitor"] for one in some]
        for axis, key, what in zip(
            row, ("requests", "wall"), ("requests to Plex", "seconds"), strict=True
        ):
            bars = axis.barh(
                names,
                [one["figures"][key] for one in some],
                color=["#e5a00d" if name == "ours" else "#8a8f98" for name in names],
            )
            axis.bar_label(bars, fmt="{:,.0f}" if key == "requests" else "{:.1f}", padding=3)
            axis.set_xscale("log")
            axis.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
            axis.margins(x=0.2)
            axis.invert_yaxis()
            axis.set_title(f"{CASES[case]}: {what}", fontsize=10)
    figure.suptitle(f"{items:,} items, 20 people (logarithmic)")
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _plot_growth(plt: ModuleType, ours: Sequence[Mapping[str, Any]], file: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, key, what in zip(
        axes, ("requests", "wall"), ("requests to Plex", "seconds"), strict=True
    ):
        for case in ("first", "cold", "warm", "person", "churn"):
            same = sorted(
                (one for one in ours if one["case"] == case), key=lambda one: one["items"]
            )
            axis.plot(
                [one["items"] for one in same],
                [one["figures"][key] for one in same],
                marker="o",
                label=CASES[case],
            )
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("items in the library")
        axis.set_title(what, fontsize=10)
    axes[0].legend(fontsize=8)
    figure.savefig(file, dpi=110)
    plt.close(figure)
