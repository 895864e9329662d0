"""Every kind of request, failing in every way, for one person, one library or one item alone."""

import pytest

from custom_components.plex_label_sync.sync.model import (
    GapKind,
    RemovedLabelMode,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.run import RunStatus
from simulators.http import Fault, FaultKind
from simulators.plex.server import METADATA_ROUTE

from ..short_timeouts import TOO_LONG, short_timeouts
from .engine_env import LABEL_ROUTE, LISTING_ROUTE, EngineEnv, open_env

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


def arm(env: EngineEnv, part: str, kind: FaultKind, key: str) -> GapKind:
    """Let one part of what a sync reads fail for ever; return what is told of it."""
    fault = {"kind": kind, "times": None, "seconds": TOO_LONG if kind.startswith("slow") else 0.0}
    if part == "watchlist":
        match = rf"/users/{env.person('rosa')}/watchlist"
        env.pulsarr.faults.add(Fault(route=WATCHLIST_ROUTE, match=match, **fault))  # type: ignore[arg-type]
        return GapKind.PERSON
    route, match, kind_of_gap = {
        "listing": (LISTING_ROUTE, r"/sections/1/all\?(?!.*label)", GapKind.LIBRARY),
        "directory": (LABEL_ROUTE, "/sections/1/label", GapKind.LIBRARY),
        "carriers": (LISTING_ROUTE, rf"/sections/1/all\?.*label={tag(env)}(&|$)", GapKind.LABEL),
        "item": (METADATA_ROUTE, rf"metadata/(\d+,)*{key}(,|\?|$)", GapKind.ITEM),
    }[part]
    env.plex.faults.add(Fault(route=route, match=match, method="GET", **fault))  # type: ignore[arg-type]
    return kind_of_gap


def tag(env: EngineEnv) -> str:
    """Return Plex's number of rosa's label."""
    (one,) = env.plex.state.tags.find("rosa")
    return str(one.id)


def rows(env: EngineEnv) -> set[tuple[str, str]]:
    """Return which labels on which items the ledger knows, and has not noted as taken off."""
    return {row.key for row in env.recorder.ledger if not row.removed_by_user}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", PARTS)
async def test_what_fails_for_one_stops_no_one_else_and_costs_nothing(
    part: str, kind: FaultKind
) -> None:
    settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    async with open_env(settings=settings) as env:
        await env.sync()
        # Somebody takes one of rosa's labels off, which takes a look at that very item.
        by_hand = next(one for one in env.plex.state.carriers("rosa") if one.section == "1")
        env.plex.state.remove_label(by_hand.rating_key, "rosa")
        new = env.spare("show")
        env.want("tim", new)
        before, known = env.labels, rows(env)
        kind_of_gap = arm(env, part, kind, by_hand.rating_key)

        with short_timeouts(env.plex, env.pulsarr):
            run = await env.sync()

        assert run.status is RunStatus.PARTIAL
        assert kind_of_gap in {gap.kind for gap in run.gaps} | (
            {GapKind.PAGE} if part == "listing" else set()
        )
        assert all(
            "tim" in {fold(label) for label in item.labels} for item in env.plex.state.items_of(new)
        )
        assert all(labels <= env.labels.get(key, set()) for key, labels in before.items())
        assert known - rows(env) <= {(by_hand.rating_key, "rosa")}

        env.plex.faults.clear()
        env.pulsarr.faults.clear()
        again = await env.sync()

        assert again.status is RunStatus.DONE
        wanted = env.wanted()
        wanted[by_hand.rating_key] = wanted[by_hand.rating_key] - {"rosa"}
        assert all(labels <= env.labels.get(key, set()) for key, labels in wanted.items())
        assert (by_hand.rating_key, "rosa") not in rows(env)
