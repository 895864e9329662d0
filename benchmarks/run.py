"""Runs the cases and writes results.md, results.json and the plots. Started by scripts/bench."""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
import json
import os
from pathlib import Path
import platform
from statistics import median
import tempfile
import time
from typing import Any, Final

from . import earlier, live
from .bench_env import Change, measure_home_assistant
from .processes import Child, child
from .remarks import RIVAL_CASES
from .report import CASES, plot, table
from .worker import COMPETITORS

HERE: Final = Path(__file__).resolve().parent
SYNCS: Final = ("first", "cold", "warm", "hand", "person", "churn")
ORDER: Final = ("ours", earlier.COMPETITOR, *(name for name in COMPETITORS if name != "ours"))
PARTS: Final = [*ORDER, "house", "live"]
RIVALS: Final = tuple(name for name in COMPETITORS if name != "ours")
SLOW: Final = 10.0  # seconds
FORMAT: Final = 3  # of results.json


@dataclass(frozen=True, slots=True)
class World:
    """A library, its people, and how often each competitor is measured.

    Rivals keep nothing between runs, so for them an unchanged sync is the same cold and warm and is
    measured once. `rival_cases` names their measured cases, `rivals` the competitors. Those whose
    sync takes SLOW seconds or more have `slow_repeats` turns, the others `rival_repeats`, and the
    earlier state of this integration has `before`.
    """

    items: int
    people: int
    repeats: int
    rival_repeats: int = 0
    slow_repeats: int = 1
    rival_cases: tuple[str, ...] = RIVAL_CASES
    rivals: tuple[str, ...] = RIVALS
    missing: int = 0
    before: int = 0
    home_assistant: bool = False  # also in a real Home Assistant
    half: bool = False  # and there with a person who wants half of everything


@dataclass(slots=True)
class Result:
    """Medians of one case of one competitor in one world."""

    items: int
    people: int
    case: str
    competitor: str
    repeats: int
    figures: dict[str, float]
    by_kind: dict[str, int]
    floor_edits: int = 0  # URLs that the changed items fill, label by label
    touched: int = 0  # pairs of label and library that changed
    wanted: int = 0  # items with a label
    walls: list[float] = field(default_factory=list)


UNCHANGED: Final = ("first", "warm")
FULL: Final = (
    World(1_000, 20, 5, 5, 5),
    World(1_000, 20, 5, 5, 5, ("pending",), missing=1_000),
    World(10_000, 20, 5, 5, 5, rival_cases=UNCHANGED, before=3),
    World(10_000, 200, 3, 3, rival_cases=UNCHANGED, before=3),
    World(100_000, 20, 5, 1, rival_cases=UNCHANGED, before=3, home_assistant=True, half=True),
)
# Rivals take the most time, and the same with more people: with 200 only the fastest runs, with
# 100,000 items none; 10,000 items take the others five minutes per run, so one run.
USUAL: Final = (
    World(1_000, 20, 5, 3, 3),
    World(1_000, 20, 3, 1, rival_cases=("pending",), missing=1_000),
    World(10_000, 20, 5, 3, rival_cases=UNCHANGED, before=1),
    World(10_000, 200, 3, 1, rival_cases=UNCHANGED, rivals=("Pulsarr's way",), before=1),
    World(100_000, 20, 2, rivals=(), before=1, home_assistant=True, half=True),
)
QUICK: Final = (
    World(1_000, 20, 2, 1),
    World(1_000, 20, 2, 1, rival_cases=("pending",), missing=1_000),
    World(10_000, 20, 1, before=1, home_assistant=True),
)
SIZES: Final = {"full": FULL, "usual": USUAL, "quick": QUICK}
LIVE: Final = {"full": (200, 100), "usual": (60, 25), "quick": (10, 5)}  # imports and wishes


BEGUN: Final = time.monotonic()


def progress(world: World, what: str) -> None:
    """Print a completed step, and the minutes since the start."""
    minutes = (time.monotonic() - BEGUN) / 60
    where = f"{world.items} items, {world.people} people" + ", pending" * bool(world.missing)
    print(f"  {minutes:5.1f} min  {where}: {what}", flush=True)


async def sequence(
    servers: Child, world: World, name: str, folder: Path, tree: Path | None
) -> dict[str, dict[str, Any]]:
    """Run one competitor through all cases of a world; return figures by case.

    The competitor "before" is this integration in an earlier `tree`.
    """
    await servers.request("restore")
    (folder / ".storage").mkdir(parents=True)
    who, where = ("ours", tree) if name == earlier.COMPETITOR else (name, None)
    arguments = (who, servers.hello["plex"], servers.hello["pulsarr"], str(folder))
    figures: dict[str, dict[str, Any]] = {}

    async def one(worker: Child, case: str, do: str = "sync", **fields: object) -> None:
        await servers.request("reset")
        data = await worker.request(do, **fields)
        stats = await servers.request("stats")
        if stats.pop("labels") != stats.pop("expected"):
            raise RuntimeError(f"{name} did not reach the wanted labels in the case {case}")
        figures[case] = {**data, **stats}

    if world.missing:
        titles = (await servers.request("missing"))["titles"]
        async with child("benchmarks.worker", *arguments) as worker:
            await one(worker, "first")
            await one(worker, "pending", "pending", titles=titles)
        return {"pending": figures["pending"]}
    async with child("benchmarks.worker", *arguments, tree=where) as worker:
        await one(worker, "first")
    cases = SYNCS if who == "ours" else world.rival_cases
    async with child("benchmarks.worker", *arguments, tree=where) as worker:
        for case in cases[1:]:
            if case == "person":
                await servers.request("person", titles=min(500, world.items // 20))
            elif case == "churn":
                await servers.request("churn", share=0.01)
            await one(worker, case, "by_hand" if case == "hand" else "sync")
    return figures


type _Cases = dict[str, dict[str, Any]]


async def measure(
    world: World, seed: int, folder: Path, competitors: Sequence[str], tree: Path | None
) -> tuple[list[Result], _Cases]:
    """Measure all competitors in one world, in turns; then this one in a real Home Assistant.

    The earlier `tree` has turns too. The real Home Assistant is measured only if the world says so.
    """
    arguments = {"items": world.items, "people": world.people, "missing": world.missing}
    flags = [text for key, value in arguments.items() for text in (f"--{key}", str(value))]
    collected: dict[tuple[str, str], list[dict[str, Any]]] = {}
    async with child("benchmarks.servers", *flags, "--seed", str(seed)) as servers:
        for turn in range(world.repeats):
            for name in competitors:
                if turn >= turns(world, name, collected) or (
                    name == earlier.COMPETITOR and tree is None
                ):
                    continue
                place = folder / f"{world.items}-{world.people}-{world.missing}-{turn}-{name}"
                for case, figures in (await sequence(servers, world, name, place, tree)).items():
                    collected.setdefault((case, name), []).append(figures)
                progress(world, f"{name}, turn {turn + 1}")
        home_assistant: _Cases = {}
        if world.home_assistant and "house" in competitors:
            changes = _changes(servers, world)
            await servers.request("restore")
            home_assistant = await measure_home_assistant(servers, folder / "home", changes)
            progress(world, "in Home Assistant")
    return _medians(world, collected), home_assistant


def turns(
    world: World, name: str, collected: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
) -> int:
    """Return how often a competitor is measured, based on its results so far."""
    if name == "ours":
        return world.repeats
    if name == earlier.COMPETITOR:
        return world.before
    if name not in world.rivals:  # including the real Home Assistant
        return 0
    walls = [run["wall"] for (_, who), runs in collected.items() if who == name for run in runs]
    return world.slow_repeats if max(walls, default=0.0) >= SLOW else world.rival_repeats


def _changes(servers: Child, world: World) -> dict[str, Change]:
    """Return the changes before each sync in a real Home Assistant."""

    async def nothing() -> None:
        pass

    changes: dict[str, Change] = {
        "hand": nothing,
        "person": partial(servers.request, "person", titles=min(500, world.items // 20)),
        "churn": partial(servers.request, "churn", share=0.01),
    }
    if world.half:
        changes["half"] = partial(servers.request, "person", titles=world.items // 2)
    return changes


def _medians(
    world: World, collected: Mapping[tuple[str, str], Sequence[dict[str, Any]]]
) -> list[Result]:
    return [
        Result(
            items=world.items,
            people=world.people,
            case=case,
            competitor=name,
            repeats=len(runs),
            figures={
                key: median(run[key] for run in runs)
                for key, value in runs[0].items()
                if isinstance(value, int | float)
            },
            by_kind=runs[-1]["by_kind"],
            floor_edits=runs[-1]["floor_edits"],
            touched=runs[-1]["touched"],
            wanted=runs[-1]["wanted"],
            walls=[run["wall"] for run in runs],
        )
        for (case, name), runs in collected.items()
    ]


def machine() -> dict[str, str]:
    """Return the machine's hardware and software versions."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "cpu": model,
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    for name, text in (("quick", "small worlds, few repeats"), ("full", "everything; takes hours")):
        size.add_argument(f"--{name}", dest="size", action="store_const", const=name, help=text)
    parser.set_defaults(size="usual")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--worlds", type=int, nargs="+", metavar="N", help="only these, counted from 0"
    )
    parser.add_argument(
        "--competitors", nargs="+", choices=PARTS, default=PARTS, metavar="NAME", help="only these"
    )
    parser.add_argument("--output", type=Path, default=HERE, help="where the results go")
    parser.add_argument(
        "--before",
        default=earlier.BEFORE,
        metavar="COMMIT",
        help="the earlier state to measure beside this one; an empty text for none",
    )
    args = parser.parse_args()
    args.machine = machine()
    begun = time.monotonic()
    data = _kept(args)
    spent = data["minutes"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tree = _before(args, data, stack)
        for number, world in enumerate(SIZES[args.size]):
            if args.worlds is None or number in args.worlds:
                measured = measure(world, args.seed, folder, args.competitors, tree)
                _note(data, world, *asyncio.run(measured))
                if tree is not None and world.home_assistant and "house" in args.competitors:
                    data["house_before"] = earlier.home_assistant(
                        tree, args.size, number, args.seed
                    )
                    progress(world, "before, in Home Assistant")
                data["minutes"] = round(spent + (time.monotonic() - begun) / 60, 1)
                _report(args, data)
        if "live" in args.competitors:
            data["live"] = _live(args, tree)
            data["minutes"] = round(spent + (time.monotonic() - begun) / 60, 1)
            _report(args, data)
    print((args.output / "results.md").read_text(encoding="utf-8"))


def _before(args: argparse.Namespace, data: dict[str, Any], stack: ExitStack) -> Path | None:
    """Return the folder of the earlier state while the stack is open, if it is wanted."""
    if not args.before or earlier.COMPETITOR not in args.competitors:
        return None
    try:
        tree = stack.enter_context(earlier.unpacked(args.before))
    except earlier.NotThereError as err:
        data["before"] = {"reason": str(err)}
        return None
    data["before"] = {"commit": args.before}
    return tree


def _live(args: argparse.Namespace, tree: Path | None) -> dict[str, Any]:
    """Return how long labels take, now and before, one after the other."""
    titles, wishes = LIVE[args.size]
    now = asyncio.run(live.run(titles, wishes, args.seed))
    if tree is None:
        return {"now": now}
    return {"now": now, "before": earlier.live(tree, titles, wishes, args.seed)}


def _note(
    data: dict[str, Any], world: World, found: Sequence[Result], home_assistant: _Cases
) -> None:
    """Replace the results of a world with the new ones."""
    results = {_key(one): one for one in data["results"]}
    results.update((_key(one), one) for one in map(asdict, found))
    data["results"] = [results[key] for key in sorted(results)]
    kept = {(one["items"], one["case"]): one for one in data["house"]}
    for case, figures in home_assistant.items():
        kept[world.items, case] = {"items": world.items, "case": case, **figures}
    data["house"] = [kept[key] for key in sorted(kept, key=lambda key: key[0])]


def _key(result: Mapping[str, Any]) -> tuple[int, int, int, str]:
    """Return the sort key of a result in the report."""
    place = list(CASES).index(result["case"]) * len(ORDER)
    return (
        result["items"],
        result["people"],
        place + ORDER.index(result["competitor"]),
        result["competitor"],
    )


def _kept(args: argparse.Namespace) -> dict[str, Any]:
    """Return earlier results that a partial run leaves unchanged."""
    file = args.output / "results.json"
    fresh = {
        "format": FORMAT,
        "seed": args.seed,
        "size": args.size,
        "minutes": 0.0,
        "machine": args.machine,
        "house": [],
        "house_before": [],
        "results": [],
    }
    if (args.worlds is None and args.competitors == PARTS) or not file.exists():
        return fresh
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if (data.get("format"), data["seed"], data["size"]) != (FORMAT, args.seed, args.size):
        return fresh
    return {**data, "machine": args.machine}


def _report(args: argparse.Namespace, data: Mapping[str, Any]) -> None:
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "results.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    (args.output / "results.md").write_text(table(data), encoding="utf-8")
    plot(data, args.output)


if __name__ == "__main__":
    main()
