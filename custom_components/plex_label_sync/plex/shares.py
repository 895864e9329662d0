"""Parse plex.tv's answers about shares, in its older XML and its newer JSON.

The answers contain other people's tokens, invitation tokens and e-mail addresses. Only the fields
named below are read, and these are not among them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
import re
import time
from typing import TYPE_CHECKING, Any, Final

from ..sharing.model import Access, Account, Answer, Kind, Reason, SharingError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_UUID: Final = re.compile(r"/users/([0-9a-fA-F]{8,64})/")
_YES: Final = frozenset({"1", "true"})


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
    return Answer(
        time.time(), owner, tuple(found), plex_pass=plex_pass, complete=presets is not None
    )


# The older interface: XML


def user_rows(root: "Element") -> list[dict[str, str]]:
    """Return the attributes of the users; other elements are ignored."""
    return [dict(one.attrib) for one in root if one.tag == "User"]


def accounts_of(users: "Element", shares: "Element", machine_id: str) -> tuple[Account, ...]:
    """Return the older interface's accounts with what is shared. Raises SharingError."""
    libraries = {
        one.get("userID", ""): frozenset(
            section.get("key", "")
            for section in one
            if section.tag == "Section"
            and (_is(section.get("shared")) or _is(one.get("allLibraries")))
        )
        for one in shares
        if one.tag == "SharedServer"
    }
    if not libraries and any(_access(one, machine_id) is Access.SHARED for one in users):
        raise SharingError(Reason.NOT_UNDERSTOOD)  # the two answers contradict each other
    # Rules are reported to be here as well; used only if the first answer has none at all.
    other_rules = {one.get("userID", ""): one.attrib for one in shares}
    rows = [one for one in users if one.tag == "User"]
    has_rules = any("filterMovies" in row.attrib for row in rows)
    found = []
    for row in rows:
        number = row.get("id", "")
        if not number:
            raise SharingError(Reason.NOT_UNDERSTOOD)
        access = _access(row, machine_id)
        rules = row.attrib if has_rules else other_rules.get(number, {})
        absent = "" if has_rules else None
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
                libraries=libraries.get(number) if access is Access.SHARED else frozenset(),
            )
        )
    return tuple(found)


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


def rows(answer: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list. Raises SharingError for anything else."""
    if not isinstance(answer, list) or not all(isinstance(row, Mapping) for row in answer):
        raise SharingError(Reason.NOT_UNDERSTOOD)
    return answer


def home_rows(answer: object) -> list[Mapping[str, Any]]:
    """Return the members of the Plex Home. Raises SharingError."""
    if not isinstance(answer, Mapping):
        raise SharingError(Reason.NOT_UNDERSTOOD)
    return rows(answer.get("users"))


def shares_of(
    rows: Iterable[Mapping[str, Any]], machine_id: str, access: Access
) -> Iterable[Account]:
    """Yield the accounts with a share of one server, without shares that have ended."""
    for row in rows:
        invited = row.get("invited")
        if row.get("machineIdentifier") != machine_id or row.get("deletedAt") or row.get("leftAt"):
            continue
        if access is Access.SHARED and not _is(row.get("accepted", True)):
            continue
        if not isinstance(invited, Mapping) or not invited.get("id"):
            continue  # invited, but without an account yet
        rules = row.get("sharingSettings") or invited.get("sharingSettings")
        known = isinstance(rules, Mapping)
        settings: Mapping[str, Any] = rules if isinstance(rules, Mapping) else {}
        yield Account(
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
    keys = frozenset(
        str(one["key"]) for one in sections if isinstance(one, Mapping) and "key" in one
    )
    # "All libraries" without a list does not say which ones they are.
    return None if _is(row.get("allLibraries")) and not keys else keys
