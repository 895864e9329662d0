"""Response data of the action that lists wanted titles and their status."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .errors import translation
from .sync.journal import removed_by_undo
from .sync.person_id import PersonId
from .sync.request import FullRequest
from .sync.threads import in_thread
from .sync.title_status import Standing, Standings, Times, TitleQuery, TitleRow, find_titles
from .sync.undo_builder import people_known
from .texts import Texts

if TYPE_CHECKING:
    from .runtime import Runtime

TITLE_REASON: Final = "title_reason"


async def async_standings(runtime: "Runtime") -> Standings:
    """Return the data for the status of titles; the first call may read everything.

    Raises HomeAssistantError when reading fails.
    """
    if (known := runtime.runner.standings()) is not None:
        return known
    await runtime.runner.async_wait_idle()  # the run in progress may read everything
    if (known := runtime.runner.standings()) is None:
        run = await runtime.runner.async_run(FullRequest(dry_run=True))
        if run.error is not None:
            raise HomeAssistantError(**translation(run.error)) from run.error
        known = runtime.runner.standings()
    if known is None:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="titles_unknown")
    return known


def person_named(standings: Standings, runtime: "Runtime", text: str) -> PersonId:
    """Return the id of the person that a text names, from known data only.

    Raises UnknownPersonError or AmbiguousPersonError.
    """
    people = standings.overview.people.values()
    (person,) = people_known(people, runtime.records.ledger, [text])
    return person


async def async_titles_response(
    runtime: "Runtime", standings: Standings, query: TitleQuery, texts: Texts
) -> dict[str, Any]:
    """Return the titles that match a query, searched in a thread: there may be many."""
    knowledge, entries = runtime.records.knowledge, runtime.records.journal.entries
    gaps, opted_out = dict(knowledge.gaps), dict(knowledge.opted_out)
    libraries = {library.key: library.name for library in runtime.servers.plex.libraries_seen}

    def answer() -> dict[str, Any]:
        when = Times(gaps, removed_by_undo(entries), opted_out)
        rows, total = find_titles(standings, query, when)
        return {
            "titles": [title_response(row, libraries, texts) for row in rows],
            "titles_total": total,
        }

    return await in_thread(answer)


def title_response(row: TitleRow, libraries: Mapping[str, str], texts: Texts) -> dict[str, Any]:
    """Return one title as response data; `libraries` maps library keys to names."""
    names = (libraries.get(item.library, item.library) for item in row.items)
    return {
        "title": row.title.name,
        "type": row.title.type.value,
        "guids": sorted(row.title.ids),
        "people": [person.username for person in row.people],
        "status": row.standing.status.value,
        "labels": list(row.labels),
        "libraries": list(dict.fromkeys(names)),
        "rating_keys": [item.rating_key for item in row.items],
        "reason": reason_text(row, texts),
        "reason_code": row.standing.reason.value,
        "since": None if row.since is None else dt_util.utc_from_timestamp(row.since).isoformat(),
        "poster": row.title.poster,
    }


def reason_text(row: TitleRow, texts: Texts) -> str:
    """Return the reason of a title's status as a sentence."""
    return texts.phrase(
        TITLE_REASON,
        reason_key(row.standing),
        len(row.wanted_labels),
        labels=texts.listed(row.wanted_labels),
        people=texts.listed(person.username for person in row.people),
    )


def reason_key(standing: Standing) -> str:
    """Return the translation key of the reason; pending titles have their own texts."""
    prefix = "" if standing.pending is None else "pending_"
    return f"{prefix}{standing.reason.value}"
