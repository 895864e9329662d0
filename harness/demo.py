"""The demo's command line: `scripts/demo` starts it, `scripts/demo COMMAND` controls it.

`--help` must work before anything is downloaded, with any Python: what the demo needs is imported
on use.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import sys
from typing import TYPE_CHECKING, Any, Final

from harness.checkout import DEMO

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_PORT: Final = 8123
PORT_MAX: Final = 65535
INTERRUPTED: Final = 130  # as in shells after Ctrl-C

DOWNLOADS: Final = """\
What it downloads: the first start gets Home Assistant and what it needs from PyPI, about 350 MB, and Python 3.14
where there is none, about 35 MB; both stay in .venv and .tools of this folder, 1.5 GB unpacked. Later starts download
nothing. Plex, plex.tv and Pulsarr are simulated, and no real one is asked. What the demo writes is in .demo."""


def port(text: str) -> int:
    """Return a port number from the command line."""
    number = int(text)
    if not 0 < number <= PORT_MAX:
        raise argparse.ArgumentTypeError(f"{number} is not a port: take one from 1 to {PORT_MAX}")
    return number


def make_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Without a command: starts a real Home Assistant with the integration, and a simulated Plex, "
        "plex.tv and Pulsarr.\nEverything listens on this machine only and ends with Ctrl-C.",
        epilog=DOWNLOADS,
    )
    parser.add_argument(
        "--port", type=port, default=DEFAULT_PORT, help="of Home Assistant (%(default)s)"
    )
    parser.add_argument(
        "--no-wait", action="store_true", help="start, check that all is well, and stop again"
    )
    parser.add_argument("--folder", type=Path, default=DEMO, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="while it runs, in a second terminal"
    )
    title = argparse.ArgumentParser(add_help=False)
    title.add_argument("title", help="or an unambiguous part of it")
    person = argparse.ArgumentParser(add_help=False)
    person.add_argument("person")

    commands.add_parser("import", parents=[title], help="a file arrives; follow it to its labels")
    commands.add_parser(
        "wish", parents=[person, title], help="put a title on a watchlist; follow it to its label"
    )
    commands.add_parser("unwish", parents=[person, title], help="take it off again")
    commands.add_parser("labels", parents=[title], help="show what Plex has on a title")
    outage = commands.add_parser("outage", help="have a server refuse connections for a while")
    outage.add_argument("server", choices=("plex", "pulsarr"))
    outage.add_argument("seconds", type=float)
    rule = commands.add_parser(
        "rule", parents=[person], help="set what somebody may see, at plex.tv, and say what follows"
    )
    rule.add_argument("text", help='such as "label=tim" or "label!=scary"; "" takes it away')
    commands.add_parser("status", help="show the numbers of the dashboard")
    titles = commands.add_parser("titles", help="show titles and people to play with")
    titles.add_argument(
        "--missing", dest="missing_only", action="store_true", help="only those not in Plex"
    )
    commands.add_parser("second", help="show how to set up the second household, to try the forms")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; return the exit code."""
    try:
        code = carry_out(vars(make_parser().parse_args(arguments)))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does; Python would report it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def carry_out(given: dict[str, Any]) -> int:
    """Start the demo or run a command; return the exit code."""
    import asyncio  # noqa: PLC0415  # see above

    from harness import demo_commands, demo_start  # noqa: PLC0415
    from harness.demo_state import DemoError, DemoState  # noqa: PLC0415

    folder, command = given.pop("folder").resolve(), given.pop("command")
    home_port, no_wait = given.pop("port"), given.pop("no_wait")
    try:
        if command is None:
            return asyncio.run(demo_start.run(folder, home_port, wait=not no_wait))
        asyncio.run(demo_commands.visit(DemoState.load(folder), command, given))
    except DemoError as err:
        print(f"Error: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
