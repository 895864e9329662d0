"""A simulated plex.tv: sign-in by PIN, the account, its servers, and the people it shares with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
import secrets
import string
import time
from typing import TYPE_CHECKING

from aiohttp import web

from simulators.front import FrontDesk, middleware_of
from simulators.http import Faults, Stats
from simulators.listener import LocalServer, Served
from simulators.plex.account_answers import (
    answer,
    argument,
    error_answer,
    form_or_query,
    json_or_xml,
    wants_json,
    xml,
)
from simulators.plex.account_rows import (
    Pin,
    connections,
    person_row,
    pin_row,
    server_row,
    share_row,
    shared_server_row,
)
from simulators.plex.auth_page import AUTH_PAGE
from simulators.plex.render import json_bytes
from simulators.plex.sharing import SharingBook

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from simulators.plex.facts import Row
    from simulators.plex.server import PlexSimulator
    from simulators.plex.users import SharedUser

STRONG_PIN_SECONDS = 1800
WEAK_PIN_SECONDS = 900
CODE_LETTERS = string.ascii_lowercase + string.digits
OWNER_ID = 40_000
JOINED = int(datetime(2019, 3, 4, tzinfo=UTC).timestamp())

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PlexTv(Served):
    """plex.tv for one owner of these servers and the people they share with.

    The owner's account token is `token` (by default the first server's, as both are the same string
    for an owned server). A shared user's account token is `account_token(user)`; servers do not
    accept it.
    """

    def __init__(self, servers: Sequence[PlexSimulator], *, token: str | None = None) -> None:
        self.servers = list(servers)
        self.token = token if token is not None else servers[0].token
        self.owner_name = servers[0].owner_name
        self.stats = Stats()
        self.faults = Faults()
        self.pins: dict[int, Pin] = {}
        self.addresses: dict[str, list[Row]] = {}  # by machine identifier; others use `connections`
        self.borrowed: set[str] = (
            set()
        )  # machine identifiers of servers that the owner does not own
        self.sharing = SharingBook()
        self.owner_uuid = f"{OWNER_ID:016x}"
        self._account_tokens: dict[int, str] = {}

    # Lifecycle

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 picks a free one. Raises OSError when the port is in use."""
        app = web.Application()
        server = LocalServer(app)
        desk = FrontDesk(server=server, stats=self.stats, faults=self.faults)
        app.middlewares.append(middleware_of(desk))
        add = app.router.add_route
        add("POST", "/api/v2/pins", self._new_pin)
        add("GET", "/api/v2/pins/{id}", self._pin)
        for path, handler in (
            ("/api/v2/user", self._user),
            ("/api/v2/resources", self._resources),
            ("/api/users", self._users),
            ("/api/users/", self._users),
            ("/api/home/users", self._home_users),
            ("/api/servers/{machine}/shared_servers", self._shared_servers),
            ("/api/v2/shared_servers/owned/{state:accepted|pending}", self._owned_shares),
            ("/api/v2/home/users", self._new_home),
        ):
            add("GET", path, handler)
        add("GET", "/auth", self._auth_page)
        add("POST", "/_control/sign_in", self._control_sign_in)
        add("POST", "/_control/rule", self._control_rule)
        self._server = server
        await server.start(port)

    @property
    def requested_changes(self) -> list[str]:
        """Return the requests that would change something, except sign-in; none are allowed."""
        return [
            f"{one.method} {one.path}"
            for one in self.stats.log
            if one.method != "GET" and (one.method, one.path) != ("POST", "/api/v2/pins")
        ]

    # User actions

    def sign_in(self, code: str, user: SharedUser | None = None) -> None:
        """Sign in as the owner or a shared user. Raises KeyError for an unknown code."""
        pin = next((pin for pin in self.pins.values() if pin.code == code and pin.left), None)
        if pin is None:
            raise KeyError(code)
        pin.token = self.token if user is None else self.account_token(user)

    def expire(self, code: str) -> None:
        """Let a PIN expire before sign-in."""
        for pin in self.pins.values():
            if pin.code == code:
                pin.expires_at = 0.0

    def account_token(self, user: SharedUser) -> str:
        """Return the plex.tv token of a shared user."""
        return self._account_tokens.setdefault(user.id, secrets.token_urlsafe(15))

    # PINs

    async def _new_pin(self, request: web.Request) -> web.Response:
        client = argument(request, "X-Plex-Client-Identifier")
        if not client:
            return error_answer(request, 400, 1000, "X-Plex-Client-Identifier is missing")
        strong = (form_or_query(await request.post(), request, "strong") or "").lower() in (
            "1",
            "true",
        )
        seconds = STRONG_PIN_SECONDS if strong else WEAK_PIN_SECONDS
        pin = Pin(
            id=1_000_000 + len(self.pins),
            code="".join(secrets.choice(CODE_LETTERS) for _ in range(25 if strong else 4)),
            client=client,
            product=argument(request, "X-Plex-Product") or "Unknown",
            expires_at=time.monotonic() + seconds,
            seconds=seconds,
        )
        self.pins[pin.id] = pin
        return answer(request, "pin", pin_row(pin), status=201)

    async def _pin(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        pin = self.pins.get(int(number)) if number.isdecimal() else None
        client = argument(request, "X-Plex-Client-Identifier")
        if pin is None or not pin.left or pin.client != client:
            return error_answer(request, 404, 1020, "Code not found or expired")
        return answer(request, "pin", pin_row(pin))

    # Account

    async def _user(self, request: web.Request) -> web.Response:
        if (refused := self.sharing.refused(request.path)) is not None:
            return refused
        who = self._who(request)
        if who is None:
            return error_answer(request, 401, 1001, "User could not be authenticated")
        user = who.user
        name = self.owner_name if user is None else user.name
        row: Row = {
            "id": OWNER_ID if user is None else user.id,
            "uuid": self.owner_uuid if user is None else f"{user.id:016x}",
            "username": name,
            "title": name,
            "friendlyName": name,
            "email": f"{name}@example.org",
            "authToken": who.token,
            "scrobbleTypes": "",
            "joinedAt": JOINED,
            "homeAdmin": user is None,
            "subscription": {
                "active": user is None,
                "status": "Active" if user is None else "Inactive",
            },
            "profile": {"autoSelectAudio": True, "autoSelectSubtitle": 1},
        }
        return answer(request, "user", row)

    async def _resources(self, request: web.Request) -> web.Response:
        who = self._who(request)
        if who is None:
            return error_answer(request, 401, 1001, "User could not be authenticated")
        devices = [
            server_row(
                server,
                who.user,
                self.addresses.get(server.state.machine_identifier)
                or connections(server, request.query),
                borrowed=server.state.machine_identifier in self.borrowed,
            )
            for server in self.servers
            if _may_use(server, who.user)
        ]
        devices.append(
            {
                "name": "Living Room",
                "product": "Plex for Smart TVs",
                "clientIdentifier": "tv-0001",
                "provides": "client,player",
                "owned": True,
                "presence": False,
                "connections": [],
            }
        )
        if wants_json(request):
            return web.Response(body=json_bytes(devices), content_type="application/json")
        for device in devices:
            device["connections"] = {"connection": device["connections"]}
        return answer(request, "resources", {"resource": devices})

    async def _users(self, request: web.Request) -> web.Response:
        return self._people(request, home=False)

    async def _home_users(self, request: web.Request) -> web.Response:
        return self._people(request, home=True)

    def _people(self, request: web.Request, *, home: bool) -> web.Response:
        if (refused := self.sharing.refused(request.path)) is not None:
            return refused
        who = self._who(request)
        if who is None:
            return error_answer(request, 401, 1001, "User could not be authenticated")
        people: dict[int, Row] = {}
        for server in self.servers:
            for user in server.users.values() if who.user is None else ():
                if home and not user.home:
                    continue
                row = people.setdefault(user.id, person_row(user))
                row["Server"].append(share_row(server, user))
        rows = list(people.values())
        if who.user is None:
            more = self.sharing.home_rows(self._owner_row()) if home else None
            rows += self.sharing.user_rows(self.servers) if more is None else more
        container: Row = {
            "friendlyName": "myPlex",
            "identifier": "com.plexapp.plugins.myplex",
            "machineIdentifier": "3dff4c4da3b1229a649aa574a9e2b419a684a20e",
            "totalSize": len(rows),
            "size": len(rows),
            "Notice": [{"id": 1}],  # another element may appear among the people
            "User": rows,
        }
        return xml("MediaContainer", container)

    def _owner_row(self) -> Row:
        return {
            "id": OWNER_ID,
            "uuid": self.owner_uuid,
            "title": self.owner_name,
            "username": self.owner_name,
            "email": f"{self.owner_name}@example.org",
        }

    async def _owned_shares(self, request: web.Request) -> web.Response:
        if (refused := self.sharing.refused(request.path)) is not None:
            return refused
        who = self._who(request)
        if who is None:
            return error_answer(request, 401, 1001, "User could not be authenticated")
        pending = request.match_info["state"] == "pending"
        rows = [] if who.user else self.sharing.owned_rows(self.servers, pending=pending)
        return json_or_xml(request, "sharedServers", "sharedServer", rows)

    async def _new_home(self, request: web.Request) -> web.Response:
        if (refused := self.sharing.refused(request.path)) is not None:
            return refused
        who = self._who(request)
        if who is None or who.user is not None:
            return error_answer(request, 401, 1001, "User could not be authenticated")
        return answer(request, "home", self.sharing.new_home(self._owner_row()))

    async def _shared_servers(self, request: web.Request) -> web.Response:
        if (refused := self.sharing.refused(request.path)) is not None:
            return refused
        who = self._who(request)
        server = next(
            (
                server
                for server in self.servers
                if server.state.machine_identifier == request.match_info["machine"]
            ),
            None,
        )
        if who is None or who.user is not None:
            return error_answer(request, 401, 1001, "User could not be authenticated")
        if server is None:
            return error_answer(request, 404, 1002, "No such server")
        rows = [shared_server_row(server, user) for user in server.users.values()]
        rows += self.sharing.share_rows(server)
        return xml("MediaContainer", {"size": len(rows), "SharedServer": rows})

    def _who(self, request: web.Request) -> _Account | None:
        token = argument(request, "X-Plex-Token")
        if token == self.token:
            return _Account(token)
        users = {user.id: user for server in self.servers for user in server.users.values()}
        for number, known in self._account_tokens.items():
            if token == known and number in users:
                return _Account(token, users[number])
        return None

    # Browser routes

    async def _auth_page(self, _request: web.Request) -> web.Response:
        return web.Response(text=AUTH_PAGE, content_type="text/html")

    async def _control_sign_in(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            self.sign_in(str(body.get("code", "")))
        except KeyError:
            return web.json_response({"error": "no such code"}, status=404)
        return web.json_response({})

    async def _control_rule(self, request: web.Request) -> web.Response:
        """Set a person's rules, as the owner does by hand or another program by mistake."""
        body = await request.json()
        try:
            account = self.sharing.find(str(body["person"]))
        except KeyError:
            names = [one.title for one in self.sharing.accounts.values()]
            return web.json_response({"error": "nobody", "people": names}, status=404)
        before = account.rules["filterMovies"]
        account.restrict(str(body["rule"]))
        return web.json_response({"person": account.title, "before": before})


@dataclass(frozen=True, slots=True)
class _Account:
    token: str
    user: SharedUser | None = None


def _may_use(server: PlexSimulator, user: SharedUser | None) -> bool:
    return user is None or any(shared.id == user.id for shared in server.users.values())
