"""What follows from each kind of failure: one table, which every other place asks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .model import Failure


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows when a request fails for one reason.

    - `statuses`: the HTTP statuses that mean it; others are in `transport.failure_of_status`.
    - `passes`: the same request may work later. It is repeated within a run, then the server is
      asked from time to time, and the status says that it is waited for instead of *error*.
    - `ends_run`: nothing else can be read or written either. Any other failure is a gap.
    - `reauth`: the credential is refused, so Home Assistant asks for a new one and no full sync is
      tried before that.
    - `of_a_part`: one row or item may cause it, so smaller parts are read.
    - `halves`: fewer items may work, so an edit is sent again in halves instead of as it is.
    - `unanswered`: what was requested may have been done.
    - `form_error`: its text in forms, at the credential where `reauth` is set, else at the URL. None
      says that what answers there is another service.
    """

    statuses: tuple[int, ...] = ()
    passes: bool = False
    ends_run: bool = False
    reauth: bool = False
    of_a_part: bool = False
    halves: bool = False
    unanswered: bool = False
    form_error: str | None = None

    @property
    def no_answer(self) -> bool:
        """Whether it says nothing about what is at the URL: it may be the right service."""
        return self.form_error is not None and not self.reauth


FAILURES: Final[Mapping[Failure, Consequences]] = {
    Failure.CANNOT_CONNECT: Consequences(
        passes=True,
        ends_run=True,
        of_a_part=True,  # a row may end the connection of the server that stumbles over it
        unanswered=True,
        form_error="cannot_connect",
    ),
    Failure.TIMEOUT: Consequences(
        statuses=(408,),
        passes=True,
        of_a_part=True,
        halves=True,
        unanswered=True,
        form_error="timeout",
    ),
    Failure.SSL_ERROR: Consequences(ends_run=True, form_error="ssl_error"),
    Failure.INVALID_AUTH: Consequences(
        statuses=(401, 498),  # 498: a token of the kind that expires by itself
        ends_run=True,
        reauth=True,
        form_error="invalid_auth",
    ),
    Failure.NOT_OWNER: Consequences(ends_run=True, reauth=True, form_error="not_owner"),
    # A library may be read-only for a token that can read the others.
    Failure.FORBIDDEN: Consequences(statuses=(403,), reauth=True, form_error="not_owner"),
    Failure.NOT_FOUND: Consequences(statuses=(404,)),
    Failure.WRONG_SERVICE: Consequences(of_a_part=True),
    Failure.BUSY: Consequences(passes=True, of_a_part=True, form_error="cannot_connect"),
    Failure.UNREADABLE: Consequences(),
    Failure.RATE_LIMITED: Consequences(
        statuses=(429,), passes=True, ends_run=True, form_error="cannot_connect"
    ),
    Failure.REJECTED: Consequences(of_a_part=True, halves=True),
    Failure.NOT_SAVED: Consequences(ends_run=True),
    Failure.IMPLAUSIBLE: Consequences(of_a_part=True),
}

PASSING: Final = frozenset(failure for failure, one in FAILURES.items() if one.passes)
