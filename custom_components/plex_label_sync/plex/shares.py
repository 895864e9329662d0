"""What the answers of plex.tv about shares mean, in its older XML and its newer JSON.

The answers hold other people's tokens, the tokens of invitations and e-mail addresses: what is
taken from them is named below, one field after the other, and these are not among it.
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
    """Put together what several routes told; who is in no Plex Home has no age preset."""
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


def xml_rows(root: "Element", tag: str) -> list[dict[str, str]]:
    """Return the attributes of the elements of one kind; others may stand among them."""
    return [dict(one.attrib) for one in root if one.tag == tag]


def accounts_of(users: "Element", shares: "Element", machine_id: str) -> tuple[Account, ...]:
    """Return whom the older interface names, with what is shared. Raises SharingError."""
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
        raise SharingError(Reason.NOT_UNDERSTOOD)  # the two answers cannot both be true
    # They were said to be in there as well; only where the first answer knows no rules at all.
    other_rules = {one.get("userID", ""): one.attrib for one in shares}
    rows = [one for one in users if one.tag == "User"]
    tells_rules = any("filterMovies" in row.attrib for row in rows)
    found = []
    for row in rows:
        number = row.get("id", "")
        if not number:
            raise SharingError(Reason.NOT_UNDERSTOOD)
        access = _access(row, machine_id)
        rules = row.attrib if tells_rules else other_rules.get(number, {})
        absent = "" if tells_rules else None
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
    ours = [
        one for one in user if one.tag == "Server" and one.get("machineIdentifier") == machine_id
    ]
    if not ours:
        return Access.NONE
    return Access.INVITED if all(_is(one.get("pending")) for one in ours) else Access.SHARED


def _kind(home: bool, restricted: bool) -> Kind:
    if restricted:
        return Kind.MANAGED
    return Kind.HOME if home else Kind.FRIEND


def _uuid_in(picture: str) -> str:
    """Return the account's lasting id, which only the address of its picture holds."""
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
    """Yield the accounts of the shares of one server, those that have ended left out."""
    for row in rows:
        invited = row.get("invited")
        if row.get("machineIdentifier") != machine_id or row.get("deletedAt") or row.get("leftAt"):
            continue
        if access is Access.SHARED and not _is(row.get("accepted", True)):
            continue
        if not isinstance(invited, Mapping) or not invited.get("id"):
            continue  # somebody who has no account yet
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
    # "All of them" without any named does not say which these are.
    return None if _is(row.get("allLibraries")) and not keys else keys
