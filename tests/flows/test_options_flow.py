"""The options: what is shown, what is taken over, what is refused and why."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import aiohttp
from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.setup import async_setup_component
import pytest

from custom_components.plex_label_sync.flows import options_flow
from custom_components.plex_label_sync.sync.model import RemovedLabelMode, SyncSettings, fold
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from simulators.http import Fault
from simulators.pulsarr import arr

from ..flow_fixtures import (
    assert_form,
    choices_of,
    default_of,
    fields_of,
    in_sections,
    sections_of,
    selector_of,
)
from ..ha_env import WEBHOOK_ID, WEBHOOK_SECRET, set_limits
from ..short_timeouts import TOO_LONG
from ..texts import TEXTS, read_json

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigFlowResult
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from ..ha_env import HaEnv

SECTIONS = {
    "labels": ["label_format", "libraries", "exclude_people", "sync_disabled_people"],
    "live": ["live_mode", "pending_retry_interval", "pending_max_age"],
    "full_sync": ["batch_mode", "sync_interval"],
    "removal": ["removed_label_mode", "removed_label", "removal_delay"],
    "safety": [
        "max_removals",
        "preserve_existing_labels",
        "exclude_labels",
        "opt_out_label",
        "restore_overrides",
    ],
    "sharing": ["check_sharing", "sharing_interval", "sharing_accounts", "show_sharing"],
    "connection": ["base_url", "show_webhook", "renew_secret"],
}
ONCE = {"show_webhook", "show_sharing", "renew_secret"}  # asked for, not kept
FIELDS = [field for fields in SECTIONS.values() for field in fields if field not in ONCE]
DEFAULTS = {
    "live_mode": True,
    "batch_mode": True,
    "label_format": "{username}",
    "sync_interval": 3600,
    "pending_retry_interval": 30,
    "pending_max_age": 30,
    "exclude_labels": [],
    "preserve_existing_labels": True,
    "libraries": ["1", "2", "3"],
    "exclude_people": [],
    "sync_disabled_people": False,
    "removed_label_mode": "keep",
    "removed_label": "removed",
    "removal_delay": 0,
    "restore_overrides": False,
    "opt_out_label": "no-sync",
    "max_removals": 20,
    "base_url": "",
    "check_sharing": True,
    "sharing_interval": 86400,
    "sharing_accounts": [],
}
# Where all libraries are chosen, none is stored: later ones belong to it as well.
SAVED = {field: value for field, value in DEFAULTS.items() if field != "libraries"}
# What may be empty keeps what it is when it is not sent: nothing, where it was never changed.
SENT_BY_NAME = {field: value for field, value in SAVED.items() if field != "opt_out_label"}
NUMBERS = (
    "sync_interval",
    "pending_retry_interval",
    "pending_max_age",
    "removal_delay",
    "max_removals",
    "sharing_interval",
)


async def open_options(ha_env: HaEnv) -> ConfigFlowResult:
    """Open the form."""
    return await ha_env.hass.config_entries.options.async_init(ha_env.entry.entry_id)


async def submit(ha_env: HaEnv, shown: ConfigFlowResult, **fields: Any) -> ConfigFlowResult:
    """Send what was entered in the form."""
    return await ha_env.hass.config_entries.options.async_configure(shown["flow_id"], fields)


async def test_form_shows_the_defaults_of_a_new_entry_and_saves_them(ha_env: HaEnv) -> None:
    entry = ha_env.add_entry()
    ha_env.hass.config_entries.async_update_entry(entry, options={})

    shown = await open_options(ha_env)
    assert_form(shown, "init")
    assert sections_of(shown) == SECTIONS
    assert {field: default_of(shown, field) for field in FIELDS} == DEFAULTS
    shown = await submit(ha_env, shown, **in_sections(shown))

    assert shown["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == SAVED
    for name in NUMBERS:
        assert type(entry.options[name]) is int, name


async def test_changed_options_are_kept_cleaned_and_take_effect_at_once(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up()
    rosa, tim = ha_env.person("rosa"), ha_env.person("tim")

    shown = await submit(
        ha_env,
        await open_options(ha_env),
        live_mode=False,
        batch_mode=True,
        label_format=" wanted by {alias} ",
        sync_interval=90.0,
        pending_retry_interval=5,
        pending_max_age=60,
        exclude_labels=[" Kids ", "", "kids", "4K, HDR", "  "],
        preserve_existing_labels=False,
        libraries=["2"],
        exclude_people=[str(tim), f" {rosa}", str(tim)],
        sync_disabled_people=True,
        removed_label_mode="mark",
        removed_label=" nobody wants it ",
        removal_delay=2.0,
        restore_overrides=True,
        opt_out_label=" hands off",
        max_removals=35,
        base_url="https://home.example.org:8123/ ",
        check_sharing=False,
        sharing_interval=7200.0,
        sharing_accounts=[" sam = Leo", "", "sam = Leo"],
    )
    await ha_env.settle()

    assert shown["type"] is FlowResultType.CREATE_ENTRY
    assert ha_env.entry.options == {
        "live_mode": False,
        "batch_mode": True,
        "label_format": "wanted by {alias}",
        "sync_interval": 90,
        "pending_retry_interval": 5,
        "pending_max_age": 60,
        "exclude_labels": ["Kids", "4K, HDR"],
        "preserve_existing_labels": False,
        "libraries": ["2"],
        "exclude_people": [str(tim), str(rosa)],
        "sync_disabled_people": True,
        "removed_label_mode": "mark",
        "removed_label": "nobody wants it",
        "removal_delay": 2,
        "restore_overrides": True,
        "opt_out_label": "hands off",
        "max_removals": 35,
        "base_url": "https://home.example.org:8123",
        "check_sharing": False,
        "sharing_interval": 7200,
        "sharing_accounts": ["sam = Leo"],
    }
    assert ha_env.entry.state is ConfigEntryState.LOADED
    settings = ha_env.entry.runtime_data.context.settings
    assert settings.sync_interval == 90
    assert settings.sync == SyncSettings(
        label_format="wanted by {alias}",
        exclude_labels=frozenset({fold("Kids"), fold("4K, HDR")}),
        preserve_existing_labels=False,
        libraries=frozenset({"2"}),
        exclude_people=frozenset({pulsarr_id(rosa), pulsarr_id(tim)}),
        sync_disabled_people=True,
        removed_label_mode=RemovedLabelMode.MARK,
        removed_label="nobody wants it",
        removal_delay=2 * 24 * 3600,
        restore_overrides=True,
        opt_out_label="hands off",
        max_removals=0.35,
    )
    assert ha_env.plex.state.carriers("wanted by Marta") != []
    reopened = await open_options(ha_env)
    assert {f: default_of(reopened, f) for f in FIELDS} == ha_env.entry.options


async def test_options_that_are_not_in_the_form_stay(ha_env: HaEnv) -> None:
    entry = ha_env.add_entry(of_a_newer_version=3)

    await submit(ha_env, await open_options(ha_env), sync_interval=120)

    assert entry.options["of_a_newer_version"] == 3
    assert entry.options["sync_interval"] == 120


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("label_format", "", "invalid_label_format"),
        ("label_format", "{nobody}", "invalid_label_format"),
        ("label_format", "{username} & {alias}", "invalid_label_format"),
        ("sync_interval", 90.5, "not_a_whole_number"),
        ("pending_retry_interval", "nan", "not_a_whole_number"),
        ("pending_max_age", 1.25, "not_a_whole_number"),
        ("removal_delay", 0.5, "not_a_whole_number"),
        ("max_removals", 99.9, "not_a_whole_number"),
        ("removed_label", "", "invalid_label"),
        ("removed_label", "  ", "invalid_label"),
        ("removed_label", "gone, really", "invalid_label"),
        ("removed_label", "x" * 61, "invalid_label"),
        ("opt_out_label", "hands & feet off", "invalid_label"),
        ("opt_out_label", "hands\noff", "invalid_label"),
        ("libraries", [], "no_libraries"),
        ("exclude_people", ["7", "rosa"], "invalid_person"),
        ("exclude_people", ["1.5"], "invalid_person"),
        ("exclude_people", [""], "invalid_person"),
        ("sharing_interval", 3600.5, "not_a_whole_number"),
        ("sharing_accounts", ["sam"], "invalid_sharing_account"),
        ("sharing_accounts", ["sam=Leo", "=Leo"], "invalid_sharing_account"),
        ("base_url", "home.example.org", "invalid_url"),
        ("base_url", "ftp://home.example.org", "invalid_url"),
        ("base_url", "http://", "invalid_url"),
        ("base_url", "http://two words", "invalid_url"),
        ("base_url", "http://home.example.org:port", "invalid_url"),
    ],
)
async def test_unusable_value_is_refused_beside_its_field_and_can_be_put_right(
    ha_env: HaEnv, field: str, value: object, error: str
) -> None:
    entry = ha_env.add_entry()
    before = dict(entry.options)

    shown = await submit(ha_env, await open_options(ha_env), **{"live_mode": False, field: value})

    assert_form(shown, "init", **{field: error})
    assert entry.options == before
    assert default_of(shown, "live_mode") is False
    shown = await submit(ha_env, shown, **{field: DEFAULTS[field]})
    assert shown["type"] is FlowResultType.CREATE_ENTRY
    base_url = {"base_url": before["base_url"]}
    fixed = {field: DEFAULTS[field]} if field in SAVED else {}
    assert entry.options == SENT_BY_NAME | base_url | {"live_mode": False, **fixed}


async def test_all_unusable_values_are_reported_together(ha_env: HaEnv) -> None:
    ha_env.add_entry()

    shown = await submit(
        ha_env, await open_options(ha_env), label_format="x", base_url="x", libraries=[]
    )

    assert_form(
        shown,
        "init",
        label_format="invalid_label_format",
        base_url="invalid_url",
        libraries="no_libraries",
    )


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("sync_interval", 59, "out_of_range"),
        ("sync_interval", 604801, "out_of_range"),
        ("sync_interval", "often", "invalid_value"),
        ("pending_retry_interval", 0, "out_of_range"),
        ("pending_retry_interval", 3601, "out_of_range"),
        ("pending_max_age", 0, "out_of_range"),
        ("pending_max_age", 10081, "out_of_range"),
        ("removal_delay", -1, "out_of_range"),
        ("removal_delay", 366, "out_of_range"),
        ("max_removals", 0, "out_of_range"),
        ("max_removals", 101, "out_of_range"),
        ("removed_label_mode", "destroy", "invalid_value"),
        ("exclude_labels", "Kids", "invalid_value"),
        ("libraries", ["77"], "invalid_value"),
        ("exclude_people", [7], "invalid_value"),
        ("exclude_people", 7, "invalid_value"),
    ],
)
async def test_value_outside_of_what_a_field_offers_is_refused_at_the_field(
    ha_env: HaEnv, field: str, value: object, error: str
) -> None:
    entry = ha_env.add_entry()
    before = dict(entry.options)

    shown = await submit(ha_env, await open_options(ha_env), **{field: value})

    assert_form(shown, "init", **{field: error})
    assert entry.options == before
    again = before.get(field, DEFAULTS[field])
    assert default_of(shown, field) == (value if error == "out_of_range" else again)
    # What is refused once does not stay in the form.
    shown = await submit(ha_env, shown, **{field: again})
    assert shown["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("fields", [{"no_such_option": True}, {"labels": "rosa"}])
async def test_option_that_does_not_exist_is_refused(ha_env: HaEnv, fields: dict[str, Any]) -> None:
    entry = ha_env.add_entry()
    before = dict(entry.options)
    shown = await open_options(ha_env)

    with pytest.raises(InvalidData):
        await submit(ha_env, shown, **fields)

    assert entry.options == before


async def test_bounds_of_the_numbers_are_shown(ha_env: HaEnv) -> None:
    ha_env.add_entry()

    shown = await open_options(ha_env)

    bounds = {
        field: tuple(
            selector_of(shown, field).config[k] for k in ("min", "max", "unit_of_measurement")
        )
        for field in NUMBERS
    }
    assert bounds == {
        "sync_interval": (60, 604800, "s"),
        "pending_retry_interval": (1, 3600, "s"),
        "pending_max_age": (1, 10080, "min"),
        "removal_delay": (0, 365, "d"),
        "max_removals": (1, 100, "%"),
        "sharing_interval": (3600, 2592000, "s"),
    }


async def test_libraries_and_people_are_shown_under_their_names(ha_env: HaEnv) -> None:
    ha_env.add_entry()
    ha_env.pulsarr.state.change_user(ha_env.person("Jürgen"), display_name="Opa")
    ha_env.pulsarr.state.change_user(ha_env.person("nina"), display_name=None, alias=None)

    shown = await open_options(ha_env)

    assert choices_of(shown, "libraries") == {"1": "Movies", "2": "TV Shows", "3": "Movies 4K"}
    people = choices_of(shown, "exclude_people")
    assert people[str(ha_env.person("rosa"))] == "rosa"
    assert people[str(ha_env.person("Jürgen"))] == "Jürgen (Opa)"
    assert people[str(ha_env.person("nina"))] == "nina"
    assert len(people) == len(ha_env.pulsarr.state.users())


async def test_library_and_person_that_are_gone_can_be_kept_or_dropped(
    ha_env: HaEnv,
) -> None:
    entry = ha_env.add_entry(libraries=["8", "1"], exclude_people=["4711"])

    shown = await open_options(ha_env)
    assert choices_of(shown, "libraries")["8"] == "8"
    assert choices_of(shown, "exclude_people")["4711"] == "4711"
    await submit(ha_env, shown)
    assert entry.options["libraries"] == ["8", "1"]
    assert entry.options["exclude_people"] == ["4711"]
    await submit(ha_env, await open_options(ha_env), libraries=["1"], exclude_people=[])
    assert entry.options["libraries"] == ["1"]
    assert entry.options["exclude_people"] == []


async def test_choice_of_all_libraries_means_later_ones_as_well(ha_env: HaEnv) -> None:
    entry = ha_env.add_entry(libraries=["1"])
    await submit(ha_env, await open_options(ha_env), libraries=["1", "2"])
    assert entry.options["libraries"] == ["1", "2"]

    await submit(ha_env, await open_options(ha_env), libraries=["3", "1", "2"])
    assert "libraries" not in entry.options
    shown = await open_options(ha_env)
    assert default_of(shown, "libraries") == ["1", "2", "3"]
    await submit(ha_env, shown, libraries=["2"])
    assert entry.options["libraries"] == ["2"]


async def test_choice_is_kept_as_it_is_while_no_one_knows_which_libraries_there_are(
    ha_env: HaEnv,
) -> None:
    entry = ha_env.add_entry(libraries=["1", "2"])
    ha_env.plex.faults.add(Fault(kind="html", times=None))

    await submit(ha_env, await open_options(ha_env))

    assert entry.options["libraries"] == ["1", "2"]


@pytest.mark.parametrize("kind", ["drop", "slow_before_apply", "html", "unauthorized"])
async def test_form_opens_and_saves_while_both_servers_are_away(ha_env: HaEnv, kind: Any) -> None:
    set_limits(ha_env.hass, names_timeout=0.2)
    entry = ha_env.add_entry(exclude_people=["3"])
    for server in (ha_env.plex, ha_env.pulsarr):
        seconds = TOO_LONG if kind == "slow_before_apply" else 0.0
        server.faults.add(Fault(kind=kind, seconds=seconds, times=None))

    shown = await open_options(ha_env)
    assert choices_of(shown, "libraries") == {"1": "1", "2": "2", "3": "3"}
    assert choices_of(shown, "exclude_people") == {"3": "3"}
    shown = await submit(ha_env, shown, libraries=["2"], exclude_people=["3", "12"])

    assert shown["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["libraries"] == ["2"]
    assert entry.options["exclude_people"] == ["3", "12"]


async def test_libraries_are_left_out_of_the_form_when_nothing_is_known_of_them(
    ha_env: HaEnv,
) -> None:
    entry = ha_env.add_entry()
    ha_env.hass.config_entries.async_update_entry(entry, options={})
    ha_env.plex.faults.add(Fault(kind="html", times=None))

    shown = await open_options(ha_env)
    assert "libraries" not in fields_of(shown)
    await submit(ha_env, shown)

    assert "libraries" not in entry.options
    assert entry.options["label_format"] == "{username}"


async def test_emptied_address_is_guessed_again(ha_env: HaEnv) -> None:
    entry = ha_env.add_entry()
    assert entry.options["base_url"] != ""

    shown = await open_options(ha_env)
    assert default_of(shown, "base_url") == entry.options["base_url"]
    await submit(ha_env, shown, **in_sections(shown, base_url=""))

    assert entry.options["base_url"] == ""


async def test_option_that_is_sent_without_its_section_changes_nothing_else(
    ha_env: HaEnv,
) -> None:
    entry = ha_env.add_entry(sync_interval=120, exclude_people=["3"])
    base_url = entry.options["base_url"]

    await submit(ha_env, await open_options(ha_env), live_mode=False)

    assert entry.options == {
        **SENT_BY_NAME,
        "live_mode": False,
        "sync_interval": 120,
        "exclude_people": ["3"],
        "base_url": base_url,
    }


async def test_sections_save_what_the_options_by_name_save(ha_env: HaEnv) -> None:
    entry = ha_env.add_entry()
    shown = await open_options(ha_env)
    changes = {"live_mode": False, "label_format": " {alias}", "removal_delay": 3.0}

    sent = in_sections(shown, **changes)
    assert set(sent) == set(SECTIONS)
    shown = await submit(ha_env, shown, **sent)

    assert shown["type"] is FlowResultType.CREATE_ENTRY
    cleaned = {"live_mode": False, "label_format": "{alias}", "removal_delay": 3}
    assert entry.options == SAVED | cleaned | {"base_url": ha_env.base_url}


async def test_sections_and_options_by_name_may_be_mixed_and_sections_left_out(
    ha_env: HaEnv,
) -> None:
    entry = ha_env.add_entry()
    base_url = entry.options["base_url"]

    await submit(
        ha_env, await open_options(ha_env), full_sync={"sync_interval": 90}, live_mode=False
    )

    assert entry.options["sync_interval"] == 90
    assert entry.options["live_mode"] is False
    assert entry.options["batch_mode"] is True
    assert entry.options["base_url"] == base_url


async def test_mistake_in_a_section_is_reported_at_the_section_too_which_opens(
    ha_env: HaEnv,
) -> None:
    ha_env.add_entry()
    shown = await open_options(ha_env)
    assert open_sections(shown) == {"labels"}
    sent = in_sections(shown, opt_out_label="a, b", pending_max_age=0)

    shown = await submit(ha_env, shown, **sent)

    assert_form(
        shown,
        "init",
        opt_out_label="invalid_label",
        safety="invalid_label",
        pending_max_age="out_of_range",
        live="out_of_range",
    )
    assert open_sections(shown) == {"labels", "safety", "live"}
    sent = in_sections(shown, opt_out_label="x", pending_max_age=1)
    assert (await submit(ha_env, shown, **sent))["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("pending_retry_interval", 0, "must be between 1 second and 1 hour."),
        ("sync_interval", 1, "must be between 1 minute and 7 days."),
        ("pending_max_age", 0, "must be between 1 minute and 7 days."),
        ("removal_delay", 366, "must be between 0 days and 365 days."),
        ("max_removals", 0, "must be between 1% and 100%."),
        ("sharing_interval", 60, "must be between 1 hour and 30 days."),
    ],
)
async def test_number_out_of_range_is_reported_with_its_field_and_the_range(
    ha_env: HaEnv, field: str, value: int, sentence: str
) -> None:
    ha_env.add_entry()
    shown = await open_options(ha_env)
    (name,) = [
        part["data"][field]
        for part in TEXTS["options"]["step"]["init"]["sections"].values()
        if field in part["data"]
    ]

    shown = await submit(ha_env, shown, **in_sections(shown, **{field: value}))

    assert shown["description_placeholders"] is not None
    assert shown["description_placeholders"]["ranges"] == f"{name} {sentence}"
    assert TEXTS["options"]["error"]["out_of_range"] == "{ranges}"


async def test_all_fields_with_an_error_are_named(ha_env: HaEnv) -> None:
    await ha_env.hass.config.async_update(language="de")
    ha_env.add_entry()
    shown = await open_options(ha_env)
    sent = in_sections(
        shown, sync_interval=1, max_removals=200, removal_delay=1.5, opt_out_label="a,b"
    )

    shown = await submit(ha_env, shown, **sent)

    sections = read_json("translations/de.json")["options"]["step"]["init"]["sections"]
    placeholders = shown["description_placeholders"]
    assert placeholders is not None
    assert placeholders["ranges"] == (
        f"{sections['full_sync']['data']['sync_interval']}: mindestens 1 Minute, höchstens 7 Tage. "
        f"{sections['safety']['data']['max_removals']}: mindestens 1\u00a0%, höchstens 100\u00a0%."
    )
    assert placeholders["number_fields"] == f"„{sections['removal']['data']['removal_delay']}“"
    assert placeholders["label_fields"] == f"„{sections['safety']['data']['opt_out_label']}“"


async def test_label_that_leaves_a_title_alone_can_be_given_up(ha_env: HaEnv) -> None:
    wanted = next(
        title
        for title in ha_env.world.catalog
        if title.key in ha_env.wanted_by("rosa") and ha_env.plex.state.items_of(title)
    )
    for item in ha_env.plex.state.items_of(wanted):
        ha_env.plex.state.add_label(item.rating_key, "no-sync")
    await ha_env.set_up(live_mode=False)
    assert all("rosa" not in labels for labels in ha_env.labels(wanted))
    shown = await open_options(ha_env)
    sent = in_sections(shown, opt_out_label="")
    assert "opt_out_label" not in sent["safety"], "as the web interface sends it"

    await submit(ha_env, shown, **sent)
    await ha_env.settle()

    assert ha_env.entry.options["opt_out_label"] == ""
    assert all("rosa" in labels for labels in ha_env.labels(wanted))
    shown = await open_options(ha_env)
    assert default_of(shown, "opt_out_label") == ""
    await submit(ha_env, shown, sync_interval=120)
    assert ha_env.entry.options["opt_out_label"] == "", "what is not sent stays"


def open_sections(shown: ConfigFlowResult) -> set[str]:
    """Return the sections that need not be opened by hand."""
    schema: Any = shown["data_schema"]
    return {str(name) for name, part in schema.schema.items() if not part.options["collapsed"]}


async def test_form_reaches_the_web_interface_in_sections_and_takes_both_ways_from_there(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    assert await async_setup_component(ha_env.hass, "config", {})
    entry = ha_env.add_entry()
    browser = await hass_client()
    flows = "/api/config/config_entries/options/flow"
    for sent in ({"sync_interval": 90}, {"full_sync": {"sync_interval": 91}}):
        answer = await browser.post(flows, json={"handler": entry.entry_id})
        shown = await answer.json()
        described = {part["name"]: part for part in shown["data_schema"]}
        assert {
            name: [field["name"] for field in part["schema"]] for name, part in described.items()
        } == SECTIONS
        assert {part["type"] for part in described.values()} == {"expandable"}
        saved = await (await browser.post(f"{flows}/{shown['flow_id']}", json=sent)).json()
        assert saved["type"] == "create_entry"
        assert entry.options["sync_interval"] in (90, 91)
    assert entry.options["sync_interval"] == 91


async def test_webhook_is_shown_on_request_works_for_arr_apps_and_changes_nothing(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up()
    before = dict(ha_env.entry.options)
    shown = await open_options(ha_env)
    assert WEBHOOK_SECRET not in str(shown)
    shown = await submit(ha_env, shown, show_webhook=True, base_url=ha_env.base_url)

    assert_form(shown, "webhook")
    described = shown["description_placeholders"]
    assert described is not None
    assert described["address"].startswith(ha_env.base_url)
    title = next(
        title
        for title in ha_env.world.catalog
        if title.key in ha_env.wanted_by("rosa") and not ha_env.plex.state.items_of(title)
    )
    body = (arr.sonarr_download if title.type == "show" else arr.radarr_download)(title)
    password = b64encode(f"sonarr:{described['secret']}".encode()).decode()
    async with aiohttp.ClientSession(headers={"Authorization": f"Basic {password}"}) as session:
        for payload in (arr.sonarr_test(), body):
            async with session.post(described["address"], json=payload) as answer:
                assert answer.status == 200
    await ha_env.settle()
    (waiting,) = (await ha_env.call("get_pending"))["pending"]
    assert waiting["title"] == title.title
    shown = await submit(ha_env, shown)
    await ha_env.settle()
    assert shown["type"] is FlowResultType.CREATE_ENTRY
    assert "show_webhook" not in ha_env.entry.options
    del before["libraries"]  # all of them, which is what nothing means
    assert dict(ha_env.entry.options).items() >= before.items()


async def test_webhook_without_any_address_of_home_assistant_is_shown_as_a_path(
    ha_env: HaEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    ha_env.add_entry()
    monkeypatch.setattr(options_flow, "addresses", lambda *_: ())

    shown = await submit(ha_env, await open_options(ha_env), show_webhook=True)

    assert_form(shown, "webhook")
    assert shown["description_placeholders"] == {
        "address": f"/api/webhook/{WEBHOOK_ID}",
        "secret": WEBHOOK_SECRET,
    }
