# A browser for the tests that look at pages: Playwright in .venv, and a Chromium at .tools/chromium. Sourced, never run.

browser_is_current() { false; }
make_browser() { die "not yet"; }
