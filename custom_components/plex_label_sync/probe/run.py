"""One probe from its first request to its last."""

import logging

from ..sync.model import Service, ServiceError
from . import facts
from .cleaning import clean_up
from .model import Code, ItemRow, Result, Section, Trial, Why
from .pacing import RESERVE, NoRequestLeftError, Pace
from .ports import PlexPort, PulsarrPort, TrialJournal
from .steps import Findings, Place, Reading, listening, probe_pulsarr
from .trial import MovieTrial, Stamps, trial_of

_LOGGER = logging.getLogger(__name__)


class ProbeRun:
    """Queries one Plex server and one Pulsarr, and tries labels on one movie if it is named."""

    def __init__(
        self, plex: PlexPort, pulsarr: PulsarrPort, journal: TrialJournal, pace: Pace
    ) -> None:
        """Initialize; no request is sent before `run`."""
        self._plex = plex
        self._pulsarr = pulsarr
        self._journal = journal
        self._pace = pace
        self._found = Findings()
        self._reading = Reading(plex, pace, self._found)

    async def run(self, rating_key: str | None, suffix: str, asked: float) -> Result:
        """Return the facts; `suffix` makes the throw-away labels unique.

        Raises ServiceError when the server is unavailable or nothing can be saved, NoMovieError,
        and StoppedError.
        """
        root, sections = await self._reading.server()
        movie = None
        if rating_key is not None:
            movie = await self._reading.movie(rating_key, sections)
        try:
            if movie is not None:
                await self._with_movie(*movie, suffix)
            else:
                await self._reading_only(sections)
        except NoRequestLeftError:
            _LOGGER.debug("The probe has used up its requests")
        except ServiceError as err:
            if err.service is not Service.PLEX:
                raise
            self._found.fail(_OF_PLEX, err)
        try:
            await probe_pulsarr(self._pulsarr, self._found)
        except ServiceError as err:
            self._found.fail(set(Code) - _OF_PLEX, err)
        return Result(
            facts=self._found.all(movie=movie is not None),
            version=root.version,
            platform=root.platform,
            requests=self._pace.requests,
            asked=asked,
            movie=movie is not None,
        )

    async def _reading_only(self, sections: tuple[Section, ...]) -> None:
        place = await self._reading.some_place(sections)
        if place is None:
            return
        async with listening(self._plex, self._pace, self._found) as listener:
            await self._reading.first_items(place)
            with self._found.about(Code.LABEL_FILTER, Code.LABEL_BY, Code.LABEL_FOLD):
                nonsense = await self._reading.nonsense(place)
                seen = await self._reading.by_label(place, nonsense)
                self._found.add(*facts.label_filter(seen))
            await self._reading.refreshes(place, listener)
        shown = await self._reading.many(place)
        self._found.add(
            facts.labels_on_items(
                {
                    key: row.labels is not None
                    for key, row in shown.items()
                    if key in place.labelled or row.labels is not None
                }
            )
        )
        self._reading.listed(place, shown)
        self._inline(place)

    async def _with_movie(self, movie: ItemRow, section: Section, suffix: str) -> None:
        place = Place(section, first=movie.rating_key, carriers=1)
        async with listening(self._plex, self._pace, self._found) as listener:
            await self._reading.first_items(place)
            row = await self._reading.refreshes(place, listener) or movie
            trial = trial_of(row, section, suffix)
            await self._journal.begin(trial)
            tried = MovieTrial(self._plex, self._pace, self._found, trial, self._reading)
            self._pace.reserve, clean = RESERVE, False
            try:
                clean = await tried.run(place, listener, Stamps(row.updated, section.changed))
            finally:
                clean = clean or await self._clean(trial)
                if clean and tried.certain:
                    await self._journal.end()
                self._pace.reserve = 0
        self._inline(place)

    def _inline(self, place: Place) -> None:
        inline = facts.inline_labels(Code.INLINE_LABELS, place.inline)
        included = facts.inline_labels(Code.INCLUDE_LABELS, place.included)
        if inline.answer == "some" and len(place.included) == 1:
            included = facts.unknown(Code.INCLUDE_LABELS, Why.NOT_SEEN)  # one row says little
        self._found.add(inline, included)

    async def _clean(self, trial: Trial) -> bool:
        """Remove what is left; return whether that succeeded, else it stays saved for later."""
        try:
            return await clean_up(self._plex, trial, self._pace)
        except ServiceError as err:
            _LOGGER.warning("The labels of the probe could not be removed yet: %s", err)
            return False


_OF_PLEX = frozenset(one for one in Code if not one.value.startswith("pulsarr_"))
