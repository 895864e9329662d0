"""Command line of the simulated servers: `python -m simulators plex|pulsarr|both`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

from simulators.plex import cli as plex_cli
from simulators.plex.account import PlexTv
from simulators.plex.sharing_people import settle
from simulators.pulsarr import cli as pulsarr_cli
from simulators.pulsarr.cli import FAILED, say, started, until_stopped
from simulators.world import make_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from simulators.catalog import CatalogTitle
    from simulators.plex import PlexSimulator

PLEX_FINDS_AFTER_S: Final = 4.0
"""After an import Plex scans the folder a few seconds later…"""
PLEX_MATCHES_AFTER_S: Final = 4.0
"""…and takes a few more to match the file."""


def make_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m simulators",
        description="Simulated servers on 127.0.0.1. They stop with Ctrl+C, SIGTERM or --parent-pid.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    plex_cli.add_arguments(commands.add_parser("plex", help="a Plex server"))
    pulsarr_cli.add_arguments(commands.add_parser("pulsarr", help="a Pulsarr server"))
    both = commands.add_parser("both", help="both servers over one world")
    both.add_argument("--plex-port", type=int, default=plex_cli.DEFAULT_PORT)
    both.add_argument("--pulsarr-port", type=int, default=pulsarr_cli.DEFAULT_PORT)
    both.add_argument("--plex-after", type=float, default=PLEX_FINDS_AFTER_S, metavar="SECONDS")
    both.add_argument("--match-after", type=float, default=PLEX_MATCHES_AFTER_S, metavar="SECONDS")
    plex_cli.add_plex_arguments(both)
    pulsarr_cli.add_pulsarr_arguments(both)
    pulsarr_cli.add_world_arguments(both)
    return parser


def import_into(
    plex: PlexSimulator, *, find_after: float, match_after: float
) -> Callable[[CatalogTitle, Mapping[str, Any]], Awaitable[None]]:
    """Return a callback that simulates what Plex does after an arr app has imported a title.

    A new title is found unmatched after `find_after` seconds and matched later; an existing show
    gets one more episode; an existing movie is only refreshed. The control call may override both
    times with `plex_after` and `match_after` (seconds).
    """

    async def arr_import(title: CatalogTitle, given: Mapping[str, Any]) -> None:
        delay = float(given.get("plex_after", find_after))
        match = float(given.get("match_after", match_after))
        there = plex.state.items_of(title, identified=False)
        if not there:
            await plex.import_title(title, delay=delay, match_after=match)
            return
        await asyncio.sleep(delay)
        for item in there:
            if title.type == "show":
                plex.import_episode(item.rating_key)
            else:
                plex.refresh_items([item.rating_key])

    return arr_import


async def run_both(args: argparse.Namespace) -> int:
    """Serve Plex and Pulsarr over one world until stopped; return the exit code."""
    world = make_world(args.seed, args.movies, args.shows, args.people, awkward=args.awkward)
    plex, pulsarr = plex_cli.simulator(args, world), pulsarr_cli.simulator(args, world)
    pulsarr.arr_import = import_into(plex, find_after=args.plex_after, match_after=args.match_after)
    account = PlexTv([plex])
    if args.sharing:
        settle(account, world)
    try:
        if not await started("Plex", plex.start(args.plex_port), args.plex_port):
            return FAILED
        if not await started("Pulsarr", pulsarr.start(args.pulsarr_port), args.pulsarr_port):
            return FAILED
        if args.plex_tv_port is not None and not await started(
            "plex.tv", account.start(args.plex_tv_port), args.plex_tv_port
        ):
            return FAILED
        plex_cli.introduce(plex, args.token_file)
        pulsarr_cli.introduce(pulsarr, args.key_file)
        if args.plex_tv_port is not None:
            say(f"plex.tv {account.url}")
        await until_stopped(args.parent_pid)
    finally:
        await account.stop()
        await pulsarr.stop()
        await plex.stop()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    args = make_parser().parse_args(arguments)
    runs: dict[str, Callable[[argparse.Namespace], Awaitable[int]]] = {
        "plex": plex_cli.run,
        "pulsarr": pulsarr_cli.run,
        "both": run_both,
    }

    async def run() -> int:
        return await runs[args.command](args)

    return asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
