"""Query plex.tv periodically and determine who can see what, without delaying the syncs."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
import logging
import random
import time
from typing import Final

from homeassistant.core import CALLBACK_TYPE, callback

from ..const import CONF_CLIENT_ID, CONF_PLEX_TOKEN, CONF_PLEX_TV_TOKEN, DOMAIN
from ..context import EntryContext
from ..listeners import Listeners
from ..plex.sharing import PlexTvSharing
from ..runner import Runner
from ..servers import Servers
from ..sharing.changes import known_rules, vanished, with_missing
from ..sharing.model import (
    Answer,
    Reason,
    Rule,
    Severity,
    SharingError,
    SharingWarning,
)
from ..sharing.survey import survey
from ..sharing.undecided import undecided
from ..sharing.warn import warnings
from ..storage.files import StoreTooNewError, StoreUnreadableError
from ..sync.model import Gap, Person, ServiceError
from ..timer import Timer
from .facts import FactsReader, MoreRead
from .findings import Findings, rules_in
from .issues import async_update_sharing_issues
from .store import STEPS, SharingStore

_LOGGER = logging.getLogger(__name__)

LIMIT_REST: Final = 3600.0  # seconds without requests after a rate limit that states no time
TRY_AGAIN: Final = 3600.0  # seconds after a failed check
BELIEVED_FOR: Final = 7 * 86_400.0  # seconds for which an answer is used without a newer one

# Failures for which an early retry is useless.
_REFUSED: Final = frozenset({Reason.REFUSED, Reason.NOT_OWNER, Reason.GONE})


class SharingCheck:
    """Decides when to query plex.tv, stores the answers and publishes the findings."""

    def __init__(self, context: EntryContext, servers: Servers, runner: Runner) -> None:
        """Initialize; no request is sent before `async_start`."""
        self.times = times = context.limits.sharing
        self.on_change = Listeners[()]()
        self._context = context
        self._hass, entry = context.hass, context.entry
        self._servers = servers
        self._runner = runner
        self.settings = context.settings
        self.store = SharingStore(context.hass, entry.entry_id)
        token = entry.data.get(CONF_PLEX_TV_TOKEN) or entry.data[CONF_PLEX_TOKEN]
        self._plex_tv = PlexTvSharing(
            token,
            entry.data[CONF_CLIENT_ID],
            servers.info.machine_id,
            request_timeout=times.request_timeout,
            requests_within=times.requests_within,
        )
        self._reader = FactsReader(servers.plex, context.settings, servers.info.version)
        self.findings: Findings | None = None
        self._tv_reason: Reason | None = None  # why plex.tv returned nothing new
        self._plex_failed = False  # the server could not be read
        self._one_at_a_time = asyncio.Lock()
        self._last_query = -times.cool_down  # when plex.tv was last queried, on the monotonic clock
        self._rest_until = 0.0  # no requests to plex.tv before then, on the same clock
        self._timer = Timer(context.hass, self._async_due)
        self._waits_for_sync: CALLBACK_TYPE | None = None

    # State

    @property
    def enabled(self) -> bool:
        """Whether the check is enabled in the options."""
        return self.settings.check_sharing

    @property
    def reason(self) -> Reason | None:
        """Why there is nothing new, None if there is."""
        if not self.enabled:
            return Reason.OFF
        return self._tv_reason or (Reason.CANNOT_CONNECT if self._plex_failed else None)

    @property
    def answer(self) -> Answer | None:
        """The last answer of plex.tv, as long as it is valid."""
        answer = self.store.kept.answer
        return None if answer is None or _is_too_old(answer) else answer

    @property
    def shown(self) -> Findings | None:
        """The findings, as long as the answer that they are from is valid."""
        found = self.findings
        return None if found is None or _is_too_old(found.answer) else found

    @property
    def shown_since(self) -> float | None:
        """When plex.tv gave the answer that is shown, in epoch seconds, else the last one."""
        return self.checked if self.shown is None else self.shown.answer.checked

    @property
    def checked(self) -> float | None:
        """When plex.tv last answered, in epoch seconds, however long ago."""
        answer = self.store.kept.answer
        return None if answer is None else answer.checked

    @property
    def warning_count(self) -> int | None:
        """The number of warnings that matter, None while unknown."""
        if self.shown is None:
            return None
        return sum(one.severity is not Severity.INFO for one in self.shown.warnings)

    @property
    def old_routes_gone(self) -> bool:
        """Whether plex.tv has removed its older interface."""
        return self._plex_tv.old_routes_gone

    @property
    def status(self) -> str:
        """The result of the last check in one word."""
        if self.reason is not None or self.findings is None:
            return "not_available"
        return "ok" if self.findings.complete else "partial"

    @property
    def page_key(self) -> str | None:
        """The key of the text that says why something is unknown, None if nothing is."""
        if self.reason is not None:
            return f"reason_{self.reason.value}"
        if self.findings is None:
            return "nothing_known"
        return None if self.findings.complete else "unread"

    @property
    def reported(self) -> tuple[SharingWarning, ...]:
        """Warnings that matter and have not been dismissed."""
        if self.findings is None:
            return ()
        return tuple(
            one
            for one in self.findings.warnings
            if one.severity is not Severity.INFO and one.id not in self.store.kept.dismissed
        )

    # Start and schedule

    async def async_start(self) -> None:
        """Load the stored data, and let the first check follow the first full sync."""
        entry = self._context.entry
        if not self.enabled:
            await self.store.async_forget()
            async_update_sharing_issues(self._hass, entry, None)
            return
        try:
            await self.store.async_load()
        except (StoreTooNewError, StoreUnreadableError) as err:
            # Labels do not depend on it: lost data is read again.
            _LOGGER.warning("The stored sharing data could not be read: %s", err)
        entry.async_on_unload(self._timer.cancel)
        self._waits_for_sync = self._runner.on_change.add(self._on_status)
        entry.async_on_unload(self._stop_waiting)

    @callback
    def _on_status(self) -> None:
        """Set the timer once there has been a full sync."""
        if self._runner.engine.watchlists is None:
            return
        self._stop_waiting()
        # Random, so that not every installation sends requests at once after a power cut.
        soon = random.uniform(*self.times.first_check)  # noqa: S311
        since = time.time() - (self.checked or 0.0)
        self._timer.set(max(soon, self.settings.sharing_interval - since))

    @callback
    def _stop_waiting(self) -> None:
        if self._waits_for_sync is not None:
            self._waits_for_sync()
            self._waits_for_sync = None

    @callback
    def _async_due(self) -> None:
        self._context.in_background(self.async_check(), "sharing check")

    # Checks

    async def async_check(self, *, refresh: bool = True) -> None:
        """Query plex.tv unless it was just queried, and update the findings.

        Without `refresh`, the last answer is evaluated if that has not been done yet. Failures are
        stored in `reason`.
        """
        if not self.enabled:
            return
        async with self._one_at_a_time:
            now = time.monotonic()
            if (
                refresh
                and now >= self._rest_until
                and now - self._last_query >= self.times.cool_down
            ):
                self._last_query = now
                await self._query()
                await self._work_out()
                await self.store.async_save()
                self._plan_next()
            elif self.findings is None and self.answer is not None:
                await self._work_out()
        self._publish()

    async def async_check_again(self) -> bool:
        """Query plex.tv after a person has fixed something; return whether the answer is new.

        If it was just queried, wait first: the previous answer does not reflect the fix.
        """
        before = self.store.kept.answer
        await asyncio.sleep(max(0.0, self._last_query + self.times.cool_down - time.monotonic()))
        await self.async_check()
        return self.store.kept.answer is not before

    async def _query(self) -> None:
        """Record the answer of plex.tv, or why there is none."""
        kept = self.store.kept
        try:
            async with asyncio.timeout(self.times.answer_timeout):
                answer = await self._hass.async_add_executor_job(self._plex_tv.read)
        except TimeoutError:
            self._tv_reason = Reason.TIMEOUT
            return
        except SharingError as err:
            self._tv_reason = err.reason
            if err.reason is Reason.RATE_LIMITED:
                self._rest_until = time.monotonic() + (err.retry_after or LIMIT_REST)
            _LOGGER.debug("plex.tv returned no sharing data: %s", err.reason.value)
            return
        # An account that is missing is gone only once a second answer lacks it as well.
        before = kept.answer.accounts if kept.answer else ()
        full, missed = with_missing(answer, before, kept.missed)
        kept.missed = missed
        if not answer.accounts and full.accounts:
            self._tv_reason = Reason.NOT_UNDERSTOOD
            return
        self._tv_reason = None
        kept.lost = vanished(kept.rules, full.accounts, kept.lost, kept.seen)
        kept.rules = known_rules(kept.rules, full.accounts, full.checked)
        kept.answer = full
        _LOGGER.debug("plex.tv listed %d accounts", len(answer.accounts))

    async def _work_out(self) -> None:
        """Apply the rules to the contents of Plex."""
        answer = self.answer
        if answer is None:
            self.findings = None
            return
        try:
            people, unread = await self._people()
            rules = rules_in(answer.accounts)
            lists = self._runner.engine.watchlists
            read = await self._reader.async_read(people, lists, rules)
        except ServiceError as err:
            _LOGGER.debug("Cannot determine who can see what: %s", err)
            self._plex_failed = True
            return
        self._plex_failed = False
        kept = self.store.kept

        def work_out() -> Findings:
            facts = replace(read.facts, accounts_listed=answer.all_listed)
            subjects = survey(answer.all_accounts, facts)
            found = warnings(subjects, facts, kept.lost)
            open_ones = undecided(before, found, subjects, facts)
            return Findings(
                answer, facts, subjects, (*found, *open_ones), (*unread, *read.gaps), open_ones
            )

        before = () if self.findings is None else self.findings.warnings
        self.findings = await self._hass.async_add_executor_job(work_out)
        for subject in self.findings.subjects:
            if subject.account is not None:
                kept.note_seen(subject.account.id, subject.seen)
        if not self.findings.complete:
            return
        # A mistake that was fixed and is made again is a new one.
        made = {one.id for one in self.findings.warnings}
        kept.dismissed = {
            one for one in kept.dismissed if one in made or one.startswith(f"{STEPS}|")
        }

    async def _people(self) -> tuple[tuple[Person, ...], list[Gap]]:
        """Return the Pulsarr users, and what of their list could not be read. Raises ServiceError.

        Those of the last sync are included: a list that lacks them does not prove that they left.
        """
        lists, gaps = self._runner.engine.watchlists, list[Gap]()
        try:
            people = await self._servers.pulsarr.people(on_gap=gaps.append)
        except ServiceError:
            if lists is None:
                raise
            return lists.people, gaps
        listed = {one.id for one in people}
        before = () if lists is None else lists.people
        return (*people, *(one for one in before if one.id not in listed)), gaps

    @callback
    def _plan_next(self) -> None:
        pause = self.settings.sharing_interval
        if self.reason is not None and self.reason not in _REFUSED:
            rest = self._rest_until - time.monotonic()
            pause = min(pause, max(TRY_AGAIN, rest))
        elif self.store.kept.missed:
            pause = min(pause, TRY_AGAIN)
        self._timer.set(pause)

    @callback
    def _publish(self) -> None:
        """Update entities and repair issues with the findings."""
        async_update_sharing_issues(self._hass, self._context.entry, self)
        self.on_change()

    # Decisions

    async def async_dismiss(self, ids: Iterable[str]) -> None:
        """Dismiss some warnings."""
        self.store.kept.dismissed |= set(ids)
        await self.store.async_save()
        self._publish()

    async def async_accept_lost(self, numbers: Iterable[str]) -> None:
        """Accept that rules were removed on purpose."""
        kept = self.store.kept
        kept.lost = {one: lost for one, lost in kept.lost.items() if one not in set(numbers)}
        if self.findings is not None:
            found = warnings(self.findings.subjects, self.findings.facts, kept.lost)
            self.findings = replace(self.findings, warnings=(*found, *self.findings.undecided))
        await self.store.async_save()
        self._publish()

    async def async_facts_for(self, rules: Iterable[Rule]) -> MoreRead:
        """Return the facts for proposed rules, with the labels that no item carries.

        plex.tv is not queried. Raises ServiceError, and ValueError while nothing is known.
        """
        if self.findings is None:
            raise ValueError(f"nothing is known of {DOMAIN} yet")
        return await self._reader.async_more(self.findings.facts, rules)


def _is_too_old(answer: Answer) -> bool:
    return time.time() - answer.checked > BELIEVED_FOR
