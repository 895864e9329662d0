"""Build titles from what Pulsarr, Radarr and Sonarr state, in answers and in webhooks."""

from collections.abc import Mapping

from ..sync.model import MediaType, Title
from .ids import moment, picture, text


def title_of(kind: MediaType, fields: Mapping[str, object], ids: frozenset[str]) -> Title | None:
    """Return a title by its name, else by one of its ids; None if it has neither.

    A poster and the time at which it was added to a watchlist are optional.
    """
    name = text(fields.get("title")) or min(ids, default="")
    if not name:
        return None
    poster = picture(fields.get("posterUrl") or fields.get("thumb"))
    return Title(kind, name, ids, poster, moment(fields.get("added")))
