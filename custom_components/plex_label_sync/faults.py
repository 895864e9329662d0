"""Tells of faults of our own once each: work that goes on must not fill the log."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
import logging
from traceback import extract_tb


class FaultLog:
    """Notes exceptions that nobody expected. Their texts may quote data, so only places are told."""

    def __init__(self, logger: logging.Logger) -> None:
        """Have told nothing yet."""
        self._logger = logger
        self._told: set[tuple[str, str, int | None]] = set()

    @contextmanager
    def survived(self) -> Iterator[None]:
        """Note whatever is raised inside, unless the task that runs it is cancelled itself."""
        try:
            yield
        except asyncio.CancelledError as err:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self.note(err)  # something inside was cancelled, and let that out
        except Exception as err:  # noqa: BLE001 - what goes on for months must not end over one fault
            self.note(err)

    def note(self, err: BaseException) -> None:
        """Log an exception unless the same was logged before."""
        place = extract_tb(err.__traceback__)[-1]
        fault = (type(err).__name__, place.name, place.lineno)
        if fault not in self._told:
            self._told.add(fault)
            self._logger.error("Unexpected %s in %s, line %s; everything else continues", *fault)
