"""Tells for whom a title that got labels has become visible, once its labels were read back."""

import asyncio
from typing import TYPE_CHECKING

from ..live.label_events import LabelEvent
from ..sharing.model import Verdict
from ..status import Activity
from ..sync.model import ServiceError
from ..sync.reasons import PersonRef, names_of
from .services import verdicts
from .texts import best_verdict

if TYPE_CHECKING:
    from ..coordinator import PlexLabelSyncCoordinator


class VisibleEvents:
    """Puts verdicts beside the news of labels. Nothing is said where nothing is known."""

    def __init__(self, coordinator: "PlexLabelSyncCoordinator") -> None:
        """Tell by way of the coordinator."""
        self._coordinator = coordinator
        self._in_order = asyncio.Lock()

    @property
    def knows(self) -> bool:
        """Whether there is an answer of plex.tv to go by."""
        return self._coordinator.sharing.answer is not None

    async def async_tell(self, news: LabelEvent) -> None:
        """Tell that a title got labels and who can see it, then that it became visible."""
        async with self._in_order:
            seeing, title = await self._seeing(news)
            names = None if seeing is None else list(names_of(seeing))
            self._coordinator.async_tell_labels(news, visible_to=names)
            if not seeing:
                return
            store = self._coordinator.sharing.store
            new = [one for one in seeing if store.kept.tell(one.id, title)]
            if not new:
                return
            await store.async_save()
            self._coordinator.async_activity(
                Activity.VISIBLE,
                title=news.title,
                type=news.type.value,
                people=list(names_of(new)),
                rating_key=news.rating_key,
                poster=news.poster,
            )

    async def _seeing(self, news: LabelEvent) -> tuple[list[PersonRef] | None, str]:
        """Return who of those whose label it got can see a title; None while that is not known.

        Also what the title is known by. Its labels are read anew: another one may keep it out.
        """
        check = self._coordinator.sharing
        try:
            await check.async_check(refresh=False)
            items = await self._coordinator.plex.rated(news.rating_keys)
        except ServiceError:
            return None, ""
        if check.findings is None or not items:
            return None, ""
        seeing = []
        for person in news.people:
            found = verdicts(person.id, check.findings, items)
            if best_verdict(why.verdict for why, _, _ in found) is Verdict.VISIBLE:
                seeing.append(person)
        ids = sorted(one for item in items for one in item.item.ids if one.startswith("plex:"))
        return seeing, (ids or [f"{news.type.value}:{news.rating_key}"])[0]
