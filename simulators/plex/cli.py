"""Command line of the Plex simulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulators.plex.account import PlexTv
from simulators.plex.knobs import PlexKnobs
from simulators.plex.server import PlexSimulator
from simulators.plex.sharing_people import settle
from simulators.pulsarr.cli import (
    FAILED,
    add_world_arguments,
    say,
    secret_from,
    started,
    until_stopped,
)
from simulators.world import World, make_world

if TYPE_CHECKING:
    import argparse

DEFAULT_PORT: Final = 32400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all arguments of `python -m simulators plex`."""
    parser.add_argument("--port", "--plex-port", dest="port", type=int, default=DEFAULT_PORT)
    add_plex_arguments(parser)
    add_world_arguments(parser)


def add_plex_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that configure Plex."""
    parser.add_argument(
        "--token-file", type=Path, help="Plex token: read, or written if not there yet"
    )
    parser.add_argument("--server-name", default="Simulated Plex")
    parser.add_argument("--plex-tv-port", type=int, help="also stand in for plex.tv, on this port")
    parser.add_argument(
        "--sharing", action="store_true", help="let plex.tv know the people, with a broken rule"
    )


def simulator(args: argparse.Namespace, world: World) -> PlexSimulator:
    """Return the Plex server that the arguments describe."""
    world.plex.name = args.server_name
    return PlexSimulator(
        world.plex,
        token=secret_from(args.token_file),
        knobs=PlexKnobs.realistic() if args.realistic else PlexKnobs(),
    )


def introduce(sim: PlexSimulator, token_file: Path | None) -> None:
    """Print where Plex is and where its token is stored."""
    where = "not told (no --token-file)" if token_file is None else f"in {token_file}"
    say(f"Plex {sim.url} (token {where}, control {sim.url}/_control/state)")


async def run(args: argparse.Namespace) -> int:
    """Serve until stopped; return the exit code."""
    world = make_world(args.seed, args.movies, args.shows, args.people, awkward=args.awkward)
    sim = simulator(args, world)
    account = PlexTv([sim])
    if args.sharing:
        settle(account, world)
    if not await started("Plex", sim.start(args.port), args.port):
        return FAILED
    try:
        introduce(sim, args.token_file)
        if args.plex_tv_port is not None:
            if not await started("plex.tv", account.start(args.plex_tv_port), args.plex_tv_port):
                return FAILED
            say(f"plex.tv {account.url}")
        await until_stopped(args.parent_pid)
    finally:
        await account.stop()
        await sim.stop()
    return 0
