"""Prevents labels from coming to mean two things, between Pulsarr's people and the engine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
import json
from typing import Any, Final

from homeassistant.core import callback

from ..const import CONF_CONFIRMED
from ..context import EntryContext
from ..issues import LABELS_CONFLICT, async_delete, async_raise
from ..sync.label_conflicts import (
    Confirmed,
    Conflict,
    Resolution,
    with_left,
    with_meant,
)
from ..sync.model import fold
from ..sync.ports import WatchedPulsarrPort
from ..sync.resolved_people import ResolvedPulsarr


class LabelGuard:
    """Decides under which names people get labels, and asks about labels in a conflict.

    `pulsarr` is the Pulsarr server whose people have these names. Confirmed names are stored in the
    entry's data: those that changed without a conflict, and those that the user decided about.
    """

    def __init__(
        self,
        context: EntryContext,
        pulsarr: WatchedPulsarrPort,
    ) -> None:
        """Initialize without any conflict."""
        self._hass, self._entry = context.hass, context.entry
        self.pulsarr: Final = ResolvedPulsarr(
            pulsarr,
            confirmed=self._confirmed,
            settings=lambda: context.settings.sync,
            resolved=self._resolved,
        )
        self._undecided: tuple[Conflict, ...] = ()
        self._readers = 0

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Confirm nothing and raise no issues meanwhile; the next read makes up for it."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1

    def _confirmed(self) -> Confirmed | None:
        return Confirmed.from_dict(self._entry.data.get(CONF_CONFIRMED))

    @callback
    def _resolved(self, before: Confirmed | None, resolution: Resolution) -> None:
        if self._readers:
            return
        if resolution.confirmed != before:
            self._save(resolution.confirmed)
        if resolution.undecided != self._undecided:
            self._undecided = resolution.undecided
            if self._undecided:
                async_raise(self._hass, self._entry, LABELS_CONFLICT, self._undecided)
            else:
                async_delete(self._hass, self._entry, LABELS_CONFLICT)

    @callback
    def async_decide(self, shown: str, *, meant: bool) -> None:
        """Record the user's decision about the conflicts that were `shown`, and no others."""
        keys = {label: frozenset(some) for label, some in json.loads(shown).items()}
        confirmed = self._confirmed() or Confirmed()
        self._save(with_meant(confirmed, keys) if meant else with_left(confirmed, keys))
        self._undecided = tuple(
            one for one in self._undecided if not one.keys <= keys.get(fold(one.label), frozenset())
        )

    def _save(self, confirmed: Confirmed) -> None:
        data: Mapping[str, Any] = {**self._entry.data, CONF_CONFIRMED: confirmed.as_dict()}
        self._hass.config_entries.async_update_entry(self._entry, data=data)
