"""Rows of the simulated plex.tv's responses: PINs, servers, addresses, people and shares."""

from __future__ import annotations

from dataclasses import dataclass
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.plex.facts import Row
    from simulators.plex.server import PlexSimulator
    from simulators.plex.users import SharedUser

CLOSED_PORT = 9  # discard: no listener on the loopback


@dataclass(slots=True)
class Pin:
    """One sign-in in progress; `token` is set once the person has signed in."""

    id: int
    code: str
    client: str
    product: str
    expires_at: float  # on the monotonic clock
    seconds: int
    token: str | None = None

    @property
    def left(self) -> int:
        """Return the seconds until it expires; 0 afterwards."""
        return max(0, round(self.expires_at - time.monotonic()))


def server_row(
    server: PlexSimulator, user: SharedUser | None, addresses: list[Row], *, borrowed: bool = False
) -> Row:
    """Return a server as an account resource; `borrowed` if another account shares it."""
    return {
        "name": server.state.name,
        "product": "Plex Media Server",
        "productVersion": server.state.version,
        "platform": "Linux",
        "clientIdentifier": server.state.machine_identifier,
        "provides": "server",
        "owned": user is None and not borrowed,
        "accessToken": server.token if user is None else user.token,
        "createdAt": "2019-03-04T10:00:00Z",
        "lastSeenAt": "2026-11-22T10:00:00Z",
        "presence": True,
        "home": False,
        "httpsRequired": False,
        "publicAddressMatches": True,
        "relay": True,
        "connections": addresses,
    }


def connections(server: PlexSimulator, query: Mapping[str, str]) -> list[Row]:
    """Return one working address, plus a remote, a relay and an IPv6 one without a listener."""
    rows: list[Row] = [
        connection("http", "127.0.0.1", server.port, local=True),
        connection("https", "127.0.0.1", CLOSED_PORT, local=False),
    ]
    if query.get("includeRelay") == "1":
        rows.append(connection("https", "127.0.0.1", CLOSED_PORT, local=False, relay=True))
    if query.get("includeIPv6") == "1":
        rows.append({**connection("https", "::1", CLOSED_PORT, local=True), "IPv6": True})
    if query.get("includeHttps") != "1":
        rows = [row for row in rows if row["protocol"] == "http"]
    return rows


def connection(protocol: str, address: str, port: int, *, local: bool, relay: bool = False) -> Row:
    """Return one address of a server."""
    host = f"[{address}]" if ":" in address else address
    return {
        "protocol": protocol,
        "address": address,
        "port": port,
        "uri": f"{protocol}://{host}:{port}",
        "local": local,
        "relay": relay,
        "IPv6": False,
    }


def person_row(user: SharedUser) -> Row:
    """Return a person whom the owner shares with; the caller fills in `Server`."""
    rules = [f"label={'%2C'.join(sorted(user.only_labels))}"] if user.only_labels else []
    rules += [f"label!={'%2C'.join(sorted(user.never_labels))}"] if user.never_labels else []
    rule = "&".join(rules)
    return {
        "id": user.id,
        "title": user.name,
        "username": user.name,
        "email": f"{user.name}@example.org",
        "home": user.home,
        "restricted": user.home,
        "allowSync": False,
        "filterAll": "",
        "filterMovies": rule,
        "filterTelevision": rule,
        "filterMusic": "",
        "filterPhotos": "",
        "Server": [],
    }


def share_row(server: PlexSimulator, user: SharedUser) -> Row:
    """Return the summary of what is shared with a person on a server."""
    return {
        "id": user.id + 1_000_000,
        "serverId": 7,
        "machineIdentifier": server.state.machine_identifier,
        "name": server.state.name,
        "numLibraries": len(user.sections),
        "allLibraries": user.sections >= set(server.state.libraries),
        "owned": True,
        "pending": False,
    }


def pin_row(pin: Pin) -> Row:
    """Return a PIN as the API shows it."""
    return {
        "id": pin.id,
        "code": pin.code,
        "product": pin.product,
        "trusted": False,
        "clientIdentifier": pin.client,
        "expiresIn": pin.left,
        "authToken": pin.token,
    }


def shared_server_row(server: PlexSimulator, user: SharedUser) -> Row:
    """Return what a server shares with a person, section by section, with their token."""
    return {
        "id": user.id + 1_000_000,
        "userID": user.id,
        "username": user.name,
        "accessToken": user.token,
        "name": server.state.name,
        "Section": [
            {
                "id": int(library.key) + 500,
                "key": library.key,
                "title": library.title,
                "type": library.type,
                "shared": library.key in user.sections,
            }
            for library in server.state.libraries.values()
        ],
    }
