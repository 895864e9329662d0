"""Concise builders of accounts, people and shelves for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from custom_components.plex_label_sync.sharing.model import Account, Kind, SharingWarning
from custom_components.plex_label_sync.sharing.survey import Facts, Subject, Wanted, survey
from custom_components.plex_label_sync.sharing.visible import Catalog, bits
from custom_components.plex_label_sync.sharing.warn import warnings
from custom_components.plex_label_sync.sync.model import MediaType, Person, fold
from custom_components.plex_label_sync.sync.person_id import pulsarr_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custom_components.plex_label_sync.sharing.changes import LostRules

MOVIE, SHOW = MediaType.MOVIE, MediaType.SHOW
OWNER = Account("1", Kind.OWNER, "Max", "max", "0" * 16)
ROSA = Person(pulsarr_id(1), "rosa")


def friend(rule: str | None = "", **fields: Any) -> Account:
    """Return an account with shared films (library 1) and shows (library 2), under one rule."""
    given: dict[str, Any] = {
        "id": "7",
        "kind": Kind.FRIEND,
        "title": "Rosa",
        "username": "rosa",
        "movies": rule,
        "shows": rule,
        "libraries": frozenset({"1", "2"}),
    }
    return Account(**(given | fields))


def catalogs(*items: str, library: str = "1", ratings: Sequence[str] = ()) -> Catalog:
    """Return items in one library, each given by its labels."""
    labels = [frozenset(map(fold, text.split())) for text in items]
    every = frozenset().union(*labels)
    return Catalog(
        size=len(items),
        libraries={library: (1 << len(items)) - 1},
        carriers={
            **dict.fromkeys(("scary", "family", "kids", "rosa", "tim"), 0),
            **{
                one: bits((n for n, some in enumerate(labels) if one in some), len(items))
                for one in every
            },
        },
        ratings={
            one: bits((n for n, rating in enumerate(ratings) if fold(rating) == one), len(items))
            for one in map(fold, ratings)
        },
    )


def facts(
    movies: Sequence[str] = ("rosa", "rosa scary", "family", ""),
    shows: Sequence[str] = ("rosa", "tim"),
    wanted: Sequence[tuple[MediaType, int]] = ((MOVIE, 0), (SHOW, 0)),
    people: Sequence[Person] = (ROSA,),
    **fields: Any,
) -> Facts:
    """Return facts in which rosa wants the first film and the first show."""
    on_shelf = {MOVIE: catalogs(*movies), SHOW: catalogs(*shows, library="2")}
    carried = {word for text in (*movies, *shows) for word in map(fold, text.split())}
    given: dict[str, Any] = {
        "catalogs": on_shelf,
        "wanted": [
            Wanted(f"{kind} {n}", kind, 1 << n if n >= 0 else 0, (ROSA.id,)) for kind, n in wanted
        ],
        "people": people,
        "labels": {(one.id, kind): one.username for one in people for kind in MediaType},
        "directory": frozenset(carried),
        "server_version": "1.43.4.0",
    }
    return Facts(**(given | fields))


def one(account: Account, some: Facts | None = None) -> Subject:
    """Return the subject for rosa, or for the account if it belongs to no person."""
    known = some or facts()
    found = survey((OWNER, account), known)
    return next(subject for subject in found if subject.account in {account, None})


def warnings_about(
    account: Account, some: Facts | None = None, lost: Mapping[str, LostRules] | None = None
) -> list[SharingWarning]:
    """Return all warnings when this account exists."""
    known = some or facts()
    return list(warnings(survey((OWNER, account), known), known, lost or {}))


def keys(*args: Any, **kwargs: Any) -> list[str]:
    """Return the keys of the warnings."""
    return [warning.key.value for warning in warnings_about(*args, **kwargs)]
