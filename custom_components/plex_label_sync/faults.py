"""Log unexpected exceptions once each, so that repeated work does not fill the log."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
import logging
from traceback import extract_tb


class FaultLog:
    """Logs unexpected exceptions by place only, as their messages may contain data."""

    def __init__(self, logger: logging.Logger) -> None:
        """Initialize with nothing logged yet."""
        self._logger = logger
        self._logged: set[tuple[str, str, int | None]] = set()

    @contextmanager
    def survived(self) -> Iterator[None]:
        """Log and suppress exceptions raised inside, except a cancellation of the running task."""
        try:
            yield
        except asyncio.CancelledError as err:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self.note(err)  # cancelled inside, not this task
        except Exception as err:  # noqa: BLE001 - one fault must not end long-running work
            self.note(err)

    def note(self, err: BaseException) -> None:
        """Log an exception unless the same one was logged before."""
        place = extract_tb(err.__traceback__)[-1]
        fault = (type(err).__name__, place.name, place.lineno)
        if fault not in self._logged:
            self._logged.add(fault)
            self._logger.error("Unexpected %s in %s, line %s; everything else continues", *fault)
