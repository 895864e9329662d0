"""Choose the size of listing pages: larger where rows are short, until a large page fails."""

from typing import Final

from .limits import PlexLimits

FAILURES_MAX: Final = 2  # large pages; one may fail because of a bad row, found in smaller ones


class LargePages:
    """Whether a server supports large pages; shared by all its listings."""

    def __init__(self) -> None:
        """Initialize with large pages allowed."""
        self._failures = 0
        self.are_used = True

    def failed(self) -> None:
        """Record a large page that failed."""
        self._failures += 1
        self.are_used = self.are_used and self._failures < FAILURES_MAX

    def given_up(self) -> None:
        """Stop using large pages: the server returns fewer rows or takes long for them."""
        self.are_used = False


class PageSize:
    """The page size of one listing; the first page shows how long its rows are."""

    def __init__(self, limits: PlexLimits, large: LargePages) -> None:
        """Initialize with the page size that every server supports."""
        self._limits = limits
        self._large = large
        self._row_bytes = 0.0  # of the page with the longest rows
        self._small_until = 0  # rows before this one are read in small pages
        self._failed = False  # a large page failed, and no small one was read since

    def at(self, start: int) -> int:
        """Return how many rows to request, starting at a row."""
        rows = self._limits.page_rows
        if not self._row_bytes or not self._large.are_used or start < self._small_until:
            return rows
        fitting = int(self._limits.page_bytes / self._row_bytes)
        return max(rows, min(fitting, self._limits.page_rows_max))

    def is_large(self, size: int) -> bool:
        """Return whether a page has more rows than every server supports."""
        return size > self._limits.page_rows

    def answered(self, size: int, bytes_in: int, seconds: float, *, is_short: bool) -> None:
        """Record a page that was read: how long its rows are, and whether it was too large."""
        if size:
            self._row_bytes = max(self._row_bytes, bytes_in / size)
        if self._failed:
            self._large.failed()  # the server answers, so the page was at fault
            self._failed = False
        if is_short or seconds > self._limits.page_seconds:
            self._large.given_up()

    def failed(self, end: int) -> None:
        """Read the rows before `end`, where a large page failed, in small pages."""
        self._small_until, self._failed = end, True
