"""A test environment with a plex.tv: owner, friends, Plex Home, a child, a pending invitation."""

from __future__ import annotations

from dataclasses import dataclass, field
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.limits import SharingTimes
from simulators.plex import PlexTv
from simulators.plex.facts import texts

from .ha_env import set_limits
from .plex_tv_fixtures import lead_to, protect
from .sharing.brute import Meaning, Thing, answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from simulators.plex import Item
    from simulators.plex.sharing import SharedAccount

    from .ha_env import HaEnv

KINDS: Final = {"movies": "movie", "shows": "show"}
PEOPLE: Final = ("tim", "Jürgen", "nina", "sam", "marta", "Leo")


@dataclass
class SharingEnv:
    """The test environment and its plex.tv."""

    ha_env: HaEnv
    tv: PlexTv
    options: dict[str, Any] = field(default_factory=dict)

    async def set_up(self, **options: Any) -> None:
        """Set up the entry and wait for the first full sync, but not for the first check."""
        await self.ha_env.set_up(live_mode=False, **options)

    async def check(self, **data: Any) -> dict[str, Any]:
        """Check plex.tv again, however recent the last check was, and return the response."""
        self.rested()
        return await self.ha_env.call("check_sharing", **data)

    def rested(self) -> None:
        """Make the last check of plex.tv look old."""
        self.ha_env.entry.runtime_data.sharing._last_query = -1e9
        self.ha_env.entry.runtime_data.sharing._rest_until = 0.0

    def account(self, name: str) -> SharedAccount:
        """Return a person's account."""
        return self.tv.sharing.find(name)

    def issue(self, kind: str) -> ir.IssueEntry | None:
        """Return a repair issue."""
        registry = ir.async_get(self.ha_env.hass)
        return registry.async_get_issue(DOMAIN, f"{kind}_{self.ha_env.entry.entry_id}")

    async def fix(self, kind: str, answer: str, *, rested: bool = True) -> dict[str, Any]:
        """Choose an option in a repair, by default some time after a check."""
        from homeassistant.components.repairs.const import DOMAIN as REPAIRS

        manager = self.ha_env.hass.data[REPAIRS]["flow_manager"]
        issue_id = f"{kind}_{self.ha_env.entry.entry_id}"
        shown = await manager.async_init(DOMAIN, data={"issue_id": issue_id})
        assert shown["type"] == "menu"
        assert answer in shown["menu_options"]
        if rested:
            self.rested()
        done: dict[str, Any] = await manager.async_configure(
            shown["flow_id"], {"next_step_id": answer}
        )
        await self.ha_env.settle()
        return done

    def items(self, kind: str, sections: set[str] | None = None) -> list[Item]:
        """Return the items of one kind, in some or all libraries."""
        return [
            one
            for one in self.ha_env.plex.state.items.values()
            if one.type == kind and (sections is None or one.section in sections)
        ]

    def counted(
        self, kind: str, meaning: list[Meaning], sections: set[str] | None = None
    ) -> dict[str, int]:
        """Return how many items of a kind a person sees, by evaluating each of them."""
        counts = dict.fromkeys(("visible", "hidden", "unknown"), 0)
        for item in self.items(kind):
            verdict = answer(meaning, thing_of(item))
            if sections is not None and item.section not in sections:
                verdict = "hidden"
            counts[verdict] += 1
        return counts

    def written(self) -> str:
        """Return all stored files and registries as text."""
        folder = Path(self.ha_env.hass.config.path(".storage"))
        files = folder.glob("*") if folder.is_dir() else ()
        return "\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file())


def thing_of(item: Item) -> Thing:
    """Return an item in the form of the brute-force evaluator."""
    rating = str(texts(item)["contentRating"]).casefold()
    return Thing(frozenset(one.casefold() for one in item.labels), rating)


def row_of(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the row of a person, or of an account without one."""
    rows = [one for one in answer["people"] if name in {one["person"], one["account"]}]
    assert len(rows) == 1, [(one["person"], one["account"]) for one in answer["people"]]
    row: dict[str, Any] = rows[0]
    return row


def keys_of(answer: dict[str, Any], name: str) -> list[str]:
    """Return the keys of a person's warnings."""
    return [one["key"] for one in answer["warnings"] if name in {one["person"], one["account"]}]


def as_text(value: Any) -> str:
    """Return a response as text."""
    return json.dumps(value, ensure_ascii=False, default=str)


LATE_CHECK: Final = SharingTimes(
    first_check=(3600.0, 3600.0),  # long after any test
    # The frozen clock applies in some threads' frames and not in others.
    requests_within=1e12,
)


@pytest.fixture
async def env(
    ha_env: HaEnv, monkeypatch: pytest.MonkeyPatch, known_secrets: set[str]
) -> AsyncIterator[SharingEnv]:
    """Set up six kinds of people, recognized except a child without watchlist; no entry yet."""
    people = ha_env.pulsarr.state
    ha_env.plex.owner_name = "rosa"
    async with PlexTv([ha_env.plex]) as tv:
        tv.owner_uuid = people.find_user("rosa").plex_uuid or ""
        lead_to(monkeypatch, tv.url)
        set_limits(ha_env.hass, sharing=LATE_CHECK)

        def add(name: str, **fields: Any) -> None:
            tv.sharing.add(name, uuid=people.find_user(name).plex_uuid, **fields)

        add("tim", rule="label=tim")
        add("Jürgen", home=True, rule="label!=Kids")
        add("nina", state="pending")
        add("sam")
        add("marta", sections=["1"], rule="contentRating=G%2CPG")
        tv.sharing.add("Leo", managed=True, rule="label=Kids%2CFamily")
        protect(known_secrets, tv)
        yield SharingEnv(ha_env, tv)
        assert tv.requested_changes == []
