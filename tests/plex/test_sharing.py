"""What plex.tv says about sharing is read with few questions, and nothing else is ever sent there."""

from __future__ import annotations

import ast
import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from email.utils import formatdate
import inspect
from pathlib import Path
import re
import time
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, strategies as st
from plexapi.myplex import MyPlexPinLogin
import pytest

from custom_components.plex_label_sync.plex import account, shares, sharing
from custom_components.plex_label_sync.plex.sharing import ChangeRefusedError, PlexTvSharing
from custom_components.plex_label_sync.sharing.model import (
    Access,
    Account,
    Answer,
    Kind,
    Reason,
    SharingError,
)
from simulators.plex import Fault, PlexSimulator, PlexTv
from tests.plex_tv_fixtures import lead_to, protect
from tests.short_timeouts import TOO_LONG
from tests.simulators.plex_fixtures import plain_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.usefixtures("socket_enabled")

TOKEN: Final = "account-token-of-these-tests"
MACHINE: Final = "a" * 40
V1: Final = ("/api/users", "/api/home", "/api/servers")
V2: Final = ("/api/v2/home", "/api/v2/shared_servers")
READS: Final = 4


@pytest.fixture
async def tv(monkeypatch: pytest.MonkeyPatch, known_secrets: set[str]) -> AsyncIterator[PlexTv]:
    """A plex.tv that knows six people; nothing but questions may have arrived at the end."""
    async with _plex_tv() as tv:
        lead_to(monkeypatch, tv.url)
        protect(known_secrets, tv)
        yield tv
        assert tv.requested_changes == []


@asynccontextmanager
async def _plex_tv() -> AsyncIterator[PlexTv]:
    async with PlexSimulator(plain_state(), token=TOKEN, owner_name="max") as sim:
        sim.state.machine_identifier = MACHINE
        async with PlexTv([sim]) as tv:
            book = tv.sharing
            book.add("rosa", rule="label=rosa%2Cfamily&label!=scary")
            book.add("Tim", username="tim", sections=["1"], home=True)
            leo = book.add("Leo", managed=True)
            leo.set_preset("little_kid")
            book.add("nina", state="pending")
            book.add("Ben", state="none", rule="label=ben")
            book.add("Ida", state="elsewhere")
            yield tv


def reader(**fields: Any) -> PlexTvSharing:
    """Return what reads."""
    return PlexTvSharing(**({"token": TOKEN, "client_id": "tests", "machine_id": MACHINE} | fields))


async def read(one: PlexTvSharing | None = None) -> Answer:
    """Read beside the event loop on which plex.tv lives."""
    return await asyncio.to_thread((one or reader()).read)


async def failure(one: PlexTvSharing | None = None) -> SharingError:
    """Return why nothing could be read."""
    with pytest.raises(SharingError) as raised:
        await read(one)
    assert raised.value.__cause__ is None  # what plexapi says quotes answers
    return raised.value


def by_name(answer: Answer) -> dict[str, Account]:
    """Return accounts by what they are called."""
    return {account.name: account for account in answer.accounts}


@pytest.mark.parametrize("new", [False, True])
async def test_everyone_is_read_with_four_questions(tv: PlexTv, new: bool) -> None:
    answer = await read(reader(old_routes_gone=new))

    assert tv.stats.total == READS
    assert answer.complete
    assert answer.plex_pass
    assert (answer.owner.kind, answer.owner.username) == (Kind.OWNER, "max")
    found = by_name(answer)
    rosa = tv.sharing.find("rosa")
    assert found["rosa"] == Account(
        str(rosa.id),
        Kind.FRIEND,
        "rosa",
        "rosa",
        rosa.uuid,
        "label=rosa%2Cfamily&label!=scary",
        "label=rosa%2Cfamily&label!=scary",
        libraries=frozenset({"1", "2"}),
    )
    assert (found["Tim"].kind, found["Tim"].libraries) == (Kind.HOME, frozenset({"1"}))
    assert (found["Leo"].kind, found["Leo"].preset) == (Kind.MANAGED, "little_kid")
    assert found["Leo"].username == ""
    assert found["nina"].access is Access.INVITED
    assert set(found) == {"rosa", "Tim", "Leo", "nina"} | (set() if new else {"Ben", "Ida"})
    assert all(one.access is Access.NONE for name, one in found.items() if name in {"Ben", "Ida"})


async def test_nobodys_secrets_come_out_of_the_parser(tv: PlexTv) -> None:
    for new in (False, True):
        answer = await read(reader(old_routes_gone=new))
        text = repr(answer) + str(asdict(answer))
        assert not [secret for secret in tv.sharing.secrets if secret in text]
        assert TOKEN not in text
        assert "@" not in text


async def test_only_the_owners_token_is_used(tv: PlexTv) -> None:
    await read()
    tv.token = "another"
    assert (await failure()).reason is Reason.REFUSED


async def test_routes_that_go_are_found_to_be_gone_and_not_asked_again(tv: PlexTv) -> None:
    for path in V1:
        tv.sharing.refuse(path, 410)
    one = reader()
    answer = await read(one)
    assert tv.stats.total == 5
    assert set(by_name(answer)) >= {"rosa", "Tim", "Leo"}
    tv.stats.reset()
    answer = await read(one)
    assert (tv.stats.total, answer.complete) == (READS, True)


@pytest.mark.parametrize("path", V1)
async def test_any_route_may_go_first(tv: PlexTv, path: str) -> None:
    tv.sharing.refuse(path, 410)
    answer = await read()
    assert tv.stats.total <= 5
    found = by_name(answer)
    assert found["rosa"].libraries == frozenset({"1", "2"})
    assert found["Leo"].preset == "little_kid"


async def test_everything_that_is_gone_is_reported_to_be(tv: PlexTv) -> None:
    for path in (*V1, *V2):
        tv.sharing.refuse(path, 410)
    assert (await failure()).reason is Reason.GONE
    assert tv.stats.total <= 5


@asynccontextmanager
async def _elsewhere() -> AsyncIterator[tuple[str, list[str]]]:
    """Run another host; give its address, and what it was asked."""
    asked: list[str] = []

    async def take(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path_qs} {dict(request.headers)}")
        return web.Response(text="<MediaContainer size='0'/>", content_type="application/xml")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/"), asked


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", V1)
async def test_redirect_of_plex_tv_is_not_followed_with_the_token(
    tv: PlexTv, path: str, status: int
) -> None:
    async with _elsewhere() as (url, asked):
        tv.sharing.refuse(path, status, headers={"Location": f"{url}{path}"})
        with suppress(SharingError):
            assert not (await read()).complete
        assert asked == []


@pytest.mark.parametrize("status", [302, 307])
async def test_redirect_while_signing_in_is_not_followed_with_the_token(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    async with _elsewhere() as (url, asked):

        async def redirect(request: web.Request) -> web.Response:
            seen.append(request.path)
            return web.Response(status=status, headers={"Location": f"{url}{request.path}"})

        seen: list[str] = []
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", redirect)
        async with TestServer(app, host="127.0.0.1") as plex_tv:
            place = str(plex_tv.make_url("")).rstrip("/")
            lead_to(monkeypatch, place)
            monkeypatch.setattr(MyPlexPinLogin, "PINS", f"{place}/api/v2/pins")
            with pytest.raises(account.PlexTvError):
                await asyncio.to_thread(account.PlexTv("tests").begin, None)
        assert seen
        assert asked == []


@pytest.mark.parametrize(
    ("status", "path", "reason", "requests"),
    [
        (401, "/api/v2/user", Reason.REFUSED, 1),
        (403, "/api/v2/user", Reason.REFUSED, 1),
        (422, "/api/v2/user", Reason.REFUSED, 1),
        (401, "/api/users", Reason.REFUSED, 2),
        (403, "/api/servers", Reason.NOT_OWNER, 3),
        (404, "/api/servers", Reason.NOT_OWNER, 3),
        (429, "/api/users", Reason.RATE_LIMITED, 2),
        (429, "/api/home", Reason.RATE_LIMITED, 4),
        (500, "/api/users", Reason.CANNOT_CONNECT, 3),
        (503, "/api/v2/user", Reason.CANNOT_CONNECT, 2),
        (302, "/api/users", Reason.NOT_UNDERSTOOD, 3),
    ],
)
async def test_refusal_is_a_word(
    tv: PlexTv, status: int, path: str, reason: Reason, requests: int
) -> None:
    headers = {"Location": f"{tv.url}/api/v2/user"} if status == 302 else {}
    tv.sharing.refuse(path, status, headers=headers)
    assert (await failure()).reason is reason
    assert tv.stats.total == requests


@pytest.mark.parametrize(
    ("header", "seconds"),
    [({}, None), ({"Retry-After": "90"}, 90), ({"Retry-After": "soon"}, None)],
)
async def test_limit_on_requests_says_when_to_come_back(
    tv: PlexTv, header: dict[str, str], seconds: float | None
) -> None:
    tv.sharing.refuse("/api/users", 429, headers=header)
    assert (await failure()).retry_after == seconds


async def test_date_to_come_back_is_a_time_to_wait(tv: PlexTv) -> None:
    when = {"Retry-After": formatdate(time.time() + 120, usegmt=True)}
    tv.sharing.refuse("/api/users", 429, headers=when)
    seconds = (await failure()).retry_after
    assert seconds is not None
    assert 100 < seconds <= 120


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("<html><body><p>Please sign in.</p></body></html>", "/api/users"),
        ("<!doctype html><p>no", "/api/users"),
        ("", "/api/users"),
        ('<MediaContainer size="3"><User id="1"/></MediaContainer>', "/api/users"),
        ('<MediaContainer totalSize="3"><User id="1"/></MediaContainer>', "/api/users"),
        ("<MediaContainer><User title='no id'/></MediaContainer>", "/api/users"),
        ("<MediaContainer size='0'/>", "/api/users"),  # although some share the server
        ("<MediaContainer size='0'/>", "/api/servers"),  # although people are said to share it
        ("<user/>", "/api/v2/user"),
        ("", "/api/v2/user"),
        ("[]", "/api/v2/user"),
    ],
)
async def test_what_is_no_answer_is_not_understood(tv: PlexTv, body: str, path: str) -> None:
    tv.sharing.refuse(path, 200, body=body)
    assert (await failure()).reason is Reason.NOT_UNDERSTOOD
    assert tv.stats.total <= 5


@pytest.mark.parametrize("kind", ["truncated", "drop", "cut_body", "busy", "html"])
async def test_one_mishap_is_met_with_one_more_try(tv: PlexTv, kind: Any) -> None:
    tv.faults.add(Fault(kind, route="/api/users/"))
    answer = await read()
    assert "rosa" in by_name(answer)
    assert tv.stats.total <= 5


async def test_silence_ends_in_time(tv: PlexTv) -> None:
    tv.faults.add(Fault("slow_before_apply", route="/api/users/", seconds=TOO_LONG, times=None))
    assert (await failure(reader(request_timeout=0.2))).reason is Reason.TIMEOUT
    assert tv.stats.in_flight + tv.stats.total <= 3


def test_longest_silence_is_within_what_a_check_may_take() -> None:
    """One request may begin at the last moment."""
    assert sharing.REQUESTS_WITHIN + sharing.REQUEST_TIMEOUT <= 46
    assert sharing.REQUEST_TIMEOUT * sharing.REQUESTS_MAX <= 45


async def test_presets_that_cannot_be_read_are_unknown(tv: PlexTv) -> None:
    tv.sharing.refuse("/api/home", 500)
    answer = await read()
    found = by_name(answer)
    assert not answer.complete
    assert found["Leo"].preset is None
    assert found["rosa"].preset == ""  # who is in no Plex Home has none


ANY_JSON: Final[st.SearchStrategy[object]] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", "1", MACHINE]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    *("id", "key", "users", "invited", "libraries", "machineIdentifier"),
                    *("sharingSettings", "filterMovies", "numLibraries", "allLibraries"),
                )
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(st.lists(ANY_JSON, max_size=3) | ANY_JSON)
def test_rows_of_any_shape_are_accounts_or_not_understood(answer: object) -> None:
    for access in (Access.SHARED, Access.INVITED):
        with suppress(SharingError):
            listed = shares.shares_of(answer, MACHINE, access)
            assert all(one.id for one in listed.accounts)
    with suppress(SharingError):
        shares.presets_of(shares.home_rows(answer))


async def test_rules_that_are_nowhere_are_unknown_and_not_none(tv: PlexTv) -> None:
    tv.sharing.rules_in_users = False
    assert by_name(await read())["rosa"].movies == "label=rosa%2Cfamily&label!=scary"
    tv.sharing.rules_in_shares = False
    assert by_name(await read())["rosa"].movies is None


async def test_nothing_but_a_question_leaves_for_plex_tv(tv: PlexTv) -> None:
    with sharing._Visit(reader()) as visit:

        def write() -> None:
            visit.owner()
            visit._account.query(visit.users_url, method=visit._session.post)

        with pytest.raises(ChangeRefusedError):
            await asyncio.to_thread(write)
        for name in ("put", "delete", "patch", "options"):
            with pytest.raises(ChangeRefusedError):
                getattr(visit._session, name)(tv.url)


def test_no_name_of_plexapi_that_changes_anything_is_used() -> None:
    writes = {
        "updateFriend",
        "inviteFriend",
        "removeFriend",
        "createHomeUser",
        "createExistingUser",
        "removeHomeUser",
        "switchHomeUser",
        "setPin",
        "removePin",
        "acceptInvite",
        "cancelInvite",
        "optOut",
        "post",
        "put",
        "delete",
        "patch",
    }
    tree = ast.parse(inspect.getsource(sharing))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not writes & (used | names)


def test_no_one_else_knows_the_client_of_plex_tv() -> None:
    """Beside the sign-in, which is for one account and no other."""
    folder = Path(inspect.getfile(sharing)).parent.parent
    knowing = {
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"^\s*(?:from|import) plexapi", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert knowing == {"account.py", "sharing.py"}
