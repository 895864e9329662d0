"""Watches all logs during the tests; a known secret in them fails the test that logged it.

The session-wide fixture `known_secrets` holds the secrets; fixtures and tests add the tokens, keys
and webhook ids of their worlds before use. At a test's end all records since the end of the
previous test are searched, debug ones and tracebacks included.
"""

from collections.abc import Generator
import logging
from urllib.parse import quote

from homeassistant.const import MATCH_ALL
from homeassistant.core import Event, HomeAssistant, callback
import pytest

# Logs of the servers and of Python itself, which only share the process with the integration in
# tests.
FAR_LOGGERS = (
    "aiohttp.access",  # the test servers' access log, with full URLs
    "asyncio",  # its debug mode, which only tests use, logs the arguments of slow callbacks
    "homeassistant.helpers.http",  # Home Assistant's own access log, with full URLs
    "homeassistant.components.webhook",  # logs the id of an unregistered webhook
)
SHORTEST_SECRET = 6  # characters; anything shorter would match by chance
HIDDEN = "**secret**"


class SecretGuard(logging.Handler):
    """Keeps log records until they are searched."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.secrets: set[str] = set()
        self._kept: set[tuple[str, str, str]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record as its logger, its template and its full text, traceback included."""
        if not record.name.startswith(FAR_LOGGERS):
            self.keep(record.name, str(record.msg), self.format(record))

    def keep(self, logger: str, template: str, text: str) -> None:
        """Keep a text, logged or not, until it is searched."""
        self._kept.add((logger, template, text))

    def leaks(self) -> list[str]:
        """Return where secrets were logged, one "logger: template" each, and forget all records.

        Raises:
            ValueError: a secret is too short to search for.
        """
        kept, self._kept = self._kept, set()
        if too_short := [secret for secret in self.secrets if len(secret) < SHORTEST_SECRET]:
            self.secrets.difference_update(too_short)
            raise ValueError(f"{len(too_short)} known secret(s) are too short to look for")
        everything = "\n".join(text for _, _, text in kept)
        logged = [form for form in self._forms() if form in everything]
        found = {
            f"{logger}: {self.hide(template)}"
            for logger, template, text in kept
            if any(form in text for form in logged)
        }
        return sorted(found)

    def hide(self, text: str) -> str:
        """Return the text without its secrets."""
        for form in self._forms():
            text = text.replace(form, HIDDEN)
        return text

    def _forms(self) -> set[str]:
        """Return the secrets, plain and URL-encoded."""
        return {form for secret in self.secrets for form in (secret, quote(secret, safe=""))}


GUARD = SecretGuard()


@pytest.fixture(scope="session", autouse=True)
def _listen_to_all_loggers() -> Generator[None]:
    root = logging.getLogger()
    for handler in root.handlers:
        if type(handler) is logging.StreamHandler:
            # Live logging need not become more verbose because the guard records everything.
            handler.setLevel(logging.INFO)
    logging.getLogger("asyncio").setLevel(logging.INFO)
    # Its debug messages are its events, with every state that is written again unchanged: see
    # `watch_events`.
    logging.getLogger("homeassistant.core").setLevel(logging.INFO)
    root.addHandler(GUARD)
    yield
    root.removeHandler(GUARD)
    _fail_on_leaks()


@pytest.fixture(autouse=True)
def _search_for_secrets(_listen_to_all_loggers: None) -> Generator[None]:
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(before)
    _fail_on_leaks()


@pytest.fixture(scope="session")
def known_secrets() -> set[str]:
    """Return values that must never be logged; add yours before use (six characters at least)."""
    return GUARD.secrets


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep secrets out of the captured logs and output; drop those that are not shown anyway."""
    report = yield
    shown = report.failed or not {"A", "P"}.isdisjoint(item.config.getoption("reportchars"))
    report.sections = [(title, GUARD.hide(content)) for title, content in report.sections if shown]
    return report


def watch_events(hass: HomeAssistant) -> None:
    """Search Home Assistant's events as if they were logged, which they are at debug level."""

    @callback
    def keep(event: Event) -> None:
        GUARD.keep("homeassistant.core", str(event.event_type), repr(event))

    hass.bus.async_listen(MATCH_ALL, keep)


def _fail_on_leaks() -> None:
    if leaks := GUARD.leaks():
        pytest.fail("a secret was logged by\n  " + "\n  ".join(leaks), pytrace=False)
