"""The integration's pages in Home Assistant's web interface, and how a user gets there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness import integration
from harness.dashboard import URL_PATH
from harness.integration import DOMAIN

if TYPE_CHECKING:
    from harness.browser import Visitor
    from harness.integration import Connections, Integration
    from harness.texts import Texts

ADD: Final = f"/config/integrations/dashboard/add?domain={DOMAIN}"
PAGE: Final = f"/config/integrations/integration/{DOMAIN}"
REPAIRS: Final = "/config/repairs"
MASS_REMOVAL: Final = "issues.mass_removal"
SHARING_WRONG: Final = "issues.sharing"
SHARING_OPEN: Final = "issues.sharing_open"
QUESTION: Final = f"{MASS_REMOVAL}.fix_flow.step.init"
INIT: Final = "options.step.init"
PERSON_AT: Final = 1  # among the fields of *Get titles* with a checkbox


class Pages:
    """A user in a browser who can navigate in the browser's language."""

    def __init__(self, visitor: Visitor, texts: Texts) -> None:
        self.visitor = visitor
        self.texts = texts

    async def dashboard(self) -> None:
        """Open the integration's dashboard."""
        await self.visitor.go(f"/{URL_PATH}")
        await self.visitor.page.locator("hui-sections-view").wait_for()

    async def page(self) -> None:
        """Open the integration's page, with its entries."""
        await self.visitor.go(PAGE)
        await self.visitor.page.locator("ha-config-entry-row").first.wait_for()

    async def device(self, entry: Integration) -> None:
        """Open the device with all entities."""
        await self.visitor.go(f"/config/devices/device/{await device_id(entry)}")
        await self.visitor.page.locator("ha-device-entities-card").first.wait_for()

    async def logbook(self, entry: Integration) -> None:
        """Open the integration's logbook entries."""
        await self.visitor.go(f"/logbook?entity_id={await entry.entity_id('activity')}")
        await self.visitor.page.locator("ha-logbook-renderer").wait_for()

    async def options(self) -> None:
        """Open the options form, with its sections in their initial state."""
        await self.page()
        await self.visitor.page.locator(
            "ha-config-entry-row ha-icon-button[slot=end]"
        ).first.click()
        await self.visitor.until_read(self.texts[f"{INIT}.sections.labels.name"])

    async def reconfigure(self) -> None:
        """Open the first reconfiguration form, for Plex."""
        await self.page()
        await self.visitor.page.locator("ha-config-entry-row ha-dropdown").first.click()
        item = self.visitor.page.locator("ha-dropdown-item[value=reconfigure]")
        await item.locator("visible=true").first.click()
        await self.visitor.until_field("token")

    async def reconfigure_pulsarr(self) -> None:
        """Go on from there to the reconfiguration form for Pulsarr."""
        await self.visitor.submit()
        await self.visitor.until_field("api_key")

    async def action(self, name: str) -> None:
        """Open the form of an action on a page of its own, as the form of another one would stay."""
        path = f"/_my_redirect/developer_call_service?service={DOMAIN}.{name}"
        await self.visitor.page.goto(f"{self.visitor.url}{path}")
        await self.action_form()
        await self.visitor.until_read(self.texts[f"services.{name}.description"][:40])

    async def open_sections(self) -> None:
        """Open the closed sections of the options form."""
        words = await self.visitor.words()
        for section in self.texts[f"{INIT}.sections"].values():
            if section["description"] not in words:
                await self.visitor.choose(section["name"])

    async def who_can_see_what(self) -> None:
        """Open the page after the options form."""
        await self.options()
        await self.visitor.choose(self.texts[f"{INIT}.sections.sharing.name"])
        await self.visitor.until_field("show_sharing")
        await self.visitor.toggle("show_sharing")
        await self.visitor.submit()
        await self.visitor.until_field("no_rule_for")

    async def menu(self) -> None:
        """Open the first step of the config flow: the menu of ways to connect Plex."""
        await self.visitor.go("/config/integrations/dashboard")
        await self.visitor.go(ADD)
        await self.visitor.submit()  # confirms that this integration is meant
        await self.visitor.until_read(self.texts["config.step.user.menu_options.plex_manual"])

    async def plex_form(self) -> None:
        """Go on from the menu to the form for address and token."""
        await self.visitor.choose(self.texts["config.step.user.menu_options.plex_manual"])
        await self.visitor.until_field("token")

    async def pulsarr_form(self, connections: Connections) -> None:
        """Go on from the form for Plex to the form for Pulsarr."""
        await self.visitor.fill("url", connections.plex_url)
        await self.visitor.fill("token", connections.plex_token)
        await self.visitor.submit()
        await self.visitor.until_field("api_key")

    async def libraries_form(self, connections: Connections) -> None:
        """Go on from the form for Pulsarr to libraries and labels."""
        await self.visitor.fill("url", connections.pulsarr_url)
        await self.visitor.fill("api_key", connections.pulsarr_key)
        await self.visitor.submit()
        await self.visitor.until_field("label_format")

    async def review_form(self) -> None:
        """Go on from the libraries form to the preview of the first sync."""
        await self.visitor.submit()
        await self.visitor.until_field("start")

    async def repairs(self, issue: str = MASS_REMOVAL) -> None:
        """Open the list of repairs and wait for one, by default that about a mass removal."""
        await self.visitor.go(REPAIRS)
        await self.visitor.until_read(self.texts[f"{issue}.title"])

    async def repair(self, issue: str) -> None:
        """Open a repair that offers a choice."""
        await self.repairs(issue)
        await self.visitor.choose(self.texts[f"{issue}.title"])
        *_, last = self.texts[f"{issue}.fix_flow.step.init.menu_options"].values()
        await self.visitor.until_read(last)

    async def question(self) -> None:
        """Open the repair that asks for approval of removals."""
        await self.repair(MASS_REMOVAL)

    async def action_form(self) -> None:
        """Open the form for an action, to which a button has led."""
        await self.visitor.page.locator("ha-service-control").wait_for()

    async def titles_of(self, person: str) -> None:
        """Show the titles of one person in the form of *Get titles*."""
        form = self.visitor.page.locator("ha-service-control")
        await form.locator("ha-checkbox").nth(PERSON_AT).click()
        await form.locator("ha-selector-text input").first.fill(person)
        await self.visitor.page.locator("ha-progress-button").locator("visible=true").last.click()

    async def close_dialog(self) -> None:
        """Close the open dialog without submitting it."""
        await self.visitor.page.keyboard.press("Escape")
        await self.visitor.page.wait_for_timeout(300)  # fade-out


async def device_id(entry: Integration) -> str:
    """Return the device id of an entry. Raises LookupError."""
    ids = set((await integration.entity_ids(entry.client, entry.entry_id)).values())
    rows = await entry.client.command("config/entity_registry/list")
    for row in rows:
        if row["entity_id"] in ids:
            device: str = row["device_id"]
            return device
    raise LookupError("the entry has no device")
