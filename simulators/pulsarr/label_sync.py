"""Pulsarr's own label sync: it writes complete label lists and remembers where it wrote."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .state import PulsarrState

NO_LABELS: Final = [("label[0].tag.tag-", "")]
"""The argument that clears the list, as an empty list cannot be written."""


@dataclass(frozen=True, slots=True)
class PlexLink:
    """The Plex server that Pulsarr writes labels to."""

    url: str
    token: str = field(repr=False)


@dataclass(slots=True)
class LabelSync:
    """The jobs behind `/v1/labels`, which change labels with the prefix and keep others as read.

    A label that another program writes between the read and the write is therefore lost.
    """

    state: PulsarrState
    plex: PlexLink
    tracked: set[str] = field(default_factory=set)
    """Rating keys of the items that Pulsarr has labeled."""

    async def sync(self) -> dict[str, int]:
        """Write all labels; return counts of processed, changed, failed and missing titles."""
        counts = {"processed": 0, "updated": 0, "failed": 0, "pending": 0}
        wanted: set[str] = set()
        async with self._session() as session:
            for guid, names in self._titles().items():
                counts["processed"] += 1
                try:
                    found = await _keys(session, guid)
                    wanted.update(found)
                    for key in found:
                        counts["updated"] += await self._write(session, key, names)
                except aiohttp.ClientError:
                    counts["failed"] += 1
                    continue
                counts["pending"] += not found
            for key in sorted(self.tracked - wanted):
                counts["updated"] += await self._write(session, key, ())
        self.tracked = wanted
        return counts

    async def remove(self) -> dict[str, int]:
        """Remove every label with the prefix from the items that the jobs have written to."""
        counts = {"processed": 0, "removed": 0, "failed": 0}
        async with self._session() as session:
            for key in sorted(self.tracked):
                counts["processed"] += 1
                try:
                    carried = await _labels(session, key)
                    left = [label for label in carried if not self._is_ours(label)]
                    await _replace(session, key, carried, left)
                except aiohttp.ClientError:
                    counts["failed"] += 1
                    continue
                counts["removed"] += len(carried) - len(left)
                self.tracked.discard(key)
        return counts

    def _session(self) -> aiohttp.ClientSession:
        headers = {"X-Plex-Token": self.plex.token, "Accept": "application/json"}
        return aiohttp.ClientSession(self.plex.url, headers=headers, raise_for_status=True)

    def _titles(self) -> dict[str, list[str]]:
        """Return the names of the people who want a title, by the title's guid in Plex."""
        by_alias = self._config["labelNamingSource"] == "alias"
        titles: dict[str, list[str]] = defaultdict(list)
        for user in self.state.users():
            name = (user.alias if by_alias else None) or user.name
            for entry in self.state.watchlist(user.id):
                if user.can_sync and entry.key:
                    titles[f"plex://{entry.kind}/{entry.key}"].append(name)
        return titles

    async def _write(self, session: aiohttp.ClientSession, key: str, names: Iterable[str]) -> int:
        """Write these people's labels to an item; return 1 if that changed anything, else 0."""
        carried = await _labels(session, key)
        prefix = self._config["labelPrefix"]
        wanted = {f"{prefix}:{name}".casefold(): f"{prefix}:{name}" for name in names}
        keeps = self._config["removedLabelMode"] == "keep"
        left = [
            label
            for label in carried
            if keeps or not self._is_ours(label) or label.casefold() in wanted
        ]
        there = {label.casefold() for label in left}
        left += [label for folded, label in wanted.items() if folded not in there]
        lost = len(carried) - sum(label in left for label in carried)
        if lost and self._config["removedLabelMode"] == "special-label":
            left.append(str(self._config["removedLabelPrefix"]))
        return int(await _replace(session, key, carried, left))

    def _is_ours(self, label: str) -> bool:
        prefix: str = self._config["labelPrefix"]
        return label.casefold().startswith(f"{prefix.casefold()}:")

    @property
    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.state.config["plexLabelSync"]
        return config


async def _rows(session: aiohttp.ClientSession, path: str, **query: str) -> list[dict[str, Any]]:
    async with session.get(path, params=query) as answer:
        rows: list[dict[str, Any]] = (await answer.json())["MediaContainer"].get("Metadata", [])
    return rows


async def _keys(session: aiohttp.ClientSession, guid: str) -> list[str]:
    return [str(row["ratingKey"]) for row in await _rows(session, "/library/all", guid=guid)]


async def _labels(session: aiohttp.ClientSession, key: str) -> list[str]:
    (row,) = await _rows(session, f"/library/metadata/{key}")
    return [str(label["tag"]) for label in row.get("Label", [])]


async def _replace(
    session: aiohttp.ClientSession, key: str, carried: list[str], labels: list[str]
) -> bool:
    """Write the complete list unless the item already has it; return whether it was written."""
    if sorted(carried) == sorted(labels):
        return False
    query = [("label[].tag.tag", label) for label in labels] or NO_LABELS
    async with session.put(f"/library/metadata/{key}", params=query):
        return True
