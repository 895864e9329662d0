"""Repair flows about who can see what."""

from typing import TYPE_CHECKING

from ..issues import SHARING_OPEN
from ..questions import QuestionFlow
from ..sharing.model import SharingWarning, WarningKey
from .check import SharingCheck

if TYPE_CHECKING:
    from homeassistant.components.repairs import RepairsFlowResult


class SharingFlow(QuestionFlow):
    """Checks again or dismisses warnings: the problem itself can only be fixed in Plex."""

    async def async_step_look_again(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Query plex.tv again; the issue stays while the problem does."""
        if (check := self._check) is None:
            return self.async_abort(reason="not_loaded")
        if not await check.async_check_again():
            return self.async_abort(reason="not_asked")
        if check.reason is not None:
            return self.async_abort(reason="not_asked")
        if about := self._about(check):
            # Finishing the flow would delete the issue.
            findings = check.findings
            is_unknown = findings is not None and all(map(findings.is_undecided, about))
            return self.async_abort(reason="unread" if is_unknown else "still_so")
        return self.async_create_entry(data={})

    async def async_step_meant(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Accept that the rules were removed on purpose."""
        if (check := self._check) is None:
            return self.async_abort(reason="not_loaded")
        await check.async_accept_lost([one.account_id for one in self._about(check)])
        return self.async_create_entry(data={})

    async def async_step_dismiss(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Dismiss these warnings; new ones are still reported."""
        if (check := self._check) is None:
            return self.async_abort(reason="not_loaded")
        await check.async_dismiss([one.id for one in self._about(check)])
        return self.async_create_entry(data={})

    @property
    def _check(self) -> SharingCheck | None:
        runtime = self._runtime
        return None if runtime is None else runtime.sharing

    def _about(self, check: SharingCheck) -> list[SharingWarning]:
        is_open = self._repair is SHARING_OPEN
        return [one for one in check.reported if (one.key is WarningKey.RULE_GONE) is is_open]
