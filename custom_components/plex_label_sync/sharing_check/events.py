"""Report titles that got labels and became visible, once their labels were read back."""

import asyncio

from homeassistant.core import callback

from ..context import EntryContext
from ..live.label_events import LabelEvent, label_events_of
from ..runner import Finished, Runner
from ..servers import Servers
from ..sharing.model import Verdict
from ..status import Activity
from ..sync.model import Gap, ServiceError
from ..sync.reasons import PersonRef, names_of
from ..sync.request import FullRequest
from .check import SharingCheck
from .texts import best_verdict
from .verdicts import verdicts


class LabelsChanged:
    """Fires the activities about titles that got labels; reports who sees them only if known."""

    def __init__(
        self, context: EntryContext, servers: Servers, runner: Runner, sharing: SharingCheck
    ) -> None:
        """Listen to finished full syncs; live syncs call `async_notify`."""
        self._context = context
        self._plex = servers.plex
        self._runner = runner
        self._sharing = sharing
        self._in_order = asyncio.Lock()
        context.entry.async_on_unload(runner.on_finished.add(self._on_finished))

    @callback
    def _on_finished(self, finished: Finished) -> None:
        """Report titles that were not announced. A first sync labels what was there already."""
        request, lists = finished.request, self._runner.engine.watchlists
        if not isinstance(request, FullRequest) or request.dry_run or finished.is_first:
            return
        if lists is not None:
            for event in label_events_of(finished.run.changes, lists):
                self.async_notify(event)

    @callback
    def async_notify(self, event: LabelEvent) -> None:
        """Report that a title got labels, and who can see it if that is known."""
        if self._sharing.answer is None:
            self._fire(event)
        else:
            self._context.in_background(self._async_notify_with_verdicts(event), "label event")

    async def _async_notify_with_verdicts(self, event: LabelEvent) -> None:
        """Report that a title got labels and who can see it, then that it became visible."""
        async with self._in_order:
            viewers, title = await self._viewers(event)
            self._fire(event, visible_to=None if viewers is None else list(names_of(viewers)))
            if not viewers:
                return
            store = self._sharing.store
            new = [one for one in viewers if store.kept.note_reported(one.id, title)]
            if not new:
                return
            await store.async_save()
            self._context.fire(
                Activity.VISIBLE,
                title=event.title,
                type=event.type.value,
                people=list(names_of(new)),
                rating_key=event.rating_key,
                poster=event.poster,
            )

    def _fire(self, event: LabelEvent, *, visible_to: list[str] | None = None) -> None:
        """Report that a title got labels; `visible_to` is None if unknown."""
        known = {} if visible_to is None else {"visible_to": visible_to}
        self._context.fire(
            Activity.LABELS_CHANGED,
            title=event.title,
            type=event.type.value,
            people=list(names_of(event.people)),
            labels=list(event.labels),
            poster=event.poster,
            rating_key=event.rating_key,
            **known,
        )

    async def _viewers(self, event: LabelEvent) -> tuple[list[PersonRef] | None, str]:
        """Return which people with a new label can see a title, None if unknown, and its key.

        Its labels are read again: another one may hide it.
        """
        check = self._sharing
        gaps: list[Gap] = []
        try:
            await check.async_check(refresh=False)
            items = await self._plex.rated(event.rating_keys, gaps.append)
        except ServiceError:
            return None, ""
        if check.shown is None or not items:
            return None, ""
        viewers, unsure = [], bool(gaps)
        for person in event.people:
            found = verdicts(person.id, check.shown, items)
            verdict = best_verdict(why.verdict for why, _, _ in found)
            unsure = unsure or verdict is Verdict.UNKNOWN
            if verdict is Verdict.VISIBLE:
                viewers.append(person)
        if unsure and not viewers:
            return None, ""
        ids = sorted(one for item in items for one in item.item.ids if one.startswith("plex:"))
        return viewers, (ids or [f"{event.type.value}:{event.rating_key}"])[0]
