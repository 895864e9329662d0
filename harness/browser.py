"""A browser on Home Assistant's web interface: opens pages and reads what a user sees."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
import json
from typing import TYPE_CHECKING, Final, Self

from playwright.async_api import (  # type: ignore[import-not-found]  # optional, only in .venv
    Browser,
    ElementHandle,
    Error,
    Page,
    async_playwright,
)

from harness.checkout import ROOT
from harness.integration import DOMAIN
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CHROMIUM: Final = ROOT / ".tools" / "chromium"
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
BRANDS: Final = "/api/brands/"
TIMEOUT_MS: Final = 30_000  # a busy machine takes long for the first page

# The visible text, in page order: through shadow roots and slots.
READ: Final = """
(root) => {
  const words = [];
  const skipped = new Set(["STYLE", "SCRIPT", "NOSCRIPT", "TEMPLATE", "HA-SVG-ICON"]);
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) { words.push(node.data); return; }
    if (node.nodeType === Node.ELEMENT_NODE) {
      if (skipped.has(node.tagName)) return;
      const style = getComputedStyle(node);
      if (style.display === "none" || style.visibility === "hidden") return;
      if (node.tagName === "SLOT") {
        const filled = node.assignedNodes({flatten: true});
        (filled.length ? filled : node.childNodes).forEach(walk);
        return;
      }
    }
    (node.shadowRoot ?? node).childNodes.forEach(walk);
  };
  walk(root ?? document.body);
  return words.join(" ");
}
"""
# The form field with a key; it may be in a section or a dialog.
FIELD: Final = """
(key) => {
  const find = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.localName === "ha-selector" && node.name === key) return node;
      const found = node.shadowRoot && find(node.shadowRoot);
      if (found) return found;
    }
    return null;
  };
  return find(document);
}
"""
# The errors of forms: [field, text]; the field is empty if the error concerns the whole form.
ERRORS: Final = """
() => {
  const found = [];
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.localName === "ha-alert" && node.getAttribute("alert-type") === "error") {
        const field = node.hasAttribute("own-margin") && node.nextElementSibling;
        found.push([(field && field.name) || "", node.textContent.trim()]);
      }
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document);
  return found;
}
"""
GO: Final = """
(path) => {
  history.pushState(null, "", path);
  window.dispatchEvent(new CustomEvent("location-changed", {detail: {replace: false}}));
}
"""
IS_ON: Final = "(node) => node.checked"
# How far the page exceeds the window, or a text its container.
OVERFLOW: Final = """
() => {
  const page = document.documentElement;
  let pixels = page.scrollWidth - page.clientWidth;
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.localName === "ha-markdown" && node.clientWidth) {
        pixels = Math.max(pixels, node.scrollWidth - node.clientWidth);
      }
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document);
  return pixels;
}
"""

# The texts that are cut off with an ellipsis.
CUT_OFF: Final = """
() => {
  const found = [];
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (
        node.clientWidth && node.scrollWidth > node.clientWidth + 1 &&
        getComputedStyle(node).textOverflow === "ellipsis"
      ) found.push(node.innerText.trim());
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document);
  return found;
}
"""
# Whether an image entity's picture is loaded.
PICTURE: Final = """
() => {
  const find = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.localName === "img" && node.src.includes("/api/image_proxy/") && node.naturalWidth) return true;
      if (node.shadowRoot && find(node.shadowRoot)) return true;
    }
    return false;
  };
  return find(document);
}
"""


@dataclass(frozen=True, slots=True)
class Appearance:
    """How Home Assistant is displayed: language, theme and window."""

    language: str = "en"
    dark: bool = False
    phone: bool = False

    def __str__(self) -> str:
        """Return the name, as in `en-light-desktop`."""
        return f"{self.language}-{'dark' if self.dark else 'light'}-{'phone' if self.phone else 'desktop'}"

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in CSS pixels."""
        return (412, 915) if self.phone else (1440, 1100)


@dataclass(slots=True)
class Visitor:
    """A user in a browser."""

    page: Page
    url: str
    appearance: Appearance
    complaints: list[str] = field(default_factory=list)
    """Errors in the web interface's console."""

    @classmethod
    async def come(
        cls, browser: Browser, url: str, appearance: Appearance, token: str | None = None
    ) -> Self:
        """Open a separate window; with a token the user is already signed in."""
        width, height = appearance.size
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=2 if appearance.phone else 1,
            has_touch=appearance.phone,
            locale={"en": "en-GB"}.get(appearance.language, appearance.language),
            timezone_id="Europe/Berlin",
            color_scheme="dark" if appearance.dark else "light",
            reduced_motion="reduce",
            service_workers="block",
        )
        context.set_default_timeout(TIMEOUT_MS)
        if token is not None:
            tokens = json.dumps(
                {
                    "access_token": token,
                    "token_type": "Bearer",
                    "refresh_token": "",
                    "expires_in": 315_360_000,
                    "hassUrl": url,
                    "clientId": f"{url}/",
                    "expires": 4_000_000_000_000,
                }
            )
            await context.add_init_script(
                f"localStorage.setItem('hassTokens', {json.dumps(tokens)})"
            )
        visitor = cls(await context.new_page(), url, appearance)
        visitor.page.on(
            "console",
            lambda message: visitor._on_console(
                message.type, message.text, message.location.get("url", "")
            ),
        )
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        return visitor

    def _on_console(self, kind: str, text: str, about: str) -> None:
        # Offline, other integrations have no brand pictures; this one has its own.
        if kind == "error" and not (BRANDS in about and DOMAIN not in about):
            self.complaints.append(f"{text} {about.partition('?')[0]}")

    async def leave(self) -> None:
        """Close the window."""
        await self.page.context.close()

    # Navigation

    async def sign_in(self, username: str, password: str) -> None:
        """Sign in with the form that Home Assistant shows first."""
        await self.page.goto(self.url)
        await self.page.locator("input[name=username]").fill(username)
        await self.page.locator("input[name=password]").fill(password)
        await self.page.keyboard.press("Enter")
        await self.page.locator("home-assistant-main").wait_for(state="attached")

    async def go(self, path: str) -> None:
        """Open a page of Home Assistant, as its own links do."""
        if self.page.url.startswith(self.url):
            await self.page.evaluate(GO, path)
        else:
            await self.page.goto(f"{self.url}{path}")
            await self.page.locator("home-assistant-main").wait_for(state="attached")

    async def choose(self, text: str) -> None:
        """Click on a text."""
        await self.page.get_by_text(text, exact=True).locator("visible=true").first.click()

    async def submit(self) -> None:
        """Submit the open form, or confirm the question."""
        button = self.page.locator("ha-button[slot=primaryAction]").locator("visible=true")
        await button.last.click()

    async def fill(self, key: str, text: str) -> None:
        """Enter text into the form field with a key."""
        handle = await self.element(key)
        entry = await handle.wait_for_selector("input, textarea")
        await entry.fill(text)

    async def toggle(self, key: str) -> None:
        """Toggle the boolean form field with a key.

        A click is lost while the section around it is still opening. Raises WaitedTooLongError.
        """
        handle = await self.element(key)
        switch = await handle.wait_for_selector("ha-switch, ha-checkbox")
        before = await switch.evaluate(IS_ON)

        async def switched() -> bool:
            if await switch.evaluate(IS_ON) != before:
                return True
            await switch.click()
            return False

        await eventually(switched, f"{key} is switched over", within=10, every=0.5)

    async def until_field(self, key: str) -> None:
        """Wait until a form on the page has a field. Raises playwright's Error."""
        await self.page.wait_for_function(FIELD, arg=key)

    async def element(self, key: str) -> ElementHandle:
        """Return the form field with a key. Raises LookupError."""
        handle = (await self.page.evaluate_handle(FIELD, key)).as_element()
        if handle is None:
            raise LookupError(f"no form on the page has a field {key}")
        return handle

    # Reading

    async def words(self) -> str:
        """Return the visible text of the page, with single spaces between words."""
        return " ".join((await self.page.evaluate(READ)).split())

    async def until_read(self, text: str) -> None:
        """Wait until a text is on the page, ignoring case. Raises playwright's Error."""
        await self.page.get_by_text(text).locator("visible=true").first.wait_for()

    async def until_gone(self, text: str) -> None:
        """Wait until a text is no longer on the page. Raises playwright's Error."""
        await self.page.get_by_text(text).locator("visible=true").first.wait_for(state="detached")

    async def until_done(self) -> None:
        """Wait until the open form reports success. Raises playwright's Error."""
        await self.page.locator("step-flow-create-entry").wait_for()

    async def errors(self) -> list[tuple[str, str]]:
        """Return the errors of forms: field key (empty for the whole form) and text."""
        return [(key, text) for key, text in await self.page.evaluate(ERRORS)]

    async def until_picture(self) -> None:
        """Wait until an image entity's picture is visible. Raises playwright's Error."""
        await self.page.wait_for_function(PICTURE)

    async def overflow(self) -> int:
        """Return by how many pixels the page exceeds the window, or a text its container."""
        pixels: int = await self.page.evaluate(OVERFLOW)
        return pixels

    async def cut_off(self) -> list[str]:
        """Return the texts that are cut off with an ellipsis."""
        texts: list[str] = await self.page.evaluate(CUT_OFF)
        return texts

    async def lengthen(self, height: int) -> None:
        """Set the window height, to show all of a long page at once."""
        await self.page.set_viewport_size({"width": self.appearance.size[0], "height": height})

    async def picture(self, path: Path) -> None:
        """Save a screenshot, unless the browser has closed."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(Error):
            await self.page.screenshot(path=path)


@contextlib.asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Open the browser that `scripts/setup --browser` has installed."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS], headless=True
        )
        try:
            yield browser
        finally:
            await browser.close()
