"""Every kind of request, failing in every way, for one person, one library or one item alone."""

import asyncio

import pytest

from custom_components.plex_label_sync.plex import server
from custom_components.plex_label_sync.pulsarr import client
from custom_components.plex_label_sync.sync.model import (
    GapKind,
    RemovedLabelMode,
    RunStatus,
    SyncSettings,
    fold,
)
from simulators.http import Fault, FaultKind
from simulators.plex.server import METADATA_ROUTE

from .home import LABEL_ROUTE, LISTING_ROUTE, Home, household

KINDS: tuple[FaultKind, ...] = (
    "busy",
    "html",
    "truncated",
    "garbage",
    "slow_before_apply",
    "wrong_types",
    "drop",
    "cut_body",
)
WATCHLIST_ROUTE = "/v1/users/{id}/watchlist"
PARTS = ("watchlist", "listing", "directory", "carriers", "item")
SLOW = 0.6  # seconds; longer than a client waits here


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait no longer for an answer than a loopback needs."""
    monkeypatch.setattr(server, "READ_TIMEOUT", 0.25)
    monkeypatch.setattr(client, "READ_TIMEOUT", 0.25)


def arm(home: Home, part: str, kind: FaultKind, key: str) -> GapKind:
    """Let one part of what a sync reads fail for ever; return what is told of it."""
    fault = {"kind": kind, "times": None, "seconds": SLOW if kind.startswith("slow") else 0.0}
    if part == "watchlist":
        match = rf"/users/{home.person('rosa')}/watchlist"
        home.pulsarr.faults.add(Fault(route=WATCHLIST_ROUTE, match=match, **fault))  # type: ignore[arg-type]
        return GapKind.PERSON
    route, match, told = {
        "listing": (LISTING_ROUTE, r"/sections/1/all\?(?!.*label)", GapKind.LIBRARY),
        "directory": (LABEL_ROUTE, "/sections/1/label", GapKind.LIBRARY),
        "carriers": (LISTING_ROUTE, rf"/sections/1/all\?.*label={tag(home)}(&|$)", GapKind.LABEL),
        "item": (METADATA_ROUTE, rf"metadata/(\d+,)*{key}(,|\?|$)", GapKind.ITEM),
    }[part]
    home.plex.faults.add(Fault(route=route, match=match, method="GET", **fault))  # type: ignore[arg-type]
    return told


def tag(home: Home) -> str:
    """Return Plex's number of rosa's label."""
    (one,) = home.plex.state.tags.find("rosa")
    return str(one.id)


def rows(home: Home) -> set[tuple[str, str]]:
    """Return which labels on which items the ledger knows, and has not noted as taken off."""
    return {row.key for row in home.recorder.ledger if not row.off}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", PARTS)
async def test_what_fails_for_one_stops_nobody_else_and_costs_nothing(
    part: str, kind: FaultKind
) -> None:
    settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    async with household(settings=settings) as home:
        await home.sync()
        # Somebody takes one of rosa's labels off, which takes a look at that very item.
        by_hand = next(one for one in home.plex.state.carriers("rosa") if one.section == "1")
        home.plex.state.remove_label(by_hand.rating_key, "rosa")
        new = home.spare("show")
        home.wish("tim", new)
        before, known = home.labels, rows(home)
        told = arm(home, part, kind, by_hand.rating_key)

        run = await home.sync()

        assert run.status is RunStatus.PARTIAL
        assert told in {gap.kind for gap in run.gaps} | (
            {GapKind.PAGE} if part == "listing" else set()
        )
        assert all(
            "tim" in {fold(label) for label in item.labels}
            for item in home.plex.state.items_of(new)
        )
        assert all(labels <= home.labels.get(key, set()) for key, labels in before.items())
        assert known - rows(home) <= {(by_hand.rating_key, "rosa")}

        home.plex.faults.clear()
        home.pulsarr.faults.clear()
        # What a client gave up on counts as a request on its way until the server is done with it.
        await asyncio.sleep(2 * SLOW if kind.startswith("slow") else 0)
        home.plex.stats.reset()
        again = await home.sync()

        assert again.status is RunStatus.DONE
        wanted = home.wanted()
        wanted[by_hand.rating_key] = wanted[by_hand.rating_key] - {"rosa"}
        assert all(labels <= home.labels.get(key, set()) for key, labels in wanted.items())
        assert (by_hand.rating_key, "rosa") not in rows(home)
