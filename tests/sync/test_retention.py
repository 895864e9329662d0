"""What becomes of a label of ours that nobody wants on its item any more."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.changes import Row
from custom_components.plex_label_sync.sync.model import Person, RemovedLabelMode, SyncSettings
from custom_components.plex_label_sync.sync.person_id import NO_ID, PersonId, pulsarr_id
from custom_components.plex_label_sync.sync.reasons import Reason, ReasonCode
from custom_components.plex_label_sync.sync.retention import Roster, removal_decision

from .builders import ANNA, BEN, CARL, item, ledger_rows, person_ids

NOW = 1_790_000_000.0  # 2026-09-21
DAY = 86_400.0
HEAT = item("11", "plex:" + "a" * 24)
ROW = Row("anna", "1", "11", 5, (pulsarr_id(1),), "plex:" + "a" * 24)
ROSTER = Roster(
    {pulsarr_id(1): ANNA, pulsarr_id(2): BEN, pulsarr_id(3): CARL},
    frozenset({pulsarr_id(1), pulsarr_id(2), pulsarr_id(3)}),
)
KEEP = SyncSettings()
REMOVE = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
WITHOUT_ANNA = replace(REMOVE, exclude_people=frozenset({ANNA.id}))
OFF = replace(ANNA, can_sync=False)

settings = st.builds(
    SyncSettings,
    removed_label_mode=st.sampled_from(RemovedLabelMode),
    removal_delay=st.sampled_from([0.0, 1.0, DAY]),
)
names = st.dictionaries(person_ids, st.sampled_from(["anna", "Opa"]))


def test_label_stays_where_labels_are_kept() -> None:
    choice = removal_decision(ROW, HEAT, {}, ROSTER, KEEP, now=NOW)
    assert (choice.row, choice.reason) == (ROW, None)


def test_label_goes_at_once_without_a_delay() -> None:
    choice = removal_decision(ROW, HEAT, {}, ROSTER, REMOVE, now=NOW)
    assert choice.reason == Reason(ReasonCode.NOT_WANTED, since=int(NOW))
    assert not choice.replaced


@pytest.mark.parametrize(
    ("seconds", "goes"), [(0.0, False), (2 * DAY - 1, False), (2 * DAY, True), (9 * DAY, True)]
)
def test_label_goes_when_the_delay_is_over(seconds: float, goes: bool) -> None:
    delayed = replace(REMOVE, removal_delay=2 * DAY)
    row = replace(ROW, unwanted_since=int(NOW))
    choice = removal_decision(row, HEAT, {}, ROSTER, delayed, now=NOW + seconds)
    reason = Reason(ReasonCode.NOT_WANTED, since=int(NOW))
    assert choice.reason == (reason if goes else None)
    assert choice.row == row


def test_delay_begins_when_no_one_is_first_seen_to_want_it() -> None:
    delayed = replace(REMOVE, removal_delay=DAY)
    choice = removal_decision(ROW, HEAT, {}, ROSTER, delayed, now=NOW + 0.7)
    assert (choice.row, choice.reason) == (replace(ROW, unwanted_since=int(NOW)), None)


def test_pinned_label_stays() -> None:
    row = replace(ROW, pinned=True, unwanted_since=1)
    assert removal_decision(row, HEAT, {}, ROSTER, REMOVE, now=NOW).reason is None


@pytest.mark.parametrize(
    ("roster", "code"),
    [
        (Roster({pulsarr_id(2): BEN}, frozenset({pulsarr_id(2)})), ReasonCode.PERSON_GONE),
        (Roster({pulsarr_id(1): OFF}, frozenset()), ReasonCode.SYNC_OFF),
    ],
)
def test_reason_reports_what_became_of_the_person(roster: Roster, code: ReasonCode) -> None:
    assert removal_decision(ROW, HEAT, {}, roster, REMOVE, now=NOW).reason == Reason(code)


@pytest.mark.parametrize("person", [ANNA, OFF])
@pytest.mark.parametrize("sync_disabled_people", [False, True])
def test_person_whom_an_option_excludes_is_excluded_whatever_pulsarr_says(
    person: Person, sync_disabled_people: bool
) -> None:
    roster = Roster({pulsarr_id(1): person}, frozenset())
    options = replace(WITHOUT_ANNA, sync_disabled_people=sync_disabled_people)
    choice = removal_decision(ROW, HEAT, {}, roster, options, now=NOW)
    assert (choice.reason, choice.chosen) == (Reason(ReasonCode.PERSON_EXCLUDED), True)


@pytest.mark.parametrize("people", [(), (pulsarr_id(1), pulsarr_id(2))])
def test_reason_names_no_one_where_it_may_be_several(people: tuple[PersonId, ...]) -> None:
    row = replace(ROW, people=people)
    choice = removal_decision(row, HEAT, {}, Roster({}, frozenset()), REMOVE, now=NOW)
    assert choice.reason == Reason(ReasonCode.NOT_WANTED, since=int(NOW))


@pytest.mark.parametrize("mode", RemovedLabelMode)
def test_old_name_goes_at_once_even_where_labels_are_kept(mode: RemovedLabelMode) -> None:
    options = SyncSettings(removed_label_mode=mode, removal_delay=DAY)
    row = replace(ROW, pinned=True)
    choice = removal_decision(row, HEAT, {pulsarr_id(1): "anne"}, ROSTER, options, now=NOW)
    assert (choice.reason, choice.replaced) == (Reason(ReasonCode.RENAMED_TO, label="anne"), True)
    choice = removal_decision(row, HEAT, {pulsarr_id(2): "ben"}, ROSTER, options, now=NOW)
    assert (choice.reason, choice.replaced) == (None, False)


@pytest.mark.parametrize("mode", RemovedLabelMode)
def test_label_of_another_title_goes_at_once(mode: RemovedLabelMode) -> None:
    options = SyncSettings(removed_label_mode=mode, removal_delay=DAY)
    ran = item("11", "plex:" + "b" * 24, "tmdb:949", title="Ran")
    row = replace(ROW, pinned=True)
    choice = removal_decision(row, ran, {}, ROSTER, options, now=NOW, rematched=True)
    assert choice.reason == Reason(ReasonCode.REMATCHED, title="Ran")
    assert not choice.replaced


def test_old_name_says_whose_new_name_takes_its_place() -> None:
    row = replace(ROW, people=(pulsarr_id(1), pulsarr_id(3)))
    assert removal_decision(
        row, HEAT, {pulsarr_id(3): "karl"}, ROSTER, REMOVE, now=NOW
    ).person == pulsarr_id(3)
    assert removal_decision(row, HEAT, {}, ROSTER, REMOVE, now=NOW).person == NO_ID


@pytest.mark.parametrize(
    ("options", "roster", "people", "chosen"),
    [
        (REMOVE, ROSTER, (pulsarr_id(1),), False),
        (WITHOUT_ANNA, ROSTER, (pulsarr_id(1),), True),
        (
            WITHOUT_ANNA,
            ROSTER,
            (pulsarr_id(1), pulsarr_id(2)),
            False,
        ),  # ben may have wanted it, too
        (REMOVE, Roster({pulsarr_id(1): OFF}, frozenset()), (pulsarr_id(1),), False),  # in Pulsarr
        (
            WITHOUT_ANNA,
            Roster({pulsarr_id(2): BEN}, frozenset({pulsarr_id(2)})),
            (pulsarr_id(1),),
            False,
        ),  # gone from Pulsarr
    ],
)
def test_only_what_an_option_excludes_goes_because_someone_chose_so(
    options: SyncSettings, roster: Roster, people: tuple[PersonId, ...], chosen: bool
) -> None:
    choice = removal_decision(replace(ROW, people=people), HEAT, {}, roster, options, now=NOW)
    assert choice.chosen is chosen


@given(
    row=ledger_rows,
    new_names=names,
    options=settings,
    known=st.dictionaries(person_ids, st.sampled_from([ANNA, BEN])),
    labelled=st.frozensets(person_ids),
)
def test_row_that_stays_changes_in_nothing_but_since_when_it_is_unwanted(
    row: Row,
    new_names: dict[PersonId, str],
    options: SyncSettings,
    known: dict[PersonId, Person],
    labelled: frozenset[PersonId],
) -> None:
    roster = Roster(known, labelled)
    choice = removal_decision(row, HEAT, new_names, roster, options, now=NOW)
    assert replace(choice.row, unwanted_since=row.unwanted_since) == row
    if choice.reason is None:
        assert choice.row.unwanted_since in {row.unwanted_since, int(NOW)}
        assert new_names.keys().isdisjoint(row.people)
        if options.removed_label_mode is not RemovedLabelMode.KEEP and not row.pinned:
            assert NOW - choice.row.unwanted_since < options.removal_delay
            # A restart of the delay would keep it for ever.
            assert row.unwanted_since in {0, choice.row.unwanted_since}
    else:
        assert choice.row.unwanted_since == row.unwanted_since


@given(ledger_rows, names, settings, st.floats(0, 2**33))
def test_label_that_went_would_have_gone_later_too(
    row: Row, new_names: dict[PersonId, str], options: SyncSettings, later: float
) -> None:
    early = removal_decision(row, HEAT, new_names, ROSTER, options, now=NOW)
    late = removal_decision(row, HEAT, new_names, ROSTER, options, now=NOW + later)
    assert early.reason is None or late.reason is not None
