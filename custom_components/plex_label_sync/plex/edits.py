"""Build the requests that change labels. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
import re
from typing import Final
from urllib.parse import quote

from ..sync.model import MediaType

PUT_IDS_MAX: Final = 150  # ids; other tools got 400 and 414 from a few hundred ids on
URL_MAX: Final = 4000  # bytes of path and query; proxies in front of Plex refuse more than 8 kB
LABEL_BYTES_MAX: Final = 2400  # bytes of a URL for labels, which leaves room for ids

_RATING_KEY: Final = re.compile(r"[0-9]+")

TYPE_NUMBERS: Final = {MediaType.MOVIE: 1, MediaType.SHOW: 2}


@dataclass(frozen=True, slots=True)
class EditPart:
    """Labels to add to and remove from some items of one library.

    `locked` is the state of the field's lock after the edit; refreshes leave a locked field alone.
    A removal is percent-encoded twice unless `encoded_once`, which no known server needs.
    """

    rating_keys: tuple[str, ...]
    add: tuple[str, ...]
    remove: tuple[str, ...]
    locked: bool = True
    encoded_once: bool = False

    def halves(self) -> tuple["EditPart", "EditPart"]:
        """Return the same change for each half of the items."""
        middle = len(self.rating_keys) // 2
        return (
            replace(self, rating_keys=self.rating_keys[:middle]),
            replace(self, rating_keys=self.rating_keys[middle:]),
        )


def edit_query(media_type: MediaType, part: EditPart) -> str:
    """Return the encoded query of one edit.

    Added labels are merged with those of the items. Removed labels are one comma-separated value
    whose parts Plex percent-decodes a second time, hence the double encoding.

    Raises ValueError without items or without labels: Plex applies an edit that names no item to
    the whole library.
    """
    _require_sense(part)
    return (
        f"type={TYPE_NUMBERS[media_type]}&id={','.join(part.rating_keys)}"
        f"&{_labels_query(part.add, part.remove, encoded_once=part.encoded_once)}"
        f"&label.locked={int(part.locked)}"
    )


def _require_sense(part: EditPart) -> None:
    if not part.rating_keys or not all(_RATING_KEY.fullmatch(key) for key in part.rating_keys):
        raise ValueError("an edit must name its items")
    if not part.add and not part.remove:
        raise ValueError("an edit must change something")


def _labels_query(add: Sequence[str], remove: Sequence[str], *, encoded_once: bool = False) -> str:
    parts = [f"label%5B{index}%5D.tag.tag={quote(text, safe='')}" for index, text in enumerate(add)]
    if remove:
        value = ",".join(text if encoded_once else quote(text, safe="") for text in remove)
        parts.append(f"label%5B%5D.tag.tag-={quote(value, safe='')}")
    return "&".join(parts)


def edit_parts(media_type: MediaType, whole: EditPart, *, path_bytes: int) -> Iterator[EditPart]:
    """Split one change of many items into parts that fit into one URL each.

    Raises ValueError without items or without labels, like `edit_query`.
    """
    _require_sense(whole)
    for add, remove in _label_groups(whole.add, whole.remove):
        part = replace(whole, rating_keys=("0",), add=add, remove=remove)
        used = path_bytes + 1 + len(edit_query(media_type, part))
        for keys in _id_groups(whole.rating_keys, max(URL_MAX - used, 1)):
            yield replace(part, rating_keys=keys)


def _label_groups(
    add: Iterable[str], remove: Iterable[str]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    group: tuple[list[str], list[str]] = ([], [])
    for which, text in [(0, text) for text in add] + [(1, text) for text in remove]:
        bigger = (group[0] + [text] * (which == 0), group[1] + [text] * (which == 1))
        if any(group) and len(_labels_query(*bigger)) > LABEL_BYTES_MAX:
            yield tuple(group[0]), tuple(group[1])
            bigger = ([text], []) if which == 0 else ([], [text])
        group = bigger
    yield tuple(group[0]), tuple(group[1])


def _id_groups(rating_keys: Sequence[str], room: int) -> Iterator[tuple[str, ...]]:
    """Split ids into groups of at most PUT_IDS_MAX ids and `room` bytes, commas included."""
    group: list[str] = []
    used = 0
    for key in rating_keys:
        if group and (len(group) == PUT_IDS_MAX or used + len(key) + 1 > room):
            yield tuple(group)
            group, used = [], 0
        group.append(key)
        used += len(key) + 1
    yield tuple(group)
