"""Files in which people were numbers, as versions without sources wrote them: nothing is lost."""

from collections.abc import Callable, Iterator
import copy
import json
from pathlib import Path
from typing import Any, Final

from homeassistant.core import HomeAssistant
from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.const import CONF_CONFIRMED, DOMAIN
from custom_components.plex_label_sync.sharing_check.store import kept_as_dict, kept_from_dict
from custom_components.plex_label_sync.storage.earlier_ids import (
    confirmed_with_sources,
    journal_with_sources,
    ledger_with_sources,
    sharing_with_sources,
)
from custom_components.plex_label_sync.storage.files import MINOR_VERSIONS, NONSENSE, migrated
from custom_components.plex_label_sync.storage.former import async_former
from custom_components.plex_label_sync.storage.records import Records
from custom_components.plex_label_sync.sync.journal import Journal
from custom_components.plex_label_sync.sync.label_conflicts import Confirmed
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import GapKind
from custom_components.plex_label_sync.sync.person_id import (
    NO_ID,
    answered_id,
    id_order,
    is_person_id,
    named_id,
    own_id,
    public_id,
    pulsarr_id,
)
from custom_components.plex_label_sync.sync.reasons import PersonRef

from ..ha_env import HaEnv

# Recorded from the last version without sources
BEFORE: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "before_sources.json").read_text()
)
ROSA, ZOE, TIM = pulsarr_id(2), pulsarr_id(3), pulsarr_id(10)
ENTRY: Final = "one"


def before(name: str) -> Any:
    """Return a file's data of their own to each test."""
    return copy.deepcopy(BEFORE[name])


def stored(storage: dict[str, Any], name: str, minor_version: int, data: object) -> None:
    """Put a file in place."""
    storage[name] = {
        "version": 1,
        "minor_version": minor_version,
        "key": name,
        "data": json.loads(json.dumps(data)),
    }


async def records_of(hass: HomeAssistant, storage: dict[str, Any], **changed: Any) -> Records:
    """Return what is read from the recorded files."""
    for name, minor in (("queue", 1), ("ledger", 4), ("journal", 5)):
        data = {"pending": []} if name == "queue" else before(name)
        stored(storage, f"{DOMAIN}.{ENTRY}.{name}", minor, changed.get(name, data))
    records = Records(hass, ENTRY)
    await records.async_load()
    return records


async def test_everything_in_the_files_is_read(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    records = await records_of(hass, hass_storage)

    assert (records.damaged, dict(records.left_out)) == ([], {})
    assert [row.people for row in records.ledger] == [(ROSA,), (ROSA, TIM), (TIM,)]
    assert {one.id: one.username for one in records.ledger.people.values()} == {
        ROSA: "rosa",
        TIM: "tim",
        ZOE: "zoe",
    }
    assert records.ledger.former == {pulsarr_id(1): "c0ffee0000000002"}
    (entry,) = records.journal.entries
    assert [one.people for one in entry.changes] == [
        (PersonRef(ROSA, "rosa"), PersonRef(TIM, "tim")),
        (PersonRef(ZOE, "zoe"), PersonRef(NO_ID, "ann")),
    ]
    assert records.held is not None
    assert [[ref.id for ref in one.people] for one in records.held.groups] == [[ZOE, TIM], [ROSA]]
    assert records.summary.people is not None
    assert {one: some.wanted for one, some in records.summary.people.items()} == {ROSA: 12, TIM: 8}
    knowledge = records.knowledge
    assert (knowledge.lists.counts, [*knowledge.lists.doubted]) == ({ROSA: 12, TIM: 8}, [TIM])
    assert knowledge.gaps.keys() == {
        (GapKind.PERSON, TIM),
        (GapKind.PERSON, "row:user 4 of 4"),
        (GapKind.ITEM, "10"),
    }


def numbers_out(data: Any) -> Any:
    """Return data with people as numbers again."""
    match data:
        case dict():
            return {key: numbers_out(one) for key, one in data.items()}
        case list():
            return [numbers_out(one) for one in data]
        case "":
            return data
        case str() if is_person_id(data) and data.startswith("pulsarr:"):
            return int(data.removeprefix("pulsarr:"))
        case _:
            return data


async def test_nothing_but_the_ids_is_written_otherwise(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    records = await records_of(hass, hass_storage)
    await records.async_flush()

    ledger = json.loads(json.dumps(records.ledger.as_dict()))
    assert numbers_out(ledger) == before("ledger")
    journal = json.loads(json.dumps(records.journal.as_dict()))
    old = before("journal")
    assert journal["people"] == [
        ["pulsarr:2", "rosa"],
        ["pulsarr:10", "tim"],
        ["pulsarr:3", "zoe"],
        ["", "ann"],
    ]
    assert {name: journal[name] for name in ("libraries", "items", "edits", "runs")} == {
        name: old[name] for name in ("libraries", "items", "edits", "runs")
    }
    assert records.summary.as_dict()["people"] == [
        [f"pulsarr:{number}", figures] for number, figures in old["summary"]["people"]
    ]
    for name in ("ledger", "journal"):
        file = hass_storage[f"{DOMAIN}.{ENTRY}.{name}"]
        assert file["minor_version"] == MINOR_VERSIONS[name]


async def test_ledger_of_a_removed_entry_is_read(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    stored(hass_storage, f"{DOMAIN}.former", 1, before("former"))
    ledger = await async_former(hass).async_get("m1")
    assert ledger is not None
    assert [row.people for row in ledger] == [(ROSA,), (ROSA, TIM), (TIM,)]


def test_what_was_reported_to_someone_is_not_reported_again() -> None:
    kept = kept_from_dict(migrated("sharing", 1, before("sharing")))
    assert not kept.note_reported(ROSA, "plex:5d776825880197001ec90a3b")
    assert not kept.note_reported(TIM, "movie:13")
    assert kept.dismissed == {"steps|pulsarr:10", "no_rule|pulsarr:2"}
    assert kept_as_dict(kept)["told"] == [
        "pulsarr:2|plex:5d776825880197001ec90a3b",
        "pulsarr:10|movie:13",
    ]
    # Earlier versions cannot read the file without these.
    assert {"complete", "saw_nobody"} <= kept_as_dict(kept).keys()


def test_confirmed_names_stay_confirmed() -> None:
    confirmed = Confirmed.from_dict(confirmed_with_sources(before("confirmed")))
    assert confirmed is not None
    assert {key: one.username for key, one in confirmed.people.items()} == {
        "c0ffee0000000002": "rosa",
        "pulsarr:10": "tim",
    }
    assert confirmed.meant == {"shared": {"c0ffee0000000002", "pulsarr:10"}}
    assert confirmed.left == {"mark": {"pulsarr:10", "options"}}


def test_account_that_looks_like_a_number_stays_an_account() -> None:
    data = {"people": [[2, "0123456789", "rosa", None, None]], "meant": {"x": ["0123456789", "7"]}}
    assert confirmed_with_sources(data) == {
        "people": [["pulsarr:2", "0123456789", "rosa", None, None]],
        "meant": {"x": ["0123456789", "pulsarr:7"]},
    }


async def test_entry_of_an_earlier_version_knows_the_sources_then(ha_env: HaEnv) -> None:
    entry = ha_env.add_entry(live_mode=False)
    ha_env.hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_CONFIRMED: before("confirmed")}, minor_version=1
    )
    assert await ha_env.hass.config_entries.async_setup(entry.entry_id)
    await ha_env.settle()
    assert entry.minor_version == 2
    assert "pulsarr:10" in entry.data[CONF_CONFIRMED]["meant"]["shared"]


# Damaged


WRONG: Final[tuple[Any, ...]] = (None, "?", "", True, -1, 0.5, [], ["?"], {}, {"?": 1})


def places(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where every value is, lists and dictionaries included."""
    inner = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in inner:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


STEPS: Final[dict[str, Callable[[Any], Any]]] = {
    "ledger": ledger_with_sources,
    "journal": journal_with_sources,
    "sharing": sharing_with_sources,
    "confirmed": confirmed_with_sources,
}


@pytest.mark.parametrize("name", STEPS)
def test_no_wrong_value_stops_the_step(name: str) -> None:
    for path in places(before(name)):
        for value in WRONG:
            data = before(name)
            inner = data
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
            assert isinstance(STEPS[name](data), dict)


@pytest.mark.parametrize("wrong", [None, "?", -1, True, 0.5])
async def test_id_that_makes_no_sense_costs_its_part_and_is_reported(
    hass: HomeAssistant, hass_storage: dict[str, Any], wrong: object
) -> None:
    journal, ledger = before("journal"), before("ledger")
    journal["summary"]["people"][0][0] = wrong
    ledger["kinds"][1][1] = [wrong]
    records = await records_of(hass, hass_storage, journal=journal, ledger=ledger)
    assert records.damaged == []
    assert records.left_out == {"ledger": 2, "summary": 1}
    assert [row.label for row in records.ledger] == ["Rosa", "tim"]
    assert records.summary.people is not None
    assert [*records.summary.people] == [TIM]


@pytest.mark.parametrize("data", [None, [], "x", 3])
def test_whole_file_that_makes_no_sense_is_refused(data: Any) -> None:
    with pytest.raises(NONSENSE):
        Ledger.from_dict(migrated("ledger", 4, data))
    with pytest.raises(NONSENSE):
        Journal.from_dict(migrated("journal", 5, data))
    assert confirmed_with_sources(data) == data


# Ids


@given(st.integers(0, 2**53), st.integers(0, 2**53))
def test_id_is_what_people_see_and_enter_and_sorts_like_it(number: int, other: int) -> None:
    one = pulsarr_id(number)
    assert is_person_id(one)
    assert named_id(str(number)) == named_id(one) == one
    assert own_id(one) == public_id(one) == str(number)
    assert answered_id(one) == number
    assert (id_order(one) < id_order(pulsarr_id(other))) is (number < other)


@given(
    st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).filter(lambda name: name != "pulsarr"),
    st.from_regex(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,9}", fullmatch=True),
)
def test_id_of_another_source_meets_none_of_pulsarrs(source: str, own: str) -> None:
    one = named_id(f"{source}:{own}")
    assert one is not None
    assert own_id(one) == own
    assert public_id(one) == answered_id(one) == one
    assert named_id(public_id(one)) == one
    assert one != named_id(own)


@pytest.mark.parametrize(
    "text", ["", "?", ":", "pulsarr:", ":1", "Pulsarr:1", "pulsarr:-1", "-1", "a b:1"]
)
def test_other_texts_are_no_ids(text: str) -> None:
    assert named_id(text) is None
    assert not is_person_id(text)
