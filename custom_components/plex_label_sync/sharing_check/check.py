"""Looks at plex.tv now and then, and works out who can see what; beside the syncs, never in their way."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
import logging
import random
import time
from typing import Final

from homeassistant.core import CALLBACK_TYPE, callback

from ..const import CONF_CLIENT_ID, CONF_PLEX_TOKEN, CONF_PLEX_TV_TOKEN, DOMAIN
from ..context import EntryContext
from ..limits import SharingTimes
from ..listeners import Listeners
from ..plex.sharing import PlexTvSharing
from ..runner import Runner
from ..servers import Servers
from ..sharing.changes import vanished
from ..sharing.model import Account, Answer, Reason, Rule, Severity, SharingError, SharingWarning
from ..sharing.rules import rule_of
from ..sharing.survey import Facts, Subject, survey
from ..sharing.warn import warnings
from ..storage.files import StoreTooNewError, StoreUnreadableError
from ..sync.model import MediaType, Person, ServiceError
from ..sync.person_id import PersonId
from ..timer import Timer
from .facts import FactsReader
from .issues import async_update_sharing_issues
from .store import STEPS, SharingStore

_LOGGER = logging.getLogger(__name__)

LIMIT_REST: Final = 3600.0  # seconds after "too many requests" that says no time
TRY_AGAIN: Final = 3600.0  # seconds after a check that failed
BELIEVED_FOR: Final = 7 * 86_400.0  # seconds that an answer counts without a newer one

# What changes nothing by asking again soon.
_REFUSED: Final = frozenset({Reason.REFUSED, Reason.NOT_OWNER, Reason.GONE})


@dataclass(frozen=True, slots=True)
class Findings:
    """What follows from an answer and what Plex holds."""

    answer: Answer
    facts: Facts
    subjects: tuple[Subject, ...]
    warnings: tuple[SharingWarning, ...]
    gaps: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing is missing that could not be read."""
        return self.answer.complete and not self.gaps

    def subject_of(self, person_id: PersonId) -> Subject | None:
        """Return how things stand with a Pulsarr user."""
        return next(
            (one for one in self.subjects if one.person and one.person.id == person_id), None
        )


class SharingCheck:
    """When plex.tv is asked, what is kept of the answers, and to whom it is told."""

    def __init__(
        self, context: EntryContext, servers: Servers, runner: Runner, times: SharingTimes
    ) -> None:
        """Nothing is asked before `async_start`."""
        self.times = times
        self.on_change = Listeners[()]()
        self._context = context
        self._hass, entry = context.hass, context.entry
        self._servers = servers
        self._runner = runner
        self.settings = context.settings
        self.store = SharingStore(context.hass, entry.entry_id)
        token = entry.data.get(CONF_PLEX_TV_TOKEN) or entry.data[CONF_PLEX_TOKEN]
        self._plex_tv = PlexTvSharing(token, entry.data[CONF_CLIENT_ID], servers.info.machine_id)
        self._reader = FactsReader(servers.plex, context.settings, servers.info.version)
        self.findings: Findings | None = None
        self._tv_reason: Reason | None = None  # why plex.tv told nothing new
        self._plex_failed = False  # the server could not be read
        self._one_at_a_time = asyncio.Lock()
        self._asked = -times.cool_down  # when plex.tv was asked last, on the monotonic clock
        self._rest_until = 0.0  # on the same: plex.tv wants no questions before
        self._timer = Timer(context.hass, self._async_due)
        self._waits_for_sync: CALLBACK_TYPE | None = None

    # What others ask

    @property
    def enabled(self) -> bool:
        """Whether the options allow it."""
        return self.settings.check_sharing

    @property
    def reason(self) -> Reason | None:
        """Why nothing new is known, None where it is."""
        if not self.enabled:
            return Reason.OFF
        return self._tv_reason or (Reason.CANNOT_CONNECT if self._plex_failed else None)

    @property
    def answer(self) -> Answer | None:
        """What plex.tv said last, as long as that counts."""
        answer = self.store.kept.answer
        if answer is None or time.time() - answer.checked > BELIEVED_FOR:
            return None
        return answer

    @property
    def checked(self) -> float | None:
        """When plex.tv last gave an answer, in epoch seconds, however long ago."""
        answer = self.store.kept.answer
        return None if answer is None else answer.checked

    @property
    def warning_count(self) -> int | None:
        """How many warnings count, None while nothing is known."""
        if self.findings is None or self.answer is None:
            return None
        return sum(one.severity is not Severity.INFO for one in self.findings.warnings)

    @property
    def old_routes_gone(self) -> bool:
        """Whether plex.tv has taken its older interface away."""
        return self._plex_tv.old_routes_gone

    @property
    def status(self) -> str:
        """How the last check went, in a word."""
        if self.reason is not None or self.findings is None:
            return "not_available"
        return "ok" if self.findings.complete else "partial"

    @property
    def told(self) -> tuple[SharingWarning, ...]:
        """The warnings that count and that nobody has dismissed."""
        if self.findings is None:
            return ()
        return tuple(
            one
            for one in self.findings.warnings
            if one.severity is not Severity.INFO and one.id not in self.store.kept.dismissed
        )

    # Life

    async def async_start(self) -> None:
        """Read what was kept, and let the first check follow the first full sync."""
        entry = self._context.entry
        if not self.enabled:
            await self.store.async_forget()
            async_update_sharing_issues(self._hass, entry, None)
            return
        try:
            await self.store.async_load()
        except (StoreTooNewError, StoreUnreadableError) as err:
            # Labels do not depend on it: what is lost is read again.
            _LOGGER.warning("The stored sharing data could not be read: %s", err)
        entry.async_on_unload(self._timer.cancel)
        self._waits_for_sync = self._runner.on_change.add(self._on_status)
        entry.async_on_unload(self._stop_waiting)

    @callback
    def _on_status(self) -> None:
        """Set the timer when there has been a full sync."""
        if self._runner.engine.watchlists is None:
            return
        self._stop_waiting()
        # By chance, so that not all houses of the world ask after the same power cut.
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
        """Ask plex.tv, unless that was done a moment ago, and work out what follows.

        Without `refresh` only what was never worked out from the last answer is. Whatever goes
        wrong is in `reason`.
        """
        if not self.enabled:
            return
        async with self._one_at_a_time:
            now = time.monotonic()
            if refresh and now >= self._rest_until and now - self._asked >= self.times.cool_down:
                self._asked = now
                await self._ask()
                await self._work_out()
                await self.store.async_save()
                self._plan_next()
            elif self.findings is None and self.answer is not None:
                await self._work_out()
        self._publish()

    async def async_look_again(self) -> bool:
        """Ask plex.tv for somebody who has mended something; tell whether it gave a new answer.

        Where it was asked a moment ago, it is asked a moment later: the answer of before tells
        nothing of what was done since.
        """
        before = self.store.kept.answer
        await asyncio.sleep(max(0.0, self._asked + self.times.cool_down - time.monotonic()))
        await self.async_check()
        return self.store.kept.answer is not before

    async def _ask(self) -> None:
        """Take in what plex.tv says, or why it says nothing."""
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
        if not answer.accounts and kept.answer and kept.answer.accounts and not kept.saw_nobody:
            # An empty answer where there were people is not believed until it comes again.
            kept.saw_nobody = True
            self._tv_reason = Reason.NOT_UNDERSTOOD
            return
        self._tv_reason = None
        before = kept.answer
        kept.saw_nobody = False
        kept.gone = vanished(
            before.accounts if before else (),
            answer.accounts,
            kept.gone,
            before.checked if before else answer.checked,
            kept.seen,
        )
        kept.answer = answer
        _LOGGER.debug("plex.tv listed %d accounts", len(answer.accounts))

    async def _work_out(self) -> None:
        """Try the rules on what Plex holds."""
        answer = self.answer
        if answer is None:
            self.findings = None
            return
        try:
            people = await self._people()
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
            subjects = survey(answer.everybody, read.facts)
            found = warnings(subjects, read.facts, kept.gone)
            return Findings(answer, read.facts, subjects, found, gaps=read.gaps)

        self.findings = await self._hass.async_add_executor_job(work_out)
        if read.gaps:
            return
        for subject in self.findings.subjects:
            if subject.account is not None:
                kept.seen[subject.account.id] = subject.seen
        # A mistake that was mended and is made again is a new one.
        made = {one.id for one in self.findings.warnings}
        kept.dismissed = {
            one for one in kept.dismissed if one in made or one.startswith(f"{STEPS}|")
        }

    async def _people(self) -> tuple[Person, ...]:
        """Return the Pulsarr users, from the last sync when they are not told now."""
        try:
            return await self._servers.pulsarr.people()
        except ServiceError:
            lists = self._runner.engine.watchlists
            if lists is None:
                raise
            return lists.people

    @callback
    def _plan_next(self) -> None:
        pause = self.settings.sharing_interval
        if self.reason is not None and self.reason not in _REFUSED:
            rest = self._rest_until - time.monotonic()
            pause = min(pause, max(TRY_AGAIN, rest))
        self._timer.set(pause)

    @callback
    def _publish(self) -> None:
        """Show what was found in entities and repairs."""
        async_update_sharing_issues(self._hass, self._context.entry, self)
        self.on_change()

    # Decisions

    async def async_dismiss(self, ids: Iterable[str]) -> None:
        """Stop telling some warnings."""
        self.store.kept.dismissed |= set(ids)
        await self.store.async_save()
        self._publish()

    async def async_accept_gone(self, numbers: Iterable[str]) -> None:
        """Take it that rules were taken away on purpose."""
        kept = self.store.kept
        kept.gone = {one: gone for one, gone in kept.gone.items() if one not in set(numbers)}
        if self.findings is not None:
            found = warnings(self.findings.subjects, self.findings.facts, kept.gone)
            self.findings = replace(self.findings, warnings=found)
        await self.store.async_save()
        self._publish()

    async def async_facts_for(self, rules: Iterable[Rule]) -> tuple[Facts, frozenset[str]]:
        """Return the facts for rules that somebody thinks of, and the labels that nothing carries.

        plex.tv is not asked. Raises ServiceError, and ValueError while nothing is known.
        """
        if self.findings is None:
            raise ValueError(f"nothing is known of {DOMAIN} yet")
        return await self._reader.async_more(self.findings.facts, rules)


def rules_in(accounts: Iterable[Account]) -> list[Rule]:
    """Return every rule there is."""
    return [rule_of(account, kind) for account in accounts for kind in MediaType]
