"""Command line of the Pulsarr simulator, and helpers shared by all simulator commands."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
import secrets
import signal
import sys
from typing import TYPE_CHECKING, Final, get_args

from simulators.http import watch_parent
from simulators.pulsarr.knobs import AuthMethod, PulsarrKnobs
from simulators.pulsarr.server import PulsarrSimulator
from simulators.world import World, make_world

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable

DEFAULT_PORT: Final = 3003
FAILED: Final = 1


def say(line: str) -> None:
    """Print one line for the person or script that started the simulator; never a secret."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    """Print one line about an error."""
    sys.stderr.write(f"{line}\n")


def secret_from(path: Path | None) -> str:
    """Return the secret in this file, or a random one without a path.

    A missing file is created, readable by its owner only.
    """
    if path is None:
        return secrets.token_urlsafe(24)
    if path.exists() and (text := path.read_text(encoding="utf-8").strip()):
        return text
    secret = secrets.token_urlsafe(24)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{secret}\n")
    path.chmod(0o600)
    return secret


async def until_stopped(parent_pid: int | None) -> None:
    """Wait for SIGTERM, SIGINT, or the end of the parent process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watcher = None if parent_pid is None else asyncio.create_task(watch_parent(parent_pid, stop))
    try:
        await stop.wait()
    finally:
        if watcher is not None:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher


async def started(what: str, starting: Awaitable[None], port: int) -> bool:
    """Start a server; if the port is in use, explain it in one sentence and return False."""
    try:
        await starting
    except OSError as problem:
        reason = problem.strerror or "unknown reason"
        complain(f"{what} cannot listen on 127.0.0.1:{port}: {reason}. Choose another port.")
        return False
    return True


def add_world_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments shared by every command: the size of the world, and process options."""
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same world")
    parser.add_argument("--movies", type=int, default=300, help="movies in the catalog")
    parser.add_argument("--shows", type=int, default=80, help="shows in the catalog")
    parser.add_argument("--people", type=int, default=6, help="Pulsarr users")
    parser.add_argument("--awkward", action="store_true", help="people with difficult names")
    parser.add_argument("--realistic", action="store_true", help="the pace of a home server")
    parser.add_argument("--parent-pid", type=int, help="stop when this process ends")


def add_pulsarr_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that configure Pulsarr."""
    parser.add_argument("--key-file", type=Path, help="API key: read, or written if not there yet")
    parser.add_argument("--base-path", default="", help='for example "/pulsarr"')
    parser.add_argument("--pulsarr-version", default=PulsarrKnobs().version)
    parser.add_argument(
        "--auth", choices=get_args(AuthMethod.__value__), default="required", help="authentication"
    )
    parser.add_argument(
        "--no-webhooks", action="store_true", help="an old Pulsarr without outgoing webhooks"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all arguments of `python -m simulators pulsarr`."""
    parser.add_argument("--port", "--pulsarr-port", dest="port", type=int, default=DEFAULT_PORT)
    add_pulsarr_arguments(parser)
    add_world_arguments(parser)


def simulator(args: argparse.Namespace, world: World) -> PulsarrSimulator:
    """Return the Pulsarr that the arguments describe."""
    knobs = PulsarrKnobs.realistic() if args.realistic else PulsarrKnobs()
    knobs.base_path = args.base_path
    knobs.version = args.pulsarr_version
    knobs.auth = args.auth
    knobs.webhooks = not args.no_webhooks
    return PulsarrSimulator(
        world.pulsarr,
        api_key=secret_from(args.key_file),
        knobs=knobs,
        catalog=world.catalog,
    )


def introduce(sim: PulsarrSimulator, key_file: Path | None) -> None:
    """Print where Pulsarr is and where its key is stored."""
    where = "not told (no --key-file)" if key_file is None else f"in {key_file}"
    say(f"Pulsarr {sim.url} (API key {where}, control {sim.root_url}/_control/state)")


async def run(args: argparse.Namespace) -> int:
    """Serve until stopped; return the exit code."""
    world = make_world(args.seed, args.movies, args.shows, args.people, awkward=args.awkward)
    sim = simulator(args, world)
    if not await started("Pulsarr", sim.start(args.port), args.port):
        return FAILED
    try:
        introduce(sim, args.key_file)
        await until_stopped(args.parent_pid)
    finally:
        await sim.stop()
    return 0
