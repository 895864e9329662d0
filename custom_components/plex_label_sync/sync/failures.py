"""The consequences of each kind of failure, in one table for the whole integration. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .model import Failure


@dataclass(frozen=True, slots=True)
class Consequences:
    """The consequences of a failed request, by the cause of the failure.

    - `statuses`: the HTTP statuses with this meaning; others are in `transport.failure_of_status`.
    - `passes`: the same request may work later. It is repeated within a run, then the server is
      checked from time to time, and the status is shown as waiting instead of *error*.
    - `ends_run`: nothing else can be read or written either. Any other failure is a gap.
    - `reauth`: the credential is refused, so Home Assistant requests a new one, and no full sync is
      tried before that.
    - `of_a_part`: one row or item may cause it, so smaller parts are read.
    - `halves`: fewer items may work, so an edit is sent again in halves instead of unchanged.
    - `unanswered`: the request may have been carried out.
    - `form_error`: the error text in forms, at the credential if `reauth` is set, else at the URL.
      None means that another service answers there.
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
        """Whether it says nothing about what is at the URL: that may be the right service."""
        return self.form_error is not None and not self.reauth


FAILURES: Final[Mapping[Failure, Consequences]] = {
    Failure.CANNOT_CONNECT: Consequences(
        passes=True,
        ends_run=True,
        of_a_part=True,  # a row may crash the connection of the server that cannot read it
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
        statuses=(401, 498),  # 498: an expired token, of the kind that expires by itself
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
