"""A preview of the first sync, before the entry exists: the engine's dry run, unable to write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import time
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..callers import async_requester_language, async_requester_texts
from ..clocks import steady
from ..const import DOMAIN
from ..errors import translation
from ..escaping import as_code
from ..plex.server import PlexClient
from ..pulsarr.client import PulsarrClient
from ..sync.changes import Change, RowKey
from ..sync.engine import Engine
from ..sync.first_sync import FirstSync, first_sync
from ..sync.label_conflicts import Confirmed, Conflict, Resolution
from ..sync.ledger import Ledger
from ..sync.model import ServiceError, SyncSettings
from ..sync.progress import Progress
from ..sync.request import FullRequest
from ..sync.resolved_people import ResolvedPulsarr
from ..sync.threads import in_thread
from .review_text import TEXTS_KEY, listed, review_text


@dataclass(frozen=True, slots=True)
class Review:
    """The result of a preview: what the first sync would do, or why that is unknown.

    `undecided` are shared labels that have not been decided about.
    """

    first: FirstSync | None = None
    error: ServiceError | None = None
    undecided: tuple[Conflict, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everything could be read."""
        return self.first is not None and not self.first.run.gaps


class Reader:
    """Reads both servers as a first sync does, without writing."""

    def __init__(
        self,
        plex: PlexClient,
        pulsarr: PulsarrClient,
        settings: SyncSettings,
        *,
        confirmed: Confirmed,
        ledger: Ledger | None,
    ) -> None:
        """Initialize with the confirmed labels, and the ledger that would be taken over."""
        self._plex = plex
        self._pulsarr = ResolvedPulsarr(
            pulsarr,
            confirmed=lambda: confirmed,
            settings=lambda: settings,
            resolved=self._resolved,
        )
        self._settings = settings
        self._undecided: tuple[Conflict, ...] = ()
        self._ledger = Ledger() if ledger is None else ledger

    async def async_read(self, reached: Callable[[int], object]) -> Review:
        """Return what the first sync would do; `reached` is called with the progress in percent.

        What a server's failure leaves unknown is part of the result.
        """
        recorder = _NothingToWriteTo(self._ledger.copy())
        engine = Engine(self._plex, self._pulsarr, recorder, clock=time.time, steady=steady)
        run = await engine.run(
            FullRequest(dry_run=True), self._settings, progress=Progress(reached)
        )
        if run.error is not None or engine.watchlists is None:
            return Review(error=run.error)
        first = await in_thread(
            first_sync,
            run,
            engine.found.matches,
            engine.watchlists,
            self._plex.libraries_seen,
            self._settings,
        )
        return Review(first, undecided=self._undecided)

    def _resolved(self, _before: Confirmed | None, resolution: Resolution) -> None:
        self._undecided = resolution.undecided


class _NothingToWriteTo:
    """A recorder that prevents all edits: an edit has to be recorded first, and that fails."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger: Final = ledger

    def recently_removed(self) -> Mapping[RowKey, Change]:
        """Return an empty mapping: no run has removed a label."""
        return {}

    def lost_since(self, when: float) -> int:  # noqa: ARG002 - nothing was ever written
        """Return 0: no labels were lost."""
        return 0

    async def _refuse(self, *_: object, **__: object) -> None:
        """Reject all records, so that nothing can be edited."""
        raise RuntimeError("a review must not write")

    begin = sending = finish = _refuse


async def async_review_text(hass: HomeAssistant, review: Review, *, taken_over: bool) -> str:
    """Return a preview as Markdown; `taken_over` means that there are former records."""
    texts = await async_requester_texts(hass)
    if review.first is None:
        return texts.phrase(TEXTS_KEY, "unknown")
    parts = []
    if review.first.run.gaps:
        names = listed((as_code(gap.name) for gap in review.first.run.gaps), texts)
        parts.append(texts.phrase(TEXTS_KEY, "gaps", names=names))
    if taken_over:
        parts.append(texts.phrase(TEXTS_KEY, "taken_over"))
    parts.append(review_text(review.first, texts))
    if review.undecided:
        labels = listed((as_code(one.label) for one in review.undecided), texts)
        parts.append(texts.phrase(TEXTS_KEY, "undecided", labels=labels))
    return "\n\n".join(parts)


async def async_reason(hass: HomeAssistant, review: Review) -> str:
    """Return why the preview is unknown as a sentence; empty if it is known."""
    if review.first is not None:
        return ""
    if review.error is None:
        return (await async_requester_texts(hass)).phrase(TEXTS_KEY, "unexpected")
    message = translation(review.error)
    language = await async_requester_language(hass)
    texts = await async_get_translations(hass, language, "exceptions", [DOMAIN])
    text = texts[f"component.{DOMAIN}.exceptions.{message['translation_key']}.message"]
    return text.format(**message["translation_placeholders"])
