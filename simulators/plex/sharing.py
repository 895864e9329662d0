"""The people the owner shares with, as both plex.tv APIs return them, with rules byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, field
import secrets
from typing import TYPE_CHECKING, Final, Literal

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from simulators.plex.facts import Row
    from simulators.plex.server import PlexSimulator

type ShareState = Literal["accepted", "pending", "none", "elsewhere"]
type Part = Literal["user", "id", "rules", "servers", "share", "sections", "home"]
"""What responses may lack about one person, without a word: see `SharedAccount.left_out`."""

FIRST_ACCOUNT_ID: Final = 70_001
SHARE_OFFSET: Final = 2_000_000
FILTERS: Final = ("filterAll", "filterMovies", "filterTelevision", "filterMusic", "filterPhotos")
PRESET_RATINGS: Final[Mapping[str, str]] = {
    "little_kid": "contentRating=G%2CTV-Y%2CTV-G%2Cde%2F0%2CFSK+0%2CUK%3A+U%2C0%2B",
    "older_kid": "contentRating=G%2CPG%2CTV-Y7%2CTV-PG%2Cde%2F6%2CFSK+6",
    "teen": "contentRating=G%2CPG%2CPG-13%2CTV-14%2Cde%2F12",
}
"""The ratings that plex.tv writes into the rules for an age preset, form encoded; shortened."""


@dataclass(slots=True)
class SharedAccount:
    """A person whom the owner knows at plex.tv. Tests may change every field at any time.

    `sections` are the keys of what is shared, None for all. A managed user has neither name nor
    e-mail address. `left_out` is what responses lack: the row in the list of people, its id, rules
    or servers, the row in the list of shares, its libraries, the row in the Plex Home.
    """

    id: int
    title: str
    username: str
    uuid: str
    home: bool = False
    restricted: bool = False
    protected: bool = False
    preset: str | None = None
    sections: set[str] | None = None
    state: ShareState = "accepted"
    rules: dict[str, str] = field(default_factory=lambda: dict.fromkeys(FILTERS, ""))
    email: str = ""
    server_token: str = field(default_factory=lambda: secrets.token_urlsafe(15), repr=False)
    invite_token: str = field(default_factory=lambda: secrets.token_urlsafe(15), repr=False)
    left_out: set[Part] = field(default_factory=set)

    def restrict(self, movies: str, shows: str | None = None) -> None:
        """Set the rules exactly as given, as a program writes them."""
        self.rules["filterMovies"] = movies
        self.rules["filterTelevision"] = movies if shows is None else shows

    def set_preset(self, preset: str | None) -> None:
        """Choose an age preset, or none, as in Plex; this sets or clears the rules."""
        self.preset = preset
        self.restrict("" if preset is None else PRESET_RATINGS[preset])

    @property
    def secrets(self) -> set[str]:
        """Return the values that only this person may see."""
        return {self.server_token, self.invite_token, self.email} - {""}


@dataclass(slots=True)
class Refusal:
    """The response that a route gives instead; `times` None means always."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    content_type: str = "application/xml"
    times: int | None = None


class SharingBook:
    """The owner's people, and scripted faults of the routes about them.

    `uuid_in_users` adds the permanent id as an attribute, `rules_in_shares` the rules to the
    shares.
    """

    def __init__(self) -> None:
        self.accounts: dict[int, SharedAccount] = {}
        self.refusals: dict[str, Refusal] = {}  # by path prefix; the first match applies
        self.uuid_in_users = False
        self.rules_in_users = True
        self.rules_in_shares = True
        self.guest_uuid = "f" * 16

    def add(
        self,
        title: str,
        *,
        username: str | None = None,
        uuid: str | None = None,
        home: bool = False,
        managed: bool = False,
        sections: Iterable[str] | None = None,
        state: ShareState = "accepted",
        rule: str = "",
    ) -> SharedAccount:
        """Add a person whom the owner knows; `rule` applies to films and to shows."""
        number = FIRST_ACCOUNT_ID + len(self.accounts)
        name = "" if managed else title if username is None else username
        account = SharedAccount(
            id=number,
            title=title,
            username=name,
            uuid=uuid or f"{number:016x}",
            home=home or managed,
            restricted=managed,
            sections=None if sections is None else set(sections),
            state=state,
            email="" if managed else f"{number}.somebody@example.org",
        )
        account.restrict(rule)
        self.accounts[number] = account
        return account

    def find(self, name: str) -> SharedAccount:
        """Return a person by title or name, ignoring case. Raises KeyError."""
        folded = name.casefold()
        for account in self.accounts.values():
            if folded in {account.title.casefold(), account.username.casefold()}:
                return account
        raise KeyError(name)

    @property
    def secrets(self) -> set[str]:
        """Return the secrets of all people."""
        return set().union(*(one.secrets for one in self.accounts.values()))

    def refuse(self, path: str, status: int, **more: object) -> None:
        """Give another response on a route, identified by the prefix of its path."""
        self.refusals[path] = Refusal(status, **more)  # type: ignore[arg-type]

    def refused(self, path: str) -> web.Response | None:
        """Return the scripted response of a route, None when it answers normally."""
        for beginning, refusal in self.refusals.items():
            if not path.startswith(beginning):
                continue
            if refusal.times is not None:
                if not refusal.times:
                    continue
                refusal.times -= 1
            return web.Response(
                status=refusal.status,
                text=refusal.body,
                headers=dict(refusal.headers),
                content_type=refusal.content_type,
            )
        return None

    # Rows of the older API

    def user_rows(self, servers: Iterable[PlexSimulator]) -> list[Row]:
        """Return everyone but the owner, including those with whom nothing is shared."""
        return [
            self._user_row(one, servers)
            for one in self.accounts.values()
            if "user" not in one.left_out
        ]

    def _user_row(self, account: SharedAccount, servers: Iterable[PlexSimulator]) -> Row:
        row: Row = {
            **({} if "id" in account.left_out else {"id": account.id}),
            "title": account.title,
            "username": account.username,
            "email": account.email,
            "thumb": f"https://plex.tv/users/{account.uuid}/avatar?c=1700000000",
            "home": account.home,
            "restricted": account.restricted,
            "protected": account.protected,
            "allowSync": False,
            "allowTuners": 0,
            **(_rules(account) if self.rules_in_users else {}),
            "Server": [],
        }
        if self.uuid_in_users:
            row["uuid"] = account.uuid
        if "servers" in account.left_out:
            return row
        if account.state == "elsewhere":
            row["Server"] = [_server_row(account, "e" * 40, "Another server", 1, all_=True)]
        if account.state in {"accepted", "pending"}:
            row["Server"] = [
                _server_row(
                    account,
                    server.state.machine_identifier,
                    server.state.name,
                    len(_sections(account, server)),
                    all_=account.sections is None,
                )
                for server in servers
            ]
        return row

    def home_rows(self, owner: Row) -> list[Row]:
        """Return the members of the Plex Home, the owner included."""
        members: list[Row] = [
            {
                "id": one.id,
                "uuid": one.uuid,
                "title": one.title,
                "username": one.username,
                "email": one.email,
                "thumb": f"https://plex.tv/users/{one.uuid}/avatar?c=1700000000",
                "admin": False,
                "guest": False,
                "restricted": one.restricted,
                "protected": one.protected,
                "restrictionProfile": one.preset,  # None omits it
            }
            for one in self.accounts.values()
            if one.home and "home" not in one.left_out
        ]
        return [{**owner, "admin": True, "guest": False, "restricted": False}, *members]

    def share_rows(self, server: PlexSimulator) -> list[Row]:
        """Return what is shared with whom on the server, with each person's token for it."""
        return [
            {
                "id": one.id + SHARE_OFFSET,
                "userID": one.id,
                "username": one.username,
                "email": one.email,
                "name": server.state.name,
                "accessToken": one.server_token,
                "acceptedAt": 1_700_000_000,
                "invitedAt": 1_690_000_000,
                "allLibraries": one.sections is None,
                "owned": True,
                **(_rules(one) if self.rules_in_shares else {}),
                "Section": []
                if "sections" in one.left_out
                else [
                    {
                        "id": int(library.key) + 500,
                        "key": library.key,
                        "title": library.title,
                        "type": library.type,
                        "shared": library.key in _sections(one, server),
                    }
                    for library in server.state.libraries.values()
                ],
            }
            for one in self.accounts.values()
            if one.state == "accepted" and "share" not in one.left_out
        ]

    # Rows of the newer API

    def owned_rows(self, servers: Iterable[PlexSimulator], *, pending: bool) -> list[Row]:
        """Return the shares that were accepted or, with `pending`, those that were not yet."""
        state = "pending" if pending else "accepted"
        return [
            self._owned_row(one, server, pending=pending)
            for one in self.accounts.values()
            if one.state == state and "share" not in one.left_out
            for server in servers
        ]

    @staticmethod
    def _owned_row(account: SharedAccount, server: PlexSimulator, *, pending: bool) -> Row:
        rules = {name: text or None for name, text in _rules(account).items()}
        sections = _sections(account, server)
        return {
            "id": account.id + SHARE_OFFSET,
            "machineIdentifier": server.state.machine_identifier,
            "name": server.state.name,
            "ownerId": 1,
            "invitedId": account.id,
            "invitedEmail": account.email,
            "accepted": not pending,
            "acceptedAt": None if pending else "2023-11-14T22:13:20Z",
            "deletedAt": None,
            "leftAt": None,
            "owned": True,
            "numLibraries": len(sections),
            "allLibraries": account.sections is None,
            "inviteToken": account.invite_token,
            "libraries": [
                {
                    "id": int(key) + 500,
                    "key": int(key),
                    "title": library.title,
                    "type": library.type,
                }
                for key, library in server.state.libraries.items()
                if key in sections and "sections" not in account.left_out
            ],
            "sharingSettings": {"allowSync": False, **rules},
            "invited": {
                "id": None if "id" in account.left_out else account.id,
                "uuid": account.uuid,
                "username": account.username or None,
                "title": account.title,
                "email": account.email or None,
                "friendlyName": None,
                "home": account.home,
                "restricted": account.restricted,
                "status": "pending" if pending else "friend",
            },
        }

    def new_home(self, owner: Row) -> Row:
        """Return the Plex Home as the newer API shows it."""
        users = [
            {**row, "restrictionProfile": row.get("restrictionProfile"), "hasPassword": True}
            for row in self.home_rows(owner)
        ]
        return {
            "id": 1,
            "name": "Home",
            "guestUserID": None,
            "guestEnabled": False,
            "subscription": True,
            "users": users,
        }


def _sections(account: SharedAccount, server: PlexSimulator) -> set[str]:
    everything = set(server.state.libraries)
    return everything if account.sections is None else everything & account.sections


def _rules(account: SharedAccount) -> dict[str, str]:
    return {} if "rules" in account.left_out else account.rules


def _server_row(account: SharedAccount, machine: str, name: str, count: int, *, all_: bool) -> Row:
    return {
        "id": account.id + SHARE_OFFSET,
        "serverId": 7,
        "machineIdentifier": machine,
        "name": name,
        "numLibraries": count,
        "allLibraries": all_,
        "owned": True,
        "pending": account.state == "pending",
    }
