"""Parse plex.tv's answers about shares, in its older XML and its newer JSON.

The answers contain other people's tokens, invitation tokens and e-mail addresses. Only the fields
named below are read, and these are not among them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
import re
import time
from typing import TYPE_CHECKING, Any, Final

from ..sharing.model import Access, Account, Answer, Kind, Reason, SharingError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_UUID: Final = re.compile(r"/users/([0-9a-fA-F]{8,64})/")
_YES: Final = frozenset({"1", "true"})
_RULES: Final = ("filterAll", "filterMovies", "filterTelevision", "filterMusic", "filterPhotos")


def answer_of(
    owner: Account,
    accounts: Iterable[Account],
    presets: Mapping[str, tuple[str, str]] | None,
    plex_pass: bool | None,
) -> Answer:
    """Combine the answers of several routes; accounts outside the Plex Home have no age preset."""
    found = []
    for account in accounts:
        uuid, preset = account.uuid, "" if account.kind is Kind.FRIEND else None
        if presets is not None and account.id in presets:
            home_uuid, preset = presets[account.id]
            uuid = uuid or home_uuid
        found.append(replace(account, uuid=uuid, preset=preset))
    return Answer(time.time(), owner, tuple(found), plex_pass=plex_pass)


# The older interface: XML


def user_rows(root: "Element") -> list[dict[str, str]]:
    """Return the attributes of the users; other elements are ignored."""
    return [dict(one.attrib) for one in root if one.tag == "User"]


@dataclass(frozen=True, slots=True)
class Listed:
    """The accounts of one answer.

    `unlisted` are the ids of others that it should list, empty for a row that could not be read.
    """

    accounts: tuple[Account, ...]
    unlisted: frozenset[str] = frozenset()


UNREAD_ROW: Final = frozenset({""})


def accounts_of(users: "Element", shares: "Element", machine_id: str) -> Listed:
    """Return the older interface's accounts with what is shared. Raises SharingError."""
    libraries = {
        one.get("userID", ""): _sections(one) for one in shares if one.tag == "SharedServer"
    }
    if not libraries and any(_access(one, machine_id) is Access.SHARED for one in users):
        raise SharingError(Reason.NOT_UNDERSTOOD)  # the two answers contradict each other
    # Rules are reported to be here as well; used only if the first answer has none at all.
    other_rules = {one.get("userID", ""): one.attrib for one in shares}
    rows = [one for one in users if one.tag == "User"]
    readable = [row for row in rows if row.get("id")]
    if not readable and (rows or libraries):
        raise SharingError(Reason.NOT_UNDERSTOOD)
    has_rules = any("filterMovies" in row.attrib for row in readable)
    found = []
    for row in readable:
        number, access = row.attrib["id"], _access(row, machine_id)
        shared = libraries.get(number)
        if access is Access.NONE and number in libraries:
            access, shared = Access.SHARED, None  # again a contradiction
        rules = row.attrib if has_rules else other_rules.get(number, {})
        # A row with no rule at all says nothing about them.
        absent = "" if any(name in rules for name in _RULES) else None
        found.append(
            Account(
                id=number,
                kind=_kind(_is(row.get("home")), _is(row.get("restricted"))),
                title=row.get("title", ""),
                username=row.get("username", ""),
                uuid=row.get("uuid") or _uuid_in(row.get("thumb", "")),
                movies=rules.get("filterMovies", absent),
                shows=rules.get("filterTelevision", absent),
                everything=rules.get("filterAll") or "",
                access=access,
                libraries=shared if access is Access.SHARED else frozenset(),
            )
        )
    # The guest of a Plex Home has no name; of everybody else the first answer is to know.
    named = frozenset(one.get("userID", "") for one in shares if one.get("username"))
    unlisted = (named & libraries.keys()) - {one.id for one in found} - UNREAD_ROW
    return Listed(tuple(found), unlisted if len(readable) == len(rows) else unlisted | UNREAD_ROW)


def _sections(share: "Element") -> frozenset[str] | None:
    """Return the keys of a share's libraries, None if unknown: the answer lists all libraries."""
    sections = [one for one in share if one.tag == "Section"]
    everything = _is(share.get("allLibraries"))
    keys = {one.get("key", "") for one in sections if everything or _is(one.get("shared"))}
    return None if not sections or "" in keys else frozenset(keys)


def _access(user: "Element", machine_id: str) -> Access:
    of_server = [
        one for one in user if one.tag == "Server" and one.get("machineIdentifier") == machine_id
    ]
    if not of_server:
        return Access.NONE
    return Access.INVITED if all(_is(one.get("pending")) for one in of_server) else Access.SHARED


def _kind(home: bool, restricted: bool) -> Kind:
    if restricted:
        return Kind.MANAGED
    return Kind.HOME if home else Kind.FRIEND


def _uuid_in(picture: str) -> str:
    """Return the account's permanent id, which only the URL of its picture contains."""
    match = _UUID.search(picture)
    return match[1].lower() if match else ""


def presets_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return uuid and age preset by account; absent, empty and null all mean none."""
    return {
        str(row["id"]): (str(row.get("uuid") or ""), str(row.get("restrictionProfile") or ""))
        for row in rows
        if row.get("id")
    }


def _is(value: object) -> bool:
    return str(value).lower() in _YES


# The newer interface: JSON


def rows(answer: object) -> tuple[list[Mapping[str, Any]], bool]:
    """Return the objects of a list, and whether it consists of them. Raises SharingError."""
    if not isinstance(answer, list):
        raise SharingError(Reason.NOT_UNDERSTOOD)
    found = [row for row in answer if isinstance(row, Mapping)]
    if answer and not found:
        raise SharingError(Reason.NOT_UNDERSTOOD)
    return found, len(found) == len(answer)


def home_rows(answer: object) -> list[Mapping[str, Any]]:
    """Return the members of the Plex Home that can be read. Raises SharingError."""
    if not isinstance(answer, Mapping):
        raise SharingError(Reason.NOT_UNDERSTOOD)
    return rows(answer.get("users"))[0]


def shares_of(answer: object, machine_id: str, access: Access) -> Listed:
    """Return the accounts with a share of one server, without shares that have ended.

    Raises SharingError.
    """
    found, complete = rows(answer)
    accounts = []
    for row in found:
        machine, invited = row.get("machineIdentifier"), row.get("invited")
        if not machine:
            complete = False
            continue
        if machine != machine_id or row.get("deletedAt") or row.get("leftAt"):
            continue
        accepted = access is Access.SHARED
        if accepted and not _is(row.get("accepted", True)):
            continue
        if not isinstance(invited, Mapping) or not invited.get("id"):
            # Who was invited may have no account yet; who has accepted has one.
            complete = complete and not accepted
            continue
        accounts.append(_share(row, invited, access))
    return Listed(tuple(accounts), frozenset() if complete else UNREAD_ROW)


def _share(row: Mapping[str, Any], invited: Mapping[str, Any], access: Access) -> Account:
    rules = row.get("sharingSettings") or invited.get("sharingSettings")
    settings: Mapping[str, Any] = rules if isinstance(rules, Mapping) else {}
    known = any(name in settings for name in _RULES)
    return Account(
        id=str(invited["id"]),
        kind=_kind(_is(invited.get("home")), _is(invited.get("restricted"))),
        title=str(invited.get("title") or ""),
        username=str(invited.get("username") or ""),
        uuid=str(invited.get("uuid") or ""),
        movies=str(settings.get("filterMovies") or "") if known else None,
        shows=str(settings.get("filterTelevision") or "") if known else None,
        everything=str(settings.get("filterAll") or ""),
        access=access,
        libraries=_libraries(row) if access is Access.SHARED else frozenset(),
    )


def _libraries(row: Mapping[str, Any]) -> frozenset[str] | None:
    sections = row.get("libraries")
    if not isinstance(sections, list):
        return None
    keys = {str(one.get("key") or "") if isinstance(one, Mapping) else "" for one in sections}
    # "All libraries" or a number of them without a list does not say which ones they are.
    some = _is(row.get("allLibraries")) or row.get("numLibraries")
    return None if "" in keys or (some and not keys) else frozenset(keys)
