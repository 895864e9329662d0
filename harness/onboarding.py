"""Creates the owner of a new Home Assistant, and signs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.client import AnswerError, HomeAssistantClient

if TYPE_CHECKING:
    import aiohttp

    from harness.home_assistant import HomeAssistant


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner's name and credentials."""

    name: str
    username: str
    password: str = field(repr=False)


async def onboard(
    session: aiohttp.ClientSession, home: HomeAssistant, owner: Owner
) -> HomeAssistantClient:
    """Create the owner, wait until everything is set up, and return the owner's client.

    Its token is valid for years. Raises AnswerError, NotStartedError.
    """
    client_id = f"{home.url}/"
    created = await _post(
        session,
        f"{home.url}/api/onboarding/users",
        json={
            "name": owner.name,
            "username": owner.username,
            "password": owner.password,
            "client_id": client_id,
            "language": "en",
        },
    )
    tokens = await _post(
        session,
        f"{home.url}/auth/token",
        data={
            "grant_type": "authorization_code",
            "code": created["auth_code"],
            "client_id": client_id,
        },
    )
    first = HomeAssistantClient(session, home.url, tokens["access_token"])
    await home.until_running(session, first.token)
    lasting = await first.command(
        "auth/long_lived_access_token", client_name="harness", lifespan=3650
    )
    await first.close()
    return HomeAssistantClient(session, home.url, lasting)


async def _post(session: aiohttp.ClientSession, url: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401
    async with session.post(url, **body) as answer:
        if not answer.ok:
            raise AnswerError("onboarding", answer.status, await answer.text())
        content: dict[str, Any] = await answer.json()
        return content
