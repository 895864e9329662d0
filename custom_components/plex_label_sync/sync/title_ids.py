"""Compares sets of ids: whether they mean the same movie or show. Pure."""

from collections.abc import Iterable
from typing import Final

PLEX: Final = "plex"
# Strongest first: where two sides contradict each other in one, a weaker one proves nothing.
EXTERNAL: Final = ("imdb", "tmdb", "tvdb")


def _of(ids: Iterable[str], provider: str) -> set[str]:
    return {one for one in ids if one.startswith(f"{provider}:")}


def agree(some: frozenset[str], others: frozenset[str]) -> bool | None:
    """Return whether two sets of ids mean the same title; None if nothing can be compared.

    Ids contradict each other when both sides have ids of one provider and none in common; a
    contradiction outweighs agreement in a weaker provider. Plex changes its own key now and then: a
    title with a new one is the same while all external ids agree.
    """
    keys, other_keys = _of(some, PLEX), _of(others, PLEX)
    if not keys.isdisjoint(other_keys):
        return True
    external = [
        not own.isdisjoint(other)
        for provider in EXTERNAL
        if (own := _of(some, provider)) and (other := _of(others, provider))
    ]
    if keys and other_keys:
        return bool(external) and all(external)
    return external[0] if external else None


def same(some: frozenset[str], others: frozenset[str]) -> bool:
    """Return whether two sets of ids are known to mean the same title."""
    return agree(some, others) is True


def external(ids: Iterable[str]) -> frozenset[str]:
    """Return the ids without Plex's own key."""
    return frozenset(one for one in ids if not one.startswith(f"{PLEX}:"))
