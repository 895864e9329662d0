"""How many rows of a listing to ask for at once: more where rows are short, until that goes wrong."""

from typing import Final

from .limits import PlexLimits

FAILURES_MAX: Final = 2  # large pages; one may fail because of a row, which smaller ones find


class LargePages:
    """Whether a server gives large pages. What was learned of it holds for all its listings."""

    def __init__(self) -> None:
        """Start with nothing against them."""
        self._failures = 0
        self.are_used = True

    def failed(self) -> None:
        """Note a large page that was not answered as it should."""
        self._failures += 1
        self.are_used = self.are_used and self._failures < FAILURES_MAX

    def given_up(self) -> None:
        """Ask for none any more: the server gives fewer rows, or takes long for them."""
        self.are_used = False


class PageSize:
    """The size of the pages of one listing. The first one shows how long its rows are."""

    def __init__(self, limits: PlexLimits, large: LargePages) -> None:
        """Start with a page of the size that every server can give."""
        self._limits = limits
        self._large = large
        self._row_bytes = 0.0  # of the page with the longest rows
        self._small_until = 0  # rows before this one are read in small pages
        self._failed = False  # a large page did, and no small one was read since

    def at(self, start: int) -> int:
        """Return how many rows to ask for from a row on."""
        rows = self._limits.page_rows
        if not self._row_bytes or not self._large.are_used or start < self._small_until:
            return rows
        fitting = int(self._limits.page_bytes / self._row_bytes)
        return max(rows, min(fitting, self._limits.page_rows_max))

    def is_large(self, size: int) -> bool:
        """Tell whether a page has more rows than every server can give."""
        return size > self._limits.page_rows

    def answered(self, size: int, bytes_in: int, seconds: float, *, is_short: bool) -> None:
        """Note a page that was read: how long its rows are, and whether it was too large."""
        if size:
            self._row_bytes = max(self._row_bytes, bytes_in / size)
        if self._failed:
            self._large.failed()  # the server is there: it was the page
            self._failed = False
        if is_short or seconds > self._limits.page_seconds:
            self._large.given_up()

    def failed(self, end: int) -> None:
        """Read the rows before `end`, of which a large page failed, in small ones."""
        self._small_until, self._failed = end, True
