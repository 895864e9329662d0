"""The stand-in for plex.tv: sign-in, servers, people; by hand and through python-plexapi."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from plexapi import myplex
from plexapi.exceptions import BadRequest, Unauthorized
import pytest
import requests
from requests.adapters import HTTPAdapter

from simulators.plex import Fault, PlexSimulator, PlexTv
from tests.simulators.plex_fixtures import TOKEN, Json, in_thread, plain_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MyPlexAccount: Any = myplex.MyPlexAccount  # plexapi has no types
MyPlexPinLogin: Any = myplex.MyPlexPinLogin
pytestmark = pytest.mark.usefixtures("socket_enabled")

CLIENT = {"X-Plex-Client-Identifier": "this-installation", "Accept": "application/json"}


@asynccontextmanager
async def plex_tv(servers: int = 1) -> AsyncIterator[PlexTv]:
    sims = [PlexSimulator(plain_state(), token=TOKEN, owner_name="rosa") for _ in range(servers)]
    for number, sim in enumerate(sims):
        sim.state.name = f"Server {number + 1}"
        sim.state.machine_identifier = f"{number + 1:040x}"
        await sim.start()
    try:
        async with PlexTv(sims) as tv:
            yield tv
    finally:
        for sim in sims:
            await sim.stop()


async def call(tv: PlexTv, method: str, path: str, **headers: str) -> tuple[int, Json]:
    sent = CLIENT | {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, tv.url + path, headers=sent) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def test_pin_is_filled_when_the_person_has_signed_in() -> None:
    async with plex_tv() as tv:
        status, pin = await call(tv, "POST", "/api/v2/pins?strong=true")
        assert (status, pin["authToken"]) == (201, None)
        assert len(pin["code"]) > 20
        assert 1790 < pin["expiresIn"] <= 1800
        path = f"/api/v2/pins/{pin['id']}"
        assert (await call(tv, "GET", path))[1]["authToken"] is None
        tv.sign_in(pin["code"])
        assert (await call(tv, "GET", path))[1]["authToken"] == TOKEN


async def test_weak_pin_is_four_characters() -> None:
    async with plex_tv() as tv:
        assert len((await call(tv, "POST", "/api/v2/pins"))[1]["code"]) == 4


async def test_pin_of_another_client_or_expired_or_unknown_is_404() -> None:
    async with plex_tv() as tv:
        _, pin = await call(tv, "POST", "/api/v2/pins?strong=true")
        path = f"/api/v2/pins/{pin['id']}"
        assert (await call(tv, "GET", path, X_Plex_Client_Identifier="somebody-else"))[0] == 404
        tv.expire(pin["code"])
        assert (await call(tv, "GET", path))[0] == 404
        assert (await call(tv, "GET", "/api/v2/pins/1"))[0] == 404
        with pytest.raises(KeyError):
            tv.sign_in(pin["code"])
        assert (await call(tv, "POST", "/api/v2/pins", X_Plex_Client_Identifier=""))[0] == 400


async def test_user_is_reported_to_a_valid_token_only() -> None:
    async with plex_tv() as tv:
        status, user = await call(tv, "GET", "/api/v2/user", X_Plex_Token=TOKEN)
        assert (status, user["username"]) == (200, "rosa")
        status, refusal = await call(tv, "GET", "/api/v2/user", X_Plex_Token="wrong")
        assert (status, refusal["errors"][0]["code"]) == (401, 1001)
        assert (await call(tv, "GET", "/api/v2/resources"))[0] == 401


async def test_resources_have_local_remote_relay_and_ipv6_connections() -> None:
    async with plex_tv(2) as tv:
        path = "/api/v2/resources?includeHttps=1&includeRelay=1&includeIPv6=1"
        _, devices = await call(tv, "GET", path, X_Plex_Token=TOKEN)
        servers = [device for device in devices if "server" in device["provides"].split(",")]
        assert [server["name"] for server in servers] == ["Server 1", "Server 2"]
        assert len(devices) == 3
        for server, sim in zip(servers, tv.servers, strict=True):
            assert server["clientIdentifier"] == sim.state.machine_identifier
            assert (server["owned"], server["accessToken"]) == (True, sim.token)
            kinds = {(c["local"], c["relay"], c["IPv6"]) for c in server["connections"]}
            assert kinds == {
                (True, False, False),
                (False, False, False),
                (False, True, False),
                (True, False, True),
            }
            assert sim.url in [c["uri"] for c in server["connections"]]
        _, fewer = await call(tv, "GET", "/api/v2/resources", X_Plex_Token=TOKEN)
        assert [c["uri"] for c in fewer[0]["connections"]] == [tv.servers[0].url]


async def test_shared_user_has_another_token_at_plex_tv_than_at_the_server() -> None:
    async with plex_tv() as tv:
        user = tv.servers[0].add_user("guest", sections=["1"])
        account = tv.account_token(user)
        assert account != user.token
        _, (server, *_) = await call(tv, "GET", "/api/v2/resources", X_Plex_Token=account)
        assert (server["owned"], server["accessToken"]) == (False, user.token)
        async with aiohttp.ClientSession() as session:
            for token, status in ((account, 401), (user.token, 200)):
                async with session.get(
                    f"{tv.servers[0].url}/", headers={"X-Plex-Token": token}
                ) as answer:
                    assert answer.status == status


async def test_too_many_requests_on_demand() -> None:
    async with plex_tv() as tv:
        tv.faults.add(Fault("throttled", route="/api/v2/user"))
        paths = ("/api/v2/resources", "/api/v2/user", "/api/v2/user")
        assert [await status_of(tv, path) for path in paths] == [200, 429, 200]


async def status_of(tv: PlexTv, path: str) -> int:
    headers = {"X-Plex-Token": TOKEN}
    async with (
        aiohttp.ClientSession() as session,
        session.get(tv.url + path, headers=headers) as answer,
    ):
        return answer.status


async def test_sign_in_page_posts_to_the_control_api() -> None:
    async with plex_tv() as tv, aiohttp.ClientSession() as session:
        async with session.get(f"{tv.url}/auth") as answer:
            assert "/_control/sign_in" in await answer.text()
        _, pin = await call(tv, "POST", "/api/v2/pins?strong=1")
        async with session.post(f"{tv.url}/_control/sign_in", json={"code": pin["code"]}) as answer:
            assert answer.status == 200
        async with session.post(f"{tv.url}/_control/sign_in", json={"code": "nonsense"}) as answer:
            assert answer.status == 404
        assert (await call(tv, "GET", f"/api/v2/pins/{pin['id']}"))[1]["authToken"] == TOKEN


class Detour(HTTPAdapter):
    """Sends what is meant for plex.tv to its stand-in."""

    def __init__(self, tv: PlexTv) -> None:
        super().__init__()
        self._url = tv.url

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        """Send to the stand-in."""
        assert request.url is not None
        request.url = request.url.replace("https://plex.tv", self._url)
        return super().send(request, *args, **options)


def session_to(tv: PlexTv) -> requests.Session:
    session = requests.Session()
    session.mount("https://plex.tv/", Detour(tv))
    return session


async def test_plexapi_signs_in_by_pin_and_connects_to_the_server() -> None:
    async with plex_tv() as tv:
        loop = asyncio.get_running_loop()

        def question() -> tuple[str, str, list[str]]:
            with session_to(tv) as session:
                login = MyPlexPinLogin(session=session, oauth=True)
                assert "code=" in login.oauthUrl("http://127.0.0.1/back")
                assert not login.checkLogin()
                loop.call_soon_threadsafe(tv.sign_in, login._code)
                while not login.checkLogin():
                    assert not login.expired
                account = MyPlexAccount(token=login.token, session=session)
                (resource,) = [found for found in account.resources() if "server" in found.provides]
                server = resource.connect(ssl=False, locations=["local"], timeout=5)
                return (
                    account.username,
                    server.machineIdentifier,
                    [section.title for section in server.library.sections()],
                )

        name, machine, sections = await in_thread(question)
        assert (name, machine) == ("rosa", tv.servers[0].state.machine_identifier)
        assert sections == ["Movies", "TV Shows"]


async def test_plexapi_sees_people_their_shares_and_their_rules() -> None:
    async with plex_tv() as tv:
        sim = tv.servers[0]
        friend = sim.add_user("friend", sections=["1", "2"], only_labels=["Friend"])
        child = sim.add_user("child", sections=["1"], never_labels=["Adult"], home=True)

        def question() -> Any:
            with session_to(tv) as session:
                account = MyPlexAccount(token=TOKEN, session=session)
                users = {user.title: user for user in account.users()}
                token = users["friend"].get_token(sim.state.machine_identifier)
                shares = {name: user.servers[0] for name, user in users.items()}
                return (
                    {name: (user.id, user.filterMovies, user.home) for name, user in users.items()},
                    {
                        name: (share.machineIdentifier, share.numLibraries)
                        for name, share in shares.items()
                    },
                    token,
                )

        people, shares, token = await in_thread(question)
        assert people == {
            "friend": (friend.id, "label=Friend", False),
            "child": (child.id, "label!=Adult", True),
        }
        assert shares == {
            "friend": (sim.state.machine_identifier, 2),
            "child": (sim.state.machine_identifier, 1),
        }
        assert token == friend.token


async def test_plexapi_is_refused_with_a_wrong_token_and_throttled_on_demand() -> None:
    async with plex_tv() as tv:

        def question(token: str) -> None:
            with session_to(tv) as session:
                MyPlexAccount(token=token, session=session)

        with pytest.raises(Unauthorized):
            await in_thread(lambda: question("wrong"))
        tv.faults.add(Fault("throttled"))
        with pytest.raises(BadRequest, match="429"):
            await in_thread(lambda: question(TOKEN))
