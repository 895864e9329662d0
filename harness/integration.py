"""The integration as seen from outside: its flows, its entities, its actions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from harness.client import AnswerError
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.client import HomeAssistantClient, Json

DOMAIN: Final = "plex_label_sync"
CONFIG_FLOW: Final = "config/config_entries/flow"
OPTIONS_FLOW: Final = "config/config_entries/options/flow"
READING_SECONDS: Final = 600.0  # until the preview of the first sync is ready, in a large library
CHECK_SECONDS: Final = 40.0  # until plex.tv was queried, also shortly after an earlier check


class FlowError(Exception):
    """A flow went wrong; the text names the step and what it showed."""


@dataclass(frozen=True, slots=True)
class Connections:
    """The input of the config flow."""

    plex_url: str
    plex_token: str = field(repr=False)
    pulsarr_url: str
    pulsarr_key: str = field(repr=False)


class Flow:
    """One flow in progress; `shown` is the result of the last step."""

    def __init__(self, client: HomeAssistantClient, path: str, shown: Json) -> None:
        self._client = client
        self._path = path
        self.shown = shown

    @classmethod
    async def start(cls, client: HomeAssistantClient, path: str, handler: str) -> Flow:
        """Start a flow. Raises AnswerError."""
        return cls(client, path, await client.post(path, {"handler": handler}))

    async def submit(self, **values: Any) -> Json:  # noqa: ANN401
        """Submit a form or choose from a menu (`next_step_id`); return what is shown next."""
        self.shown = await self._client.post(f"{self._path}/{self.shown['flow_id']}", values)
        return self.shown

    async def until_read(self) -> Json:
        """Wait for a progress step to end; return what is shown then. Raises WaitedTooLongError."""

        async def over() -> bool:
            self.shown = await self._client.get(f"{self._path}/{self.shown['flow_id']}")
            return str(self.shown["type"]) != "progress"

        await eventually(over, "the flow has read what it shows", within=READING_SECONDS)
        return self.shown

    def expect(self, kind: str, step: str | None = None) -> None:
        """Raise FlowError unless the flow shows this, without errors."""
        shown = self.shown
        is_so = shown["type"] == kind and step in (None, shown.get("step_id"))
        if not is_so or shown.get("errors"):
            raise FlowError(
                f"instead of {kind} {step or ''}: {shown['type']} {shown.get('step_id', '')} "
                f"{shown.get('errors') or shown.get('reason') or ''}"
            )


async def set_up(client: HomeAssistantClient, connections: Connections) -> str:
    """Complete the config flow as a user would; return the entry's id. Raises FlowError."""
    flow = await Flow.start(client, CONFIG_FLOW, DOMAIN)
    flow.expect("menu", "user")
    await flow.submit(next_step_id="plex_manual")
    flow.expect("form", "plex_manual")
    await flow.submit(url=connections.plex_url, token=connections.plex_token, verify_ssl=True)
    flow.expect("form", "pulsarr")
    await flow.submit(url=connections.pulsarr_url, api_key=connections.pulsarr_key, verify_ssl=True)
    flow.expect("form", "libraries")
    await flow.submit(**defaults(flow.shown))
    await flow.until_read()
    flow.expect("form", "review")
    values = defaults(flow.shown)
    if "take_over" in values:  # simulated servers are the same by name only
        values["take_over"] = False
    await flow.submit(**values)
    flow.expect("create_entry")
    entry_id: str = flow.shown["result"]["entry_id"]
    return entry_id


def defaults(form: Json) -> Json:
    """Return the initial values of a form."""
    return {row["name"]: row["default"] for row in form["data_schema"] if "default" in row}


async def change_options(client: HomeAssistantClient, entry_id: str, **changes: Any) -> None:  # noqa: ANN401
    """Change some options through the options flow. Raises FlowError."""
    flow = await Flow.start(client, OPTIONS_FLOW, entry_id)
    flow.expect("form", "init")
    await flow.submit(**{**defaults(flow.shown), **changes})
    flow.expect("create_entry")


async def remove(client: HomeAssistantClient, entry_id: str) -> None:
    """Delete an entry. Raises AnswerError."""
    await client.request("DELETE", f"config/config_entries/entry/{entry_id}")


async def entry_state(client: HomeAssistantClient, entry_id: str) -> str | None:
    """Return the state of an entry, as in `loaded`; None if there is none."""
    entries: list[Json] = await client.command("config_entries/get", domain=DOMAIN)
    return next((entry["state"] for entry in entries if entry["entry_id"] == entry_id), None)


async def until_loaded(client: HomeAssistantClient, entry_id: str, within: float = 60.0) -> None:
    """Wait until an entry is set up. Raises WaitedTooLongError."""

    async def loaded() -> bool:
        return await entry_state(client, entry_id) == "loaded"

    await eventually(loaded, "the entry is loaded", within=within)


async def entity_ids(client: HomeAssistantClient, entry_id: str) -> dict[str, str]:
    """Return the enabled entities of an entry, by key."""
    rows: list[Json] = await client.command("config/entity_registry/list")
    prefix = f"{entry_id}_"
    return {
        row["unique_id"].removeprefix(prefix): row["entity_id"]
        for row in rows
        if row["platform"] == DOMAIN
        and row["unique_id"].startswith(prefix)
        and row["disabled_by"] is None
    }


class Integration:
    """One entry of the integration that is set up."""

    def __init__(self, client: HomeAssistantClient, entry_id: str) -> None:
        self.client = client
        self.entry_id = entry_id
        self._entities: Mapping[str, str] = {}

    async def entity_id(self, key: str) -> str:
        """Return the entity id for a key of the integration."""
        if key not in self._entities:
            self._entities = await entity_ids(self.client, self.entry_id)
        return self._entities[key]

    async def entity(self, key: str) -> Json:
        """Return an entity's state and attributes; state `unavailable` while there is none."""
        try:
            return await self.client.state(await self.entity_id(key))
        except (AnswerError, KeyError):
            return {"state": "unavailable", "attributes": {}}

    async def state(self, key: str) -> str:
        """Return an entity's state."""
        state: str = (await self.entity(key))["state"]
        return state

    async def call(self, action: str, **data: Any) -> Json:  # noqa: ANN401
        """Call an action of the integration and return its response. Raises AnswerError."""
        return await self.client.call(DOMAIN, action, response=True, **data)

    async def check_sharing(self, *people: str) -> Json:
        """Check sharing at plex.tv again and return the result. Raises WaitedTooLongError.

        A check on request happens at most once in ten seconds.
        """
        began = datetime.now(UTC)

        async def checked_again() -> Json | None:
            answer = await self.call(
                "check_sharing", **({"people": list(people)} if people else {})
            )
            checked = answer["checked"] and datetime.fromisoformat(answer["checked"])
            return answer if checked and checked > began else None

        answer = await eventually(
            checked_again, "plex.tv was asked again", within=CHECK_SECONDS, every=1.0
        )
        assert answer is not None  # noqa: S101  # it was waited for
        return answer

    async def until_state(self, key: str, *wanted: str, within: float = 30.0) -> str:
        """Wait until an entity has one of these states. Raises WaitedTooLongError."""

        async def shown() -> str:
            state = await self.state(key)
            return state if state in wanted else ""

        return await eventually(shown, f"{key} is {' or '.join(wanted)}", within=within)

    async def until_synced(self, within: float = 60.0) -> None:
        """Wait until a full sync has finished and nothing is running. Raises WaitedTooLongError."""

        async def synced() -> bool:
            done = await self.state("last_sync") not in ("unknown", "unavailable")
            return done and await self.state("status") == "idle"

        await eventually(synced, "a full sync has finished", within=within)
