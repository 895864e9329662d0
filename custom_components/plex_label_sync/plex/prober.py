"""A Plex server as a probe uses it: one request per question, and what rows state or lack."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
import re
import time
from typing import Any, Final

from ..probe.model import ItemRow, Root, Rows, Section, Trial
from ..probe.ports import RequestCounter
from ..sync.failures import FAILURES
from ..sync.model import Library, MediaType, ServiceError, StoredLabel
from ..transport import Transport
from . import parse
from .editor import Editor
from .edits import TYPE_NUMBERS, EditPart
from .events import PATHS, Message, NoticeKind

SECONDS: Final = 45.0  # for one answer
_VERSION: Final = re.compile(r"[\w.+-]{1,60}", re.ASCII)
_PLATFORM: Final = re.compile(r"[\w .-]{1,30}", re.ASCII)
_TRUE, _FALSE = frozenset({"1", "true"}), frozenset({"0", "false"})

type Listen = Callable[[str], AbstractAsyncContextManager[AsyncIterator[Message]]]


class PlexProber:
    """Implements `probe.ports.PlexPort`."""

    def __init__(
        self,
        http: Transport,
        editor: Editor,
        listen: Listen,
        parameters: Mapping[str, str | int],
        counter: RequestCounter,
    ) -> None:
        """Initialize with `parameters`, the query parameters that the client also sends for items."""
        self._http = http
        self._editor = editor
        self._listen = listen
        self._parameters = parameters
        self._counter = counter

    async def root(self) -> Root:
        """Return the server's description of itself."""
        return await self._read("/", _root)

    async def is_owner(self) -> bool:
        """Return whether the token is the owner's; other tokens are refused here."""
        try:
            await self._read("/library", parse.container)
        except ServiceError as err:
            if not FAILURES[err.failure].reauth:
                raise
            return False
        return True

    async def sections(self) -> tuple[Section, ...]:
        """Return the movie and show sections."""
        return await self._read("/library/sections", _sections)

    async def listing(
        self,
        section: Section,
        size: int,
        *,
        label: str | None = None,
        include_labels: bool = False,
    ) -> Rows:
        """Return the first rows of a section, only those with a label if one is given."""
        query: dict[str, str | int] = {
            **self._parameters,
            "type": TYPE_NUMBERS[section.type],
            "X-Plex-Container-Start": 0,
            "X-Plex-Container-Size": size,
        }
        if label is not None:
            query["label"] = label
        if include_labels:
            query["includeLabels"] = 1
        return await self._read(f"/library/sections/{section.key}/all", _rows, query)

    async def labels(self, section: Section) -> tuple[StoredLabel, ...]:
        """Return the label directory of a section."""
        query = {"type": TYPE_NUMBERS[section.type]}
        path = f"/library/sections/{section.key}/label"
        return await self._read(path, _labels, query)

    async def items(
        self, rating_keys: Sequence[str], *, refresh: bool = False, length: int = 0
    ) -> Rows:
        """Return items by key, requested as the client does except for what is tested."""
        query = self._items_query(rating_keys, length)
        if refresh:
            del query["skipRefresh"]
        answer = await self._read(_items_path(rating_keys), _rows, query)
        return replace(answer, length=self._length(rating_keys, query))

    def address_length(self, rating_keys: Sequence[str], length: int) -> int:
        """Return the length in bytes of the URL that `items` requests."""
        return self._length(rating_keys, self._items_query(rating_keys, length))

    def _items_query(self, rating_keys: Sequence[str], length: int) -> dict[str, str | int]:
        query: dict[str, str | int] = {**self._parameters, "includeGuids": 1, "skipRefresh": 1}
        # Plex ignores unknown parameters; this one only adds length.
        missing = length - self._length(rating_keys, {**query, "padding": ""})
        return {**query, "padding": "0" * missing} if missing > 0 else query

    def _length(self, rating_keys: Sequence[str], query: Mapping[str, str | int]) -> int:
        return len(self._http.address(_items_path(rating_keys), query))

    async def edit(
        self, trial: Trial, add: Sequence[str], remove: Sequence[str], *, encoded_once: bool
    ) -> float:
        """Change labels of the trial's one movie; the lock on them stays as it was.

        Returns how many seconds that took.
        """
        await self._counter.take_edit()
        part = EditPart(
            (trial.rating_key,),
            tuple(add),
            tuple(remove),
            locked=trial.locked,
            encoded_once=encoded_once,
        )
        library = Library(trial.library, MediaType.MOVIE, "")
        began = time.monotonic()
        try:
            await self._editor.edit_once(library, part)
        finally:
            self._counter.edited()
        return time.monotonic() - began

    @asynccontextmanager
    async def listen(self, path: int) -> AsyncIterator[AsyncIterator[str]]:
        """Connect to one of the socket's paths; yield the rating keys of processed items."""
        self._counter.take()
        async with self._listen(PATHS[path]) as messages:
            yield _processed(messages)

    async def _read[T](
        self,
        path: str,
        understand: Callable[[object], T],
        query: Mapping[str, str | int] | None = None,
    ) -> T:
        self._counter.take()
        return await self._http.read(path, understand, query=query, seconds=SECONDS, tries=1)


async def _processed(messages: AsyncIterator[Message]) -> AsyncIterator[str]:
    async for message in messages:
        for notice in message.notices:
            if notice.what is NoticeKind.PROCESSED:
                yield notice.rating_key


def _items_path(rating_keys: Sequence[str]) -> str:
    return f"/library/metadata/{','.join(rating_keys)}"


def _flag(value: object) -> bool | None:
    text = str(value).lower()
    return True if text in _TRUE else False if text in _FALSE else None


def _matching(value: object, allowed: re.Pattern[str]) -> str:
    """Return text that can only be a version or a platform, empty for anything else."""
    text = str(value)
    return text if allowed.fullmatch(text) else ""


def _root(answer: object) -> Root:
    body = parse.container(answer)
    features = body.get("ownerFeatures")
    return Root(
        version=_matching(body.get("version", ""), _VERSION),
        platform=_matching(body.get("platform", ""), _PLATFORM),
        plex_pass=_flag(body.get("myPlexSubscription")),
        sync_feature="sync" in features.split(",") if isinstance(features, str) else None,
    )


def _sections(answer: object) -> tuple[Section, ...]:
    """Return the sections that can be tried: not those of other types, or with unreadable rows."""
    rows = parse.container(answer).get("Directory") or []
    found: list[Section] = []
    for row in rows:
        with suppress(AttributeError, KeyError, TypeError, ValueError):
            found.append(_section(row))
    return tuple(found)


def _section(row: Mapping[str, Any]) -> Section:
    return Section(
        key=str(row["key"]),
        type=MediaType(row["type"]),
        sync=_flag(row.get("allowSync")),
        changed=None if "contentChangedAt" not in row else str(row["contentChangedAt"]),
    )


def _labels(answer: object) -> tuple[StoredLabel, ...]:
    directory = parse.stored_labels(answer)
    if directory.bad:
        raise ValueError("a label cannot be read")
    return directory.content


def _rows(answer: object) -> Rows:
    body = parse.container(answer)
    rows = parse.counted_rows(body, "Metadata")
    return Rows(
        rows=tuple(_row(row) for row in rows),
        total=int(body.get("totalSize", len(rows))),
        section=str(body.get("librarySectionID", "")),
    )


def _row(row: Mapping[str, Any]) -> ItemRow:
    labels = row.get("Label")
    section = row.get("librarySectionID")
    return ItemRow(
        rating_key=str(row["ratingKey"]),
        type=str(row.get("type", "")),
        labels=None
        if labels is None
        else tuple(StoredLabel(str(one.get("id", "")), str(one["tag"])) for one in labels),
        section=None if section is None else str(section),
        locked=any(
            one.get("name") == "label" and _flag(one.get("locked")) is True
            for one in row.get("Field") or ()
        ),
        updated=str(row.get("updatedAt", "")),
    )
