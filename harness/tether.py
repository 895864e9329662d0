"""Runs a command that ends with its parent process: tether.py PARENT_PID COMMAND ARGUMENT..."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import NoReturn

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> NoReturn:
    """Become the command; exit with code 1 if the parent has already ended."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        # The setting survives exec, and the kernel sends the signal even if the parent was killed.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # no shell needed


if __name__ == "__main__":
    main()
