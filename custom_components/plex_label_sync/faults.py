"""Tells of faults of our own once each: work that goes on must not fill the log."""

import logging
from traceback import extract_tb


class FaultLog:
    """Notes exceptions that nobody expected. Their texts may quote data, so only places are told."""

    def __init__(self, logger: logging.Logger) -> None:
        """Have told nothing yet."""
        self._logger = logger
        self._told: set[tuple[str, str, int | None]] = set()

    def note(self, err: Exception) -> None:
        """Log an exception unless the same was logged before."""
        place = extract_tb(err.__traceback__)[-1]
        fault = (type(err).__name__, place.name, place.lineno)
        if fault not in self._told:
            self._told.add(fault)
            self._logger.error("Unexpected %s in %s, line %s; the rest goes on", *fault)
