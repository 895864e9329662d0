"""Handlers of the actions, and their responses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from homeassistant.components import persistent_notification
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, UnknownUser

from .callers import async_caller
from .const import DOMAIN
from .dashboard import async_dashboard_response
from .errors import translation
from .live.live_sync import ProcessResult
from .probing.texts import async_probe_texts, probe_response, probe_table
from .pulsarr.ids import guid_id
from .responses import (
    entries_response,
    entry_response,
    explanation_response,
    open_gaps_response,
    pending_response,
    run_response,
)
from .runtime import PlexLabelSyncConfigEntry, Runtime
from .sharing_check.services import async_check_response, async_preview_response, async_verdict_rows
from .sync.explain import Question
from .sync.model import MediaType, ServiceError
from .sync.people import AmbiguousPersonError, UnknownPersonError
from .sync.request import FullRequest, RemovalRequest, Request, UndoRequest, UnknownLibraryError
from .sync.run import Run
from .sync.safety_check import Consent
from .sync.threads import in_thread
from .sync.title_status import TitleQuery, TitleStatus
from .texts import Texts, async_language_of, async_texts
from .titles import async_standings, async_titles_response, person_named

if TYPE_CHECKING:
    from .sync.person_id import PersonId


class Field(StrEnum):
    """Names of the actions' fields."""

    CONFIG_ENTRY_ID = "config_entry_id"
    DRY_RUN = "dry_run"
    PEOPLE = "people"
    LIBRARIES = "libraries"
    ALLOW_MASS_REMOVAL = "allow_mass_removal"
    RUN_ID = "run_id"
    LIMIT = "limit"
    CHANGES = "changes"
    RATING_KEY = "rating_key"
    GUID = "guid"
    TITLE = "title"
    REFRESH = "refresh"
    PERSON = "person"
    STATUS = "status"
    TYPE = "type"
    ALLOW = "allow"
    EXCLUDE = "exclude"
    RATINGS = "ratings"
    KEEP = "keep"
    LANGUAGE = "language"


async def sync_all(
    runtime: Runtime,
    request: Request | None = None,
    *,
    context: Context | None = None,
) -> Run:
    """Carry out a full sync or another requested run; `context` tells who requested it.

    Raises HomeAssistantError when nothing could be done, ServiceValidationError for unknown
    people or libraries, or when a dry run of the same user is already waiting.
    """
    request = replace(
        request or FullRequest(), started_by=await async_caller(runtime.context.hass, context)
    )
    user_id = None if context is None else context.user_id
    with _translated_people_errors():
        try:
            run = await runtime.runner.async_run(request, user_id=user_id)
        except UnknownLibraryError as err:
            raise _invalid("unknown_library", library=str(err)) from err
    _raise_if_nothing_was_done(run)
    return run


@contextmanager
def _translated_people_errors() -> Iterator[None]:
    """Convert errors about unknown or ambiguous people into translated ones."""
    try:
        yield
    except UnknownPersonError as err:
        raise _invalid("unknown_person", person=str(err)) from err
    except AmbiguousPersonError as err:
        names = ", ".join(err.names)
        raise _invalid("ambiguous_person", person=err.text, names=names) from err


async def process_pending(runtime: Runtime, *, context: Context | None = None) -> ProcessResult:
    """Process all pending syncs. Raises HomeAssistantError when that was not possible."""
    result = await runtime.live.async_process(
        everything=True, started_by=await async_caller(runtime.context.hass, context)
    )
    if result.run is not None:
        _raise_if_nothing_was_done(result.run)
    return result


async def async_sync_all(call: ServiceCall) -> ServiceResponse:
    """Carry out a full sync, or return what it would do."""
    request = FullRequest(
        dry_run=call.data[Field.DRY_RUN],
        people=_names(call, Field.PEOPLE),
        libraries=_names(call, Field.LIBRARIES),
        consent=Consent(everything=call.data[Field.ALLOW_MASS_REMOVAL]),
    )
    return await _run(call, request)


async def _run(call: ServiceCall, request: Request) -> ServiceResponse:
    """Carry out a request and return its result."""
    runtime = _runtime(call)
    run = await sync_all(runtime, request, context=call.context)
    texts = await texts_for(call)
    gaps = runtime.records.knowledge.gaps
    answer = run_response(run, gaps, texts, _libraries(runtime))
    if isinstance(request, UndoRequest):
        answer["skipped"] = run.skipped
    return _if_requested(call, answer)


def _libraries(runtime: Runtime) -> dict[str, str]:
    """Return the names of Plex's libraries by key."""
    return {library.key: library.name for library in runtime.servers.plex.libraries_seen}


async def async_process_pending(call: ServiceCall) -> ServiceResponse:
    """Process all pending syncs and return counts."""
    result = await process_pending(_runtime(call), context=call.context)
    return _if_requested(
        call,
        {
            "processed": result.processed,
            "labelled": result.labelled,
            "waiting": result.waiting,
            "expired": result.expired,
        },
    )


async def async_get_pending(call: ServiceCall) -> ServiceResponse:
    """Return the pending syncs."""
    return {"pending": [pending_response(entry) for entry in _runtime(call).live.queue]}


async def async_get_titles(call: ServiceCall) -> ServiceResponse:
    """Return titles, each with its status and the reason."""
    runtime = _runtime(call)
    standings = await async_standings(runtime)
    person: PersonId | None = None
    if (text := call.data.get(Field.PERSON)) is not None:
        with _translated_people_errors():
            person = person_named(standings, runtime, text)
    statuses: list[str] | None = call.data.get(Field.STATUS)
    kind: str | None = call.data.get(Field.TYPE)
    query = TitleQuery(
        person,
        frozenset(map(TitleStatus, statuses)) if statuses else None,
        None if kind is None else MediaType(kind),
        call.data[Field.LIMIT],
    )
    return await async_titles_response(runtime, standings, query, await texts_for(call))


async def async_get_dashboard(call: ServiceCall) -> ServiceResponse:
    """Return a dashboard in the requested language, by default the caller's."""
    language = call.data.get(Field.LANGUAGE)
    texts = await (async_texts(call.hass, language) if language else texts_for(call))
    return await async_dashboard_response(_runtime(call), texts)


async def async_drop_pending(call: ServiceCall) -> ServiceResponse:
    """Remove one pending sync or all of them."""
    dropped = await _runtime(call).live.async_drop(call.data.get(Field.GUID))
    return _if_requested(call, {"dropped": dropped})


async def async_undo(call: ServiceCall) -> ServiceResponse:
    """Undo a run."""
    runtime = _runtime(call)
    entry = runtime.records.journal.get(call.data.get(Field.RUN_ID))
    if entry is None:
        raise _invalid("unknown_run")
    request = UndoRequest(
        dry_run=call.data[Field.DRY_RUN], run_id=entry.run_id, changes=entry.changes
    )
    return await _run(call, request)


async def async_get_runs(call: ServiceCall) -> ServiceResponse:
    """Return the last runs."""
    runtime = _runtime(call)
    entries = runtime.records.journal.entries[::-1]
    if (run_id := call.data.get(Field.RUN_ID)) is not None:
        entries = tuple(entry for entry in entries if entry.run_id == run_id)
        if not entries:
            raise _invalid("unknown_run")
    entries = entries[: call.data[Field.LIMIT]]
    if run_id is None and not call.data[Field.CHANGES]:
        return {"runs": [entry_response(entry) for entry in entries]}
    texts = await texts_for(call)
    libraries = _libraries(runtime)
    # Formatting tens of thousands of changes would block the event loop.
    runs: list[Any] = await in_thread(entries_response, entries, texts, libraries)
    return {"runs": runs}


async def async_remove_labels(call: ServiceCall) -> ServiceResponse:
    """Remove labels that this integration wrote."""
    request = RemovalRequest(dry_run=call.data[Field.DRY_RUN], people=_names(call, Field.PEOPLE))
    return await _run(call, request)


async def async_clear_overrides(call: ServiceCall) -> ServiceResponse:
    """Clear overrides, so that these labels are written again."""
    runtime = _runtime(call)
    people: frozenset[PersonId] | None = None
    if names := _names(call, Field.PEOPLE):
        with _translated_people_errors():
            try:
                people = await runtime.runner.engine.people_named(names)
            except ServiceError as err:
                raise HomeAssistantError(**translation(err)) from err
    rating_key = call.data.get(Field.RATING_KEY)
    rows = tuple(runtime.records.ledger)
    keys = await in_thread(  # there may be tens of thousands
        lambda: [
            row.key
            for row in rows
            if (rating_key is None or row.rating_key == rating_key)
            and (people is None or not people.isdisjoint(row.people))
        ]
    )
    return _if_requested(call, {"cleared": await runtime.runner.async_clear_overrides(keys)})


async def async_explain(call: ServiceCall) -> ServiceResponse:
    """Return why titles have the labels that they have."""
    runtime = _runtime(call)
    question = _question(call)
    try:
        explanations, fitting = await runtime.runner.async_explain(question)
    except ServiceError as err:
        raise HomeAssistantError(**translation(err)) from err
    if not explanations:
        raise _invalid("title_not_found")
    texts = await texts_for(call)
    titles: list[Any] = [explanation_response(one, texts) for one in explanations]
    if await is_admin(call):
        rows = await async_verdict_rows(runtime, explanations, texts)
        titles = [{**one, "visible": some} for one, some in zip(titles, rows, strict=True)]
    gaps: list[Any] = open_gaps_response(runtime.records.knowledge.gaps, texts)
    return {"titles": titles, "titles_total": fitting, "gaps": gaps}


async def check_sharing(runtime: Runtime) -> None:
    """Check now at plex.tv who can see what. Raises HomeAssistantError when the check is off."""
    if not runtime.sharing.enabled:
        raise _invalid("sharing_off")
    await runtime.sharing.async_check()


async def async_check_sharing(call: ServiceCall) -> ServiceResponse:
    """Return who can see what."""
    return await async_check_response(
        _runtime(call),
        _names(call, Field.PEOPLE),
        await texts_for(call),
        refresh=call.data[Field.REFRESH],
    )


async def async_preview_sharing(call: ServiceCall) -> ServiceResponse:
    """Return what a person would see under another rule."""
    return await async_preview_response(_runtime(call), call.data, await texts_for(call))


async def probe(runtime: Runtime) -> None:
    """Probe both servers, and show the results in a notification."""
    result = await runtime.probing.async_run()
    hass, entry = runtime.context.hass, runtime.context.entry
    persistent_notification.async_create(
        hass,
        probe_table(result, await async_probe_texts(hass)),
        title=entry.title,
        notification_id=f"{DOMAIN}_probe_{entry.entry_id}",
    )


async def async_probe(call: ServiceCall) -> ServiceResponse:
    """Probe both servers and return the facts."""
    rating_key = call.data.get(Field.RATING_KEY, "").strip() or None
    if rating_key is not None:
        _require_rating_key(rating_key)
    result = await _runtime(call).probing.async_run(rating_key)
    return _if_requested(call, probe_response(result, await async_probe_texts(call.hass)))


def _require_rating_key(text: str) -> None:
    if not (text.isascii() and text.isdigit()):
        raise _invalid("invalid_rating_key", rating_key=text)


def _question(call: ServiceCall) -> Question:
    """Return the question that a call's fields ask."""
    given = {
        field: text
        for field in (Field.TITLE, Field.GUID, Field.RATING_KEY)
        if (text := call.data.get(field, "").strip())
    }
    if len(given) != 1:
        raise _invalid("one_of_three")
    ((field, text),) = given.items()
    if field is Field.TITLE:
        return Question(text=text)
    if field is Field.RATING_KEY:
        _require_rating_key(text)
        return Question(rating_key=text)
    if (one := guid_id(text)) is None:
        raise _invalid("invalid_guid", guid=text)
    return Question(id=one)


async def texts_for(call: ServiceCall) -> Texts:
    """Return the texts in the language of an action's caller."""
    language = await async_language_of(call.hass, call.context.user_id)
    return await async_texts(call.hass, language)


def _if_requested(call: ServiceCall, response: dict[str, Any]) -> ServiceResponse:
    return response if call.return_response else None


def _runtime(call: ServiceCall) -> Runtime:
    """Return the runtime of the entry that a call names, which is optional with a single entry."""
    entries: list[PlexLabelSyncConfigEntry] = call.hass.config_entries.async_entries(DOMAIN)
    if (entry_id := call.data.get(Field.CONFIG_ENTRY_ID)) is not None:
        entries = [entry for entry in entries if entry.entry_id == entry_id]
    if not entries:
        raise _invalid("entry_not_found")
    if len(entries) > 1:
        raise _invalid("several_entries")
    if entries[0].state is not ConfigEntryState.LOADED:
        raise _invalid("entry_not_loaded", title=entries[0].title)
    return entries[0].runtime_data


def _names(call: ServiceCall, field: Field) -> tuple[str, ...] | None:
    names: list[str] | None = call.data.get(field)
    return tuple(names) if names else None


def _invalid(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


def _raise_if_nothing_was_done(run: Run) -> None:
    if run.error is not None and not run.changes:
        raise HomeAssistantError(**translation(run.error)) from run.error


async def is_admin(call: ServiceCall) -> bool:
    """Return whether the caller is an administrator or not a user. Raises UnknownUser."""
    if (user_id := call.context.user_id) is None:
        return True
    user = await call.hass.auth.async_get_user(user_id)
    if user is None:
        raise UnknownUser(context=call.context)
    return user.is_admin
