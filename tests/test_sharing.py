"""Who can see what, as the action tells it: for everybody right, and without a word too many at plex.tv."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from homeassistant.config_entries import ConfigEntryState
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest

from simulators.http import Fault

from .ha_env import later, set_limits
from .sharing.brute import Meaning, carries, lacks, rated
from .sharing_env import KINDS, LATE_CHECK, SharingEnv, as_text, env, keys_of, row_of, thing_of

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from simulators.http import FaultKind

__all__ = ["env"]

EVERYTHING: Final[list[Meaning]] = [[]]


def forget_uuid(env: SharingEnv, name: str) -> None:
    """Let Pulsarr know somebody by name only, as old versions do."""
    env.ha_env.pulsarr.state.change_user(env.ha_env.person(name), plex_uuid=None)


async def test_everyone_is_counted_as_by_checking_every_item(env: SharingEnv) -> None:
    await env.set_up()
    env.tv.stats.reset()

    response = await env.check()

    assert env.tv.stats.total <= 5
    assert env.tv.stats.gets == env.tv.stats.total
    assert (response["status"], response["reason"], response["plex_pass"]) == ("ok", None, True)
    expected: dict[str, tuple[str, list[Meaning], set[str] | None]] = {
        "rosa": ("owner", EVERYTHING, None),
        "tim": ("restricted", [[[carries("tim")]]], None),
        "Jürgen": ("restricted", [[[lacks("kids")]]], None),
        "nina": ("invited", EVERYTHING, set()),
        "sam": ("everything", EVERYTHING, None),
        "marta": ("restricted", [[[rated("g", "pg")]]], {"1"}),
        "Leo": ("restricted", [[[carries("kids", "family")]]], None),
    }
    for name, (state, meaning, sections) in expected.items():
        row = row_of(response, name)
        assert row["state"] == state, name
        for key, kind in KINDS.items():
            assert row[key] == env.counted(kind, meaning, sections), (name, key)
    kinds = {row["account"]: row["kind"] for row in response["people"]}
    assert kinds == {
        "rosa": "owner",
        "tim": "friend",
        "Jürgen": "home",
        "nina": "friend",
        "sam": "friend",
        "marta": "friend",
        "Leo": "managed",
    }


async def test_wanted_titles_are_counted_by_title(env: SharingEnv) -> None:
    env.account("tim").restrict("label=Kids")
    await env.set_up()

    row = row_of(await env.check(), "tim")

    state = env.ha_env.plex.state
    visible, hidden = 0, []
    for title in env.ha_env.world.catalog:
        if title.key not in env.ha_env.wanted_by("tim"):
            continue
        if items := state.items_of(title, identified=True):
            seen = any("kids" in thing_of(one).labels for one in items)
            visible += seen
            hidden += [] if seen else [title.title]
    assert row["wishes"] == {"visible": visible, "hidden": len(hidden), "unknown": 0}
    assert sorted(row["hidden_wishes"]) == sorted(hidden)[:20]
    assert "wishes_hidden" in row["warnings"]


async def test_rule_that_cannot_be_decided_leaves_everything_unknown(env: SharingEnv) -> None:
    env.account("tim").restrict("genre=Horror", "label=tim&broken")
    await env.set_up()

    row = row_of(await env.check(), "tim")

    assert row["state"] == "not_understood"
    for key, kind in KINDS.items():
        assert row[key] == {"visible": 0, "hidden": 0, "unknown": len(env.items(kind))}
    assert "broken" in row["rules"]["shows"]


async def test_rules_are_reported_as_sentences_in_the_language_of_home_assistant(
    env: SharingEnv,
) -> None:
    env.account("tim").restrict("label=tim,family&label!=scary")
    await env.set_up()
    row = row_of(await env.check(), "tim")
    assert row["rules"]["movies"] == "only what carries tim or family, and never scary"
    await env.ha_env.hass.config.async_update(language="de")
    row = row_of(await env.check(), "tim")
    assert row["rules"]["movies"] == "nur was tim oder family trägt, und nie scary"


async def test_people_keep_their_account_when_they_are_renamed(env: SharingEnv) -> None:
    env.account("tim").username = env.account("tim").title = "Timothy"
    forget_uuid(env, "Jürgen")
    await env.set_up()

    response = await env.check()

    assert row_of(response, "Timothy")["person"] == "tim"
    assert row_of(response, "tim")["matched_by"] == "uuid"
    assert row_of(response, "Jürgen")["matched_by"] == "username"
    assert [one["account"] for one in response["accounts_without_person"]] == ["Leo"]


async def test_two_accounts_that_fit_and_none_are_reported_to_be_so(env: SharingEnv) -> None:
    forget_uuid(env, "sam")
    env.tv.sharing.add("Sam", username="SAM")
    env.account("tim").uuid = "0123456789abcdef"
    await env.set_up()

    response = await env.check()

    sam = next(one for one in response["people"] if one["person"] == "sam")
    assert (sam["state"], sam["matched_by"], len(sam["candidates"])) == (
        "no_account",
        "ambiguous",
        2,
    )
    tim = next(one for one in response["people"] if one["person"] == "tim")
    assert (tim["state"], tim["matched_by"]) == ("no_account", "none")
    assert keys_of(response, "sam")[:1] == ["no_account"]
    assert {"tim", "sam", "Sam", "Leo"} == {
        one["account"] for one in response["accounts_without_person"]
    }


async def test_owner_says_whose_account_it_is(env: SharingEnv) -> None:
    env.account("tim").uuid = "0123456789abcdef"
    env.account("tim").username = "somebody"
    number = env.account("tim").id
    await env.set_up(sharing_accounts=[f"tim={number}"])

    row = row_of(await env.check(), "tim")

    assert (row["matched_by"], row["account_id"]) == ("option", str(number))


async def test_some_people_may_be_asked_for(env: SharingEnv) -> None:
    await env.set_up()
    response = await env.check(people=["tim", "leo"])
    assert [one["account"] for one in response["people"]] == ["tim", "Leo"]
    with pytest.raises(ServiceValidationError):
        await env.check(people=["nobody"])


async def test_plex_tv_is_asked_once_in_ten_seconds_and_not_for_the_last_answer(
    env: SharingEnv,
) -> None:
    await env.set_up()
    first = await env.check()
    env.tv.stats.reset()

    assert await env.ha_env.call("check_sharing") == first
    assert await env.ha_env.call("check_sharing", refresh=False) == first
    assert env.tv.stats.total == 0


async def test_first_check_follows_the_first_sync_and_then_the_clock(
    env: SharingEnv, clock: TickingDateTimeFactory
) -> None:
    # A leap of the clock would end the wait for the answer as well.
    times = replace(LATE_CHECK, first_check=(60.0, 61.0), answer_timeout=1e6)
    set_limits(env.ha_env.hass, sharing=times)
    await env.set_up(sharing_interval=7200)
    assert env.ha_env.state("last_sharing_check") == "unknown"
    assert env.ha_env.state("sharing_warnings") == "unknown"
    assert env.tv.stats.total == 0

    await later(env.ha_env, clock, 62)
    assert env.ha_env.state("sharing_warnings") == "0"
    checked = dt_util.parse_datetime(env.ha_env.state("last_sharing_check"))
    assert checked is not None

    env.tv.stats.reset()
    await later(env.ha_env, clock, 7000)
    assert env.tv.stats.total == 0
    await later(env.ha_env, clock, 300)
    assert 0 < env.tv.stats.total <= 5


async def test_button_asks_plex_tv(env: SharingEnv) -> None:
    env.account("tim").restrict("label!=tim")
    await env.set_up()
    env.rested()
    await env.ha_env.hass.services.async_call(
        "button",
        "press",
        {"entity_id": env.ha_env.entity_id("check_sharing")},
        blocking=True,
    )
    await env.ha_env.settle()
    assert env.ha_env.state("sharing_warnings") == "1"


# What if


async def test_what_if_is_as_checking_every_item_and_asks_plex_tv_nothing(
    env: SharingEnv,
) -> None:
    await env.set_up()
    await env.check()
    env.tv.stats.reset()
    ask: dict[str, Any] = {"person": "tim", "allow": ["Family", "no such"], "exclude": ["Été"]}

    response = await env.ha_env.call("preview_sharing", **ask)
    rating = await env.ha_env.call("preview_sharing", person="tim", allow="tim", ratings="G")
    kept = await env.ha_env.call("preview_sharing", keep=True, **ask)

    assert env.tv.stats.total == 0
    now: list[Meaning] = [[[carries("tim")]]]
    then: list[Meaning] = [[[carries("family", "no such")], [lacks("été")]]]
    for key, kind in KINDS.items():
        assert _first(response[key]) == env.counted(kind, then), key
        assert _first(rating[key]) == env.counted(kind, [[[rated("g"), carries("tim")]]])
        assert _first(kept[key]) == env.counted(kind, [[*now[0], *then[0]]])
        before = env.counted(kind, now)
        changed = response[key]["newly_visible"] - response[key]["newly_hidden"]
        assert response[key]["visible"] - before["visible"] == changed
    assert response["labels_unknown"] == ["no such"]
    assert response["wishes_hidden_total"] >= len(response["wishes_hidden"]) > 0


def _first(row: dict[str, int]) -> dict[str, int]:
    return {key: row[key] for key in ("visible", "hidden", "unknown")}


async def test_what_if_needs_someone_and_an_answer(env: SharingEnv) -> None:
    env.account("tim").uuid = "0123456789abcdef"
    await env.set_up()
    for person, key in (("sam", "sharing_unknown"), ("tim", "no_plex_account")):
        with pytest.raises(HomeAssistantError) as raised:
            await env.ha_env.call("preview_sharing", person=person)
        assert raised.value.translation_key == key
        await env.check()
    with pytest.raises(ServiceValidationError):
        await env.ha_env.call("preview_sharing", person="nobody")


# When plex.tv fails

FAULTS: Final = {
    "refused": ("/api/v2/user", 401, {}, "refused"),
    "forbidden": ("/api/users", 403, {}, "refused"),
    "unprocessable": ("/api/v2/user", 422, {}, "refused"),
    "not the owner": ("/api/servers", 404, {}, "not_owner"),
    "limit": ("/api/users", 429, {}, "rate_limited"),
    "limit with seconds": ("/api/users", 429, {"Retry-After": "7"}, "rate_limited"),
    "error": ("/api/users", 500, {}, "cannot_connect"),
    "maintenance": ("/api/v2/user", 503, {}, "cannot_connect"),
    "gone": ("/api/", 410, {}, "gone"),
    "web page": ("/api/users", 200, {}, "not_understood"),
    "nobody": ("/api/users", 200, {}, "not_understood"),
}
BODIES: Final = {
    "web page": "<html><body>Sign in</body></html>",
    "nobody": '<MediaContainer size="0"/>',
}


@pytest.mark.parametrize("name", FAULTS)
async def test_failing_plex_tv_is_a_word_and_the_last_answer_stays(
    env: SharingEnv, name: str
) -> None:
    path, status, headers, reason = FAULTS[name]
    await env.set_up()
    good = await env.check()
    env.tv.stats.reset()
    env.tv.sharing.refuse(path, status, headers=headers, body=BODIES.get(name, ""))

    response = await env.check()

    assert (response["status"], response["reason"]) == ("not_available", reason)
    assert response["people"] == good["people"]
    assert response["checked"] == good["checked"]
    assert env.tv.stats.total <= 5
    asked = env.tv.stats.total
    done = await env.ha_env.call("sync_all")
    assert done["status"] == "done"
    assert not env.ha_env.hass.config_entries.flow.async_progress()
    if reason == "rate_limited":
        env.ha_env.entry.runtime_data.sharing._last_query = -1e9
        again = await env.ha_env.call("check_sharing")
        assert (again["reason"], env.tv.stats.total) == ("rate_limited", asked)
    assert (env.issue("sharing_sign_in") is not None) is (reason in {"refused", "not_owner"})

    env.tv.sharing.refusals.clear()
    assert (await env.check())["status"] == "ok"
    assert env.issue("sharing_sign_in") is None


@pytest.mark.parametrize("kind", ["drop", "slow_before_apply"])
async def test_plex_tv_that_cannot_be_reached_or_hangs_is_a_word(
    env: SharingEnv, kind: Any
) -> None:
    await env.set_up()
    good = await env.check()
    env.tv.faults.add(Fault(kind, seconds=3.0, times=None))
    if kind == "slow_before_apply":
        sharing = env.ha_env.entry.runtime_data.sharing
        sharing.times = replace(LATE_CHECK, answer_timeout=0.5)

    response = await env.check()

    assert response["reason"] == ("cannot_connect" if kind == "drop" else "timeout")
    assert response["people"] == good["people"]


async def test_empty_answer_is_believed_when_it_comes_again(env: SharingEnv) -> None:
    await env.set_up()
    await env.check()
    env.tv.sharing.accounts.clear()
    assert (await env.check())["reason"] == "not_understood"
    response = await env.check()
    assert response["status"] == "ok"
    assert {row["state"] for row in response["people"]} == {"owner", "no_account"}


async def test_old_answer_counts_for_a_week_and_over_a_restart(
    env: SharingEnv, clock: TickingDateTimeFactory
) -> None:
    await env.set_up()
    good = await env.check()
    await env.ha_env.hass.config_entries.async_reload(env.ha_env.entry.entry_id)
    await env.ha_env.settle()
    env.tv.sharing.refuse("/api/", 503)
    response = await env.ha_env.call("check_sharing", refresh=False)
    assert response["people"] == good["people"]
    assert (await env.check())["people"] == good["people"]
    await later(env.ha_env, clock, 7 * 86_400 + 60)
    response = await env.check()
    assert (response["people"], response["warnings"], response["checked"]) == (
        [],
        [],
        good["checked"],
    )
    assert env.ha_env.state("sharing_warnings") == "unknown"


async def test_plex_that_cannot_be_read_is_not_an_empty_one(env: SharingEnv) -> None:
    await env.set_up()
    good = await env.check()
    env.ha_env.plex.faults.add(Fault("busy", times=None))
    response = await env.check()
    assert (response["status"], response["reason"]) == ("not_available", "cannot_connect")
    assert response["people"] == good["people"]
    assert response["checked"] == good["checked"]  # plex.tv's later answer is not shown
    env.ha_env.plex.faults.clear()
    assert (await env.check())["status"] == "ok"


async def test_label_that_cannot_be_read_makes_its_rules_unknown(env: SharingEnv) -> None:
    await env.set_up()
    await env.check()
    env.ha_env.plex.faults.add(Fault("busy", route="/library/sections/{id}/label", times=None))
    response = await env.check()
    assert response["status"] == "partial"
    row = row_of(response, "tim")
    assert row["movies"]["unknown"] == len(env.items("movie"))
    assert row_of(response, "sam")["movies"]["visible"] == len(env.items("movie"))


@pytest.mark.parametrize("how", ["keyless_row", "null_row"])
async def test_label_whose_row_cannot_be_read_makes_no_other_label_unknown(
    env: SharingEnv, how: FaultKind
) -> None:
    await env.set_up()
    plex = env.ha_env.entry.runtime_data.servers.plex
    movies = (await plex.libraries())[0]
    lost, other, *_ = [one.text for one in await plex.labels(movies)]
    env.account("tim").restrict(f"label={quote(lost)}")
    env.account("sam").restrict(f"label={quote(other)}")
    route = "/library/sections/{id}/label"
    env.ha_env.plex.faults.add(Fault(how, route=route, match=f"/{movies.key}/label", times=None))

    response = await env.check()

    assert response["status"] == "partial"
    assert row_of(response, "tim")["movies"]["unknown"] == len(env.items("movie", {movies.key}))
    meaning: list[Meaning] = [[[carries(other.casefold())]]]
    assert row_of(response, "sam")["movies"] == env.counted("movie", meaning)


async def test_item_whose_row_cannot_be_read_is_unknown_where_its_rating_decides(
    env: SharingEnv,
) -> None:
    await env.set_up()
    good = await env.check()
    lost = env.items("movie", {"1"})[0]
    env.ha_env.plex.broken_items[lost.rating_key] = "wrong_types"

    response = await env.check()

    assert (good["status"], response["status"]) == ("ok", "partial")
    assert row_of(response, "marta")["movies"]["unknown"] == 1
    for name in ("rosa", "tim", "Jürgen", "sam", "Leo"):
        assert row_of(response, name)["movies"] == row_of(good, name)["movies"]


async def test_switched_off_it_asks_nothing_and_forgets(env: SharingEnv) -> None:
    await env.set_up()
    await env.check()
    assert env.ha_env.entry.runtime_data.sharing.checked
    env.ha_env.hass.config_entries.async_update_entry(
        env.ha_env.entry, options={**env.ha_env.entry.options, "check_sharing": False}
    )
    await env.ha_env.settle()
    env.tv.stats.reset()

    response = await env.ha_env.call("check_sharing")

    assert (response["status"], response["reason"], response["people"]) == (
        "not_available",
        "off",
        [],
    )
    assert env.tv.stats.total == 0
    with pytest.raises(ServiceValidationError):
        await env.ha_env.hass.services.async_call(
            "button",
            "press",
            {"entity_id": env.ha_env.entity_id("check_sharing")},
            blocking=True,
        )


async def test_installation_in_which_no_one_is_restricted_is_left_alone(env: SharingEnv) -> None:
    for account in env.tv.sharing.accounts.values():
        account.restrict("")
        account.state = "accepted"
    await env.set_up()

    response = await env.check()

    assert all(one["severity"] == "info" for one in response["warnings"])
    assert env.ha_env.state("sharing_warnings") == "0"
    assert env.issue("sharing") is None
    assert env.issue("sharing_open") is None


async def test_nothing_of_other_people_is_kept_or_reported(
    env: SharingEnv, hass_storage: dict[str, Any]
) -> None:
    await env.set_up()
    response = await env.check()
    await env.ha_env.call("explain", title="a")
    texts = as_text(response) + as_text(hass_storage)
    texts += as_text({one.entity_id: one.attributes for one in env.ha_env.hass.states.async_all()})
    assert not [secret for secret in env.tv.sharing.secrets if secret in texts]
    assert "@example" not in texts
    assert env.ha_env.entry.state is ConfigEntryState.LOADED
    kept = next(value for key, value in hass_storage.items() if key.endswith(".sharing"))
    assert {name for one in kept["data"]["accounts"] for name in one} == {
        "id", "kind", "title", "username", "uuid", "movies", "shows", "all", "preset", "access",
        "libraries", "is_missing",
    }  # fmt: skip


async def test_removed_entry_leaves_nothing_behind(
    env: SharingEnv, hass_storage: dict[str, Any]
) -> None:
    env.account("tim").restrict("label!=tim")
    await env.set_up()
    await env.check()
    assert env.issue("sharing") is not None
    await env.ha_env.hass.config_entries.async_remove(env.ha_env.entry.entry_id)
    await env.ha_env.hass.async_block_till_done()
    assert not [key for key in hass_storage if key.endswith(".sharing")]
    assert env.issue("sharing") is None
