"""Every guard of the laws that protect labels, and how to take it out: `scripts/mutate` does, one at a time.

Each takes an exact piece of the code away; at least one of the tests named with it has to fail then.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
INTEGRATION: Final = "custom_components/plex_label_sync"

LAWS: Final = {
    1: "no write without a fresh, complete, successful read",
    2: "only what the ledger holds is ever taken off",
    3: "edits are deltas",
    4: "an edit names its items",
    5: "written means read back",
    6: "the journal is written before Plex is",
    11: "nothing at plex.tv is changed; what is not understood is unknown",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """A piece of code that keeps a law, what it becomes without the guard, and tests that notice.

    `file` lies in the integration; `tests` are files or `file::test`, seen from `tests/`.
    """

    law: int
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def path(self) -> str:
        """The file, seen from the root of the checkout."""
        return f"{INTEGRATION}/{self.file}"

    def without(self, text: str) -> str:
        """Return the file's text without the guard. Raises ValueError when it is not there once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.path} holds this {text.count(self.old)} times: {self.old}")
        return text.replace(self.old, self.new)


_FAULTS: Final = "sync/test_engine_faults.py"
_ENGINE: Final = "sync/test_engine.py"
_PLANNER: Final = "sync/test_planner.py"

READS: Final = (
    Guard(
        1,
        "a cheap look leads to nothing but doing nothing",
        "sync/preparing.py",
        "return prepared if prepared.plan.is_idle else None",
        "return prepared",
        ("sync/test_recheck.py",),
    ),
    Guard(
        1,
        "a cheap look counts only while everybody wants what they wanted",
        "sync/preparing.py",
        "glance.listing and glance.listing.wishes == wishes",
        "glance.listing",
        ("sync/test_recheck.py",),
    ),
    Guard(
        1,
        "an answer is understood anew when it is another one",
        "transport.py",
        "if last is None or last[0] != digest:",
        "if last is None:",
        ("pulsarr/test_reading.py",),
    ),
    Guard(
        1,
        "a token that may not edit may not see everything",
        "sync/preparing.py",
        "if not any(library.editable for library in chosen):",
        "if False:",
        (
            "test_repairs.py::test_token_that_is_not_the_owners_any_more_writes_nothing_and_is_asked_for",
        ),
    ),
    Guard(
        1,
        "the libraries are still the same server's",
        "plex/server.py",
        'if any(one.uuid and known.get(one.key, "") not in {"", one.uuid} for one in found):',
        "if False:",
        ("test_entities.py",),
    ),
    Guard(
        1,
        "a Plex that is back is still the same server",
        "identity.py",
        "if server.machine_id != entry.unique_id:",
        "if False:",
        ("test_entities.py",),
    ),
    Guard(
        1,
        "an answer holds as many rows as it says",
        "plex/parse.py",
        "if size != len(rows):",
        "if False:",
        ("plex/test_parse.py",),
    ),
    Guard(
        1,
        "an answer of Plex has Plex's envelope",
        "plex/parse.py",
        'raise ValueError("no MediaContainer")',
        "return {}",
        ("plex/test_parse.py",),
    ),
    Guard(
        1,
        "a total that is not told is not zero",
        "plex/parse.py",
        'int(body["totalSize"] if "totalSize" in body else body["size"])',
        'int(body.get("totalSize", body.get("size", 0)))',
        ("plex/test_parse.py",),
    ),
    Guard(
        1,
        "a page starts where it was asked to",
        "plex/server.py",
        "if page.offset != start or total not in {None, page.total}:",
        "if total not in {None, page.total}:",
        ("plex/test_server.py",),
    ),
    Guard(
        1,
        "the total stays the same from page to page",
        "plex/server.py",
        "if page.offset != start or total not in {None, page.total}:",
        "if page.offset != start:",
        (
            "plex/test_server.py",
            f"{_FAULTS}::test_item_that_vanishes_while_the_library_is_listed_ends_the_run",
        ),
    ),
    Guard(
        1,
        "a listing does not end before its total",
        "plex/server.py",
        'raise self._implausible(library, f"lists {start} of {total} items")',
        "return",
        ("plex/test_server.py",),
    ),
    Guard(
        1,
        "a listing by key is not believed where the filter is ignored",
        "plex/server.py",
        "return tuple(item for item in page.content if plex_id in item.ids)",
        "return page.content",
        ("plex/test_server.py",),
    ),
    Guard(
        1,
        "an item that a cut answer leaves out is not thought gone",
        "plex/parse.py",
        'return frozenset(_rating_key(row) for row in _all_rows(container(answer), "Metadata"))',
        'return frozenset(_rating_key(row) for row in _rows(container(answer), "Metadata"))',
        ("plex/test_server_items.py",),
    ),
    Guard(
        1,
        "a label on everything is looked at twice",
        "sync/reading.py",
        "        if carriers < total:\n",
        "        if True:\n",
        (
            "sync/test_reading.py",
            f"{_FAULTS}::test_plex_that_ignores_the_label_filter_gets_no_edits",
        ),
    ),
    Guard(
        1,
        "the question for the complement",
        "sync/reading.py",
        "if carriers > total or await self._plex.count_without(library, label):",
        "if carriers > total:",
        (
            "sync/test_reading.py",
            f"{_FAULTS}::test_plex_that_ignores_the_label_filter_gets_no_edits",
        ),
    ),
    Guard(
        1,
        "a label on everything is looked at twice in an undo, too",
        "sync/reading.py",
        "            if total is None:\n",
        "            if total is None:\n                return\n            if False:\n",
        (
            f"{_FAULTS}::test_plex_that_ignores_the_label_filter_is_not_believed_when_labels_are_taken_off",
        ),
    ),
    Guard(
        1,
        "no label is on more items than there are",
        "sync/reading.py",
        "if carriers > total or await self._plex.count_without(library, label):",
        "if await self._plex.count_without(library, label):",
        ("sync/test_reading.py",),
    ),
    Guard(
        1,
        "a Plex that lists none of the chosen libraries",
        "sync/preparing.py",
        "    if not chosen:\n",
        "    if False:\n",
        (f"{_ENGINE}::test_plex_without_the_chosen_libraries_fails_the_run",),
    ),
    Guard(
        1,
        "libraries that were not listed are not thought empty",
        "sync/sight.py",
        "if row.library in listed and row.rating_key not in view.items",
        "if row.rating_key not in view.items",
        (f"{_ENGINE}::test_libraries_that_are_no_longer_covered_are_not_thought_empty",),
    ),
    Guard(
        1,
        "a look at a few titles forgets nothing",
        "sync/sight.py",
        "    if sight.complete:\n        plan = _forget_missing",
        "    if True:\n        plan = _forget_missing",
        ("sync/test_engine_live.py::test_live_run_takes_nothing_off_and_forgets_nothing",),
    ),
    Guard(
        1,
        "watchlists older than the news are not used",
        "sync/preparing.py",
        "if known.read_at > max(request.newer_than, self._clock() - age_max):",
        "if known.read_at > self._clock() - age_max:",
        ("sync/test_engine_live.py::test_watchlists_older_than_the_news_are_read_again",),
    ),
    Guard(
        1,
        "watchlists grow old",
        "sync/preparing.py",
        "if known.read_at > max(request.newer_than, self._clock() - age_max):",
        "if known.read_at > request.newer_than:",
        ("sync/test_engine_live.py",),
    ),
    Guard(
        1,
        "a title is not given up on the word of older watchlists",
        "sync/queue.py",
        "if look.outcome is Outcome.NOT_WANTED and lists_read_at <= entry.created:",
        "if False:",
        ("test_live.py::test_announced_title_is_not_given_up_on_the_word_of_older_watchlists",),
    ),
    Guard(
        1,
        "a watchlist that cannot be read ends the run",
        "sync/jobs.py",
        "raise errors.exceptions[0] from None",
        "return",
        ("sync/test_reading.py",),
    ),
    Guard(
        1,
        "nobody is listed twice",
        "sync/reading.py",
        "if len({person.id for person in people}) != len(people):",
        "if False:",
        ("sync/test_reading.py",),
    ),
    Guard(
        1,
        "an answer without a list of people is not nobody",
        "pulsarr/answers.py",
        'raise UnusableAnswerError("the answer has no list of users", Failure.WRONG_SERVICE)',
        "rows = []",
        ("pulsarr/test_reading.py", "pulsarr/test_failures.py"),
    ),
    Guard(
        1,
        "a person without an id is not left out",
        "pulsarr/answers.py",
        'raise UnusableAnswerError("a user has no id")',
        "number = 0",
        ("pulsarr/test_reading.py",),
    ),
    Guard(
        1,
        "a watchlist holds as many titles as it says",
        "pulsarr/answers.py",
        "if total != len(rows):",
        "if False:",
        ("pulsarr/test_reading.py",),
    ),
    Guard(
        1,
        "a watchlist is that of the person who was asked for",
        "pulsarr/answers.py",
        'if isinstance(user, Mapping) and whole_number(user.get("id")) not in {None, person_id}:',
        "if False:",
        ("pulsarr/test_reading.py",),
    ),
    Guard(
        1,
        "an answer that says no is not an empty one",
        "pulsarr/answers.py",
        'if fields.get("success") is False:',
        "if False:",
        ("pulsarr/test_failures.py",),
    ),
    Guard(
        1,
        "an error status is no answer",
        "transport.py",
        "if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:",
        "if True:",
        ("test_transport.py",),
    ),
    Guard(
        1,
        "the brake when Pulsarr lists nobody",
        "sync/brake.py",
        "if before is not None and before.people and not people:",
        "if False:",
        ("sync/test_brake.py",),
    ),
    Guard(
        1,
        "the brake when the watchlists shrank",
        "sync/brake.py",
        "if before is not None and _shrunk(before.titles, titles):",
        "if False:",
        ("sync/test_brake.py",),
    ),
    Guard(
        1,
        "the brake when many labels would go",
        "sync/brake.py",
        "if _too_many(len(removals), ledger_rows, settings):",
        "if False:",
        ("sync/test_brake.py",),
    ),
    Guard(
        1,
        "the brake when many labels vanished",
        "sync/brake.py",
        "    if vanished:\n",
        "    if False:\n",
        (
            "sync/test_brake.py",
            f"{_ENGINE}::test_labels_that_vanish_in_bulk_are_no_decisions_until_somebody_says_so",
        ),
    ),
    Guard(
        1,
        "labels that vanished in bulk are not noted as decisions",
        "sync/engine.py",
        "notes = {key: row for key, row in notes.items() if key not in keys}",
        "pass",
        (f"{_ENGINE}::test_labels_that_vanish_in_bulk_are_no_decisions_until_somebody_says_so",),
    ),
    Guard(
        1,
        "held changes are not made",
        "sync/engine.py",
        "plan = replace(plan, changes=verdict.allowed, notes=notes)",
        "plan = replace(plan, notes=notes)",
        ("test_brake.py::test_many_removals_are_held_and_asked_about",),
    ),
)

OWNERSHIP: Final = (
    Guard(
        2,
        "a label that was there before is not ours",
        "sync/planner.py",
        """            if row is not None:
                # What was off and is there again was put on by somebody else: it is theirs.
                self._note(row, None if row.off else self._row(label, row))
""",
        """            self._draft.notes[self._item.rating_key, folded] = self._row(label, row)
""",
        (f"{_ENGINE}::test_label_that_was_there_before_is_not_ours_to_take_off",),
    ),
    Guard(
        2,
        "a wanted label that was off and is there again is somebody else's",
        "sync/planner.py",
        "self._note(row, None if row.off else self._row(label, row))",
        "self._note(row, self._row(label, row))",
        (_PLANNER,),
    ),
    Guard(
        2,
        "an unwanted label that was off and is there again is somebody else's",
        "sync/planner.py",
        "if row.off or not self._carries(fold(row.label)):",
        "if not self._carries(fold(row.label)):",
        (_PLANNER, "sync/test_regressions.py"),
    ),
    Guard(
        2,
        "a mark that was off and is there again is somebody else's",
        "sync/planner.py",
        """            elif row.off:
                self._note(row, None)  # somebody else put it on again
""",
        "",
        (_PLANNER,),
    ),
    Guard(
        2,
        "a label taken off by hand stays off",
        "sync/planner.py",
        "if row is not None and not row.mark and self._is_taken_off(row):",
        "if False:",
        (_PLANNER,),
    ),
    Guard(
        2,
        "a label taken off by hand stays off under a new name",
        "sync/planner.py",
        "if row is None and refused:",
        "if False:",
        (
            "sync/test_regressions.py::test_label_taken_off_by_hand_does_not_come_back_under_a_new_name",
        ),
    ),
    Guard(
        1,
        "what vanished in bulk is no decision under a new name either",
        "sync/engine.py",
        "keys = plan.decided | {row.key for row in plan.vanished}",
        "keys = {row.key for row in plan.vanished}",
        (
            "test_brake.py::test_labels_that_vanish_in_bulk_are_asked_about_under_a_new_name_as_well",
        ),
    ),
    Guard(
        2,
        "what may never have arrived was not taken off by hand",
        "sync/planner.py",
        "(row.confirmed and not self._carries(fold(row.label)))",
        "(not self._carries(fold(row.label)))",
        (_PLANNER,),
    ),
    Guard(
        2,
        "an item that opts out is left alone by syncs",
        "sync/planner.py",
        "if not view.present.carries(rating_key, view.settings.opt_out_label):",
        "if True:",
        (_PLANNER,),
    ),
    Guard(
        2,
        "an excluded label of ours is not taken off",
        "sync/planner.py",
        """        if fold(row.label) in self._settings.exclude_labels:
            return False
""",
        "",
        (_PLANNER,),
    ),
    Guard(
        2,
        "an excluded mark is not taken off",
        "sync/planner.py",
        """            elif key in self._settings.exclude_labels:
                continue
""",
        "",
        (_PLANNER, "sync/test_planner_properties.py"),
    ),
    Guard(
        2,
        "an excluded label and the one that opts out are not written",
        "sync/planner.py",
        "            if folded not in self._never:\n",
        "            if True:\n",
        (_PLANNER,),
    ),
    Guard(
        1,
        "a yes counts for no more removals than were shown, and not for what vanished",
        "sync/brake.py",
        "if allowed_max is not None and (len(removals) > allowed_max or vanished):",
        "if False:",
        (
            "test_brake.py::test_confirmation_holds_for_no_more_than_was_shown",
            "test_brake.py::test_removals_that_were_agreed_to_wait_when_labels_have_vanished_meanwhile",
        ),
    ),
    Guard(
        1,
        "a yes counts for no more vanished labels than were shown",
        "sync/engine.py",
        "if request.accept and (limit is None or len(plan.vanished) <= limit):",
        "if request.accept:",
        ("test_brake.py::test_vanished_labels_are_left_off_only_as_many_as_were_shown",),
    ),
    Guard(
        2,
        "foreign labels go only where that was chosen",
        "sync/planner.py",
        "if self._view.whole and not self._settings.preserve_existing_labels:",
        "if self._view.whole:",
        (_PLANNER,),
    ),
    Guard(
        2,
        "foreign labels go only after a look at everything",
        "sync/planner.py",
        "if self._view.whole and not self._settings.preserve_existing_labels:",
        "if not self._settings.preserve_existing_labels:",
        (_PLANNER,),
    ),
    Guard(
        2,
        "foreign labels go only from wanted items",
        "sync/planner.py",
        """        if not self._entry.labels:
            return
""",
        "",
        ("sync/test_planner_properties.py", _PLANNER),
    ),
    Guard(
        2,
        "an excluded foreign label stays",
        "sync/planner.py",
        "                and folded not in self._settings.exclude_labels\n",
        "",
        (_PLANNER,),
    ),
    Guard(
        2,
        "a label of ours is no foreign one",
        "sync/planner.py",
        "                and (folded not in self._rows or self._rows[folded].off)\n",
        "",
        (_PLANNER,),
    ),
    Guard(
        2,
        "labels that are kept stay",
        "sync/leaving.py",
        "if settings.removed_label_mode is RemovedLabelMode.KEEP or row.pinned:",
        "if row.pinned:",
        ("sync/test_leaving.py",),
    ),
    Guard(
        2,
        "a label that is to stay for good stays",
        "sync/leaving.py",
        "if settings.removed_label_mode is RemovedLabelMode.KEEP or row.pinned:",
        "if settings.removed_label_mode is RemovedLabelMode.KEEP:",
        ("sync/test_leaving.py",),
    ),
    Guard(
        2,
        "a label waits for the delay",
        "sync/leaving.py",
        "if now - since < settings.removal_delay:",
        "if False:",
        ("sync/test_leaving.py",),
    ),
    Guard(
        2,
        "an item counts as another title only when that is sure",
        "sync/leaving.py",
        "if row.title_id and item.ids and row.title_id not in item.ids:",
        "if row.title_id not in item.ids:",
        ("sync/test_leaving.py",),
    ),
    Guard(
        2,
        "undo leaves excluded labels and items that opt out alone",
        "sync/undo.py",
        """            skipped += 1
            continue
        back = _back""",
        """            pass
        back = _back""",
        ("sync/test_undo.py",),
    ),
    Guard(
        2,
        "undo takes off only what is still ours",
        "sync/undo.py",
        "(change.ours and (row is None or row.off))",
        "False",
        ("sync/test_undo.py",),
    ),
    Guard(
        2,
        "undo changes only what stands as the run left it",
        "sync/undo.py",
        "        elif there:\n            skipped += 1\n",
        "",
        ("sync/test_undo.py",),
    ),
    Guard(
        2,
        "removing all labels leaves excluded ones and items that opt out alone",
        "sync/undo.py",
        """        ):
            continue
        if row.off""",
        """        ):
            pass
        if row.off""",
        ("sync/test_undo.py",),
    ),
    Guard(
        2,
        "removing all labels leaves what was put on again by hand",
        "sync/undo.py",
        "if row.off or not present.carries(row.rating_key, row.label):",
        "if not present.carries(row.rating_key, row.label):",
        ("sync/test_undo.py",),
    ),
    Guard(
        2,
        "removing one person's labels leaves those that others want, too",
        "sync/preparing.py",
        "rows = [row for row in rows if row.people and people.issuperset(row.people)]",
        "rows = [row for row in rows if not people.isdisjoint(row.people)]",
        (
            f"{_ENGINE}::test_label_that_two_people_share_stays_when_the_labels_of_one_are_taken_off",
        ),
    ),
    Guard(
        2,
        "what others wrote is not taken over after a crash",
        "sync/ledger.py",
        """            if not change.ours:
                continue
""",
        "",
        ("sync/test_ledger.py",),
    ),
    Guard(
        2,
        "a damaged ledger is empty, not guessed",
        "store.py",
        "if what is Found.DAMAGED or (expected and what is Found.MISSING)",
        "if expected and what is Found.MISSING",
        ("test_undo.py::test_damaged_ledger_is_told_and_nothing_is_taken_off",),
    ),
)

WRITING: Final = (
    Guard(
        3,
        "labels are added to those that are there",
        "plex/edits.py",
        'f"label%5B{index}%5D.tag.tag={quote',
        'f"label%5B{index}%5D.tag={quote',
        (
            "plex/test_edits.py",
            "plex/test_server_edits.py::test_added_label_joins_those_that_are_there",
        ),
    ),
    Guard(
        3,
        "labels are taken off one by one",
        "plex/edits.py",
        'f"label%5B%5D.tag.tag-={',
        'f"label%5B%5D.tag={',
        ("plex/test_edits.py",),
    ),
    Guard(
        3,
        "a comma in a label does not name two",
        "plex/edits.py",
        'value = ",".join(quote(text, safe="") for text in remove)',
        'value = ",".join(remove)',
        ("plex/test_edits.py",),
    ),
    Guard(
        3,
        "a label is taken off in the spelling that the item carries",
        "sync/planner.py",
        "text = self._view.present.spelling_on(self._item.rating_key, row.label)",
        "text = row.label",
        (_PLANNER, "sync/test_planner_properties.py"),
    ),
    Guard(
        3,
        "undo takes a label off in the spelling that the item carries",
        "sync/undo.py",
        "text = present.spelling_on(change.rating_key, change.label)",
        "text = change.label",
        ("sync/test_undo.py",),
    ),
    Guard(
        4,
        "an edit without items is refused",
        "plex/edits.py",
        "if not part.rating_keys or not all(",
        "if not all(",
        ("plex/test_edits.py",),
    ),
    Guard(
        4,
        "an edit names items by numbers only",
        "plex/edits.py",
        "if not part.rating_keys or not all(_RATING_KEY.fullmatch(key) for key in part.rating_keys):",
        "if not part.rating_keys:",
        ("plex/test_edits.py",),
    ),
    Guard(
        4,
        "an item whose key is no number is not read",
        "plex/parse.py",
        "if not _RATING_KEY.fullmatch(key):",
        "if False:",
        ("plex/test_parse.py",),
    ),
    Guard(
        4,
        "the items stand in the request",
        "plex/edits.py",
        "&id={','.join(part.rating_keys)}",
        "",
        ("plex/test_edits.py",),
    ),
    Guard(
        4,
        "an edit without labels is refused",
        "plex/edits.py",
        "if not part.add and not part.remove:",
        "if False:",
        ("plex/test_edits.py",),
    ),
    Guard(
        5,
        "only what shows is confirmed",
        "sync/engine.py",
        "found[not now.shows(one)].append(one)",
        "found[0].append(one)",
        (f"{_FAULTS}::test_edit_that_never_shows_is_not_claimed",),
    ),
    Guard(
        5,
        "what cannot be read back is not claimed",
        "sync/engine.py",
        "result.failed += [FailedChange(one, err.failure) for one in waiting]\n                return",
        "result.confirmed += waiting\n                return",
        (f"{_FAULTS}::test_labels_that_cannot_be_read_back_are_not_claimed_but_are_ours",),
    ),
    Guard(
        5,
        "what cannot be read back is ours, for all we know",
        "sync/engine.py",
        "return run, rows, [one for one in result.sent if one not in settled]",
        "return run, rows, []",
        (f"{_FAULTS}::test_labels_that_cannot_be_read_back_are_not_claimed_but_are_ours",),
    ),
    Guard(
        5,
        "what Plex may do after the client gave up is ours",
        "sync/engine.py",
        "result.given_up += changes",
        "pass",
        ("sync/test_regressions.py",),
    ),
    Guard(
        5,
        "an addition shows when the label is there",
        "sync/present.py",
        "return self.carries(change.rating_key, change.label)",
        "return True",
        ("sync/test_present.py",),
    ),
    Guard(
        5,
        "a removal shows when just its spelling is gone",
        "sync/present.py",
        "return change.label not in self.spellings(change.rating_key, change.label)",
        "return True",
        ("sync/test_present.py",),
    ),
    Guard(
        5,
        "an edit that shows late is waited for",
        "sync/engine.py",
        "for wait in (0.0, *SETTLE):",
        "for wait in (0.0,):",
        (f"{_FAULTS}::test_edit_that_shows_late_is_waited_for",),
    ),
    Guard(
        5,
        "no edit follows one that failed",
        "sync/engine.py",
        "if result.error is not None or result.stopped:",
        "if result.stopped:",
        (f"{_FAULTS}::test_edits_after_the_one_that_failed_are_not_sent",),
    ),
    Guard(
        6,
        "the plan is written down first",
        "sync/engine.py",
        "await self._recorder.begin(run.id, run.kind, run.started, plan.changes)",
        "pass",
        (f"{_ENGINE}::test_plan_is_on_disk_before_the_first_edit",),
    ),
    Guard(
        6,
        "nothing is changed when the plan cannot be saved",
        "store.py",
        "if not await self._save_journal():",
        "await self._save_journal()\n        if False:",
        ("test_undo.py::test_nothing_is_written_into_plex_while_the_journal_cannot_be_saved",),
    ),
    Guard(
        6,
        "a write that failed is noticed",
        "files.py",
        "return not self.failed",
        "return True",
        ("test_undo.py::test_nothing_is_written_into_plex_while_the_journal_cannot_be_saved",),
    ),
    Guard(
        6,
        "a run that did not end is taken over",
        "store.py",
        "unfinished = self.journal.unfinished",
        "unfinished = ()",
        ("test_takeover.py",),
    ),
    Guard(
        6,
        "the ledger is saved before the journal calls the run finished",
        "store.py",
        "self._not_in_ledger.add(run.id)",
        "pass",
        ("test_takeover.py",),
    ),
    Guard(
        6,
        "what an undo took off and could not tell stays off",
        "sync/ledger.py",
        "elif row is None or row.off or undo:",
        "elif row is None or row.off:",
        ("test_takeover.py",),
    ),
    Guard(
        6,
        "only runs that ended are taken back",
        "sync/journal.py",
        "if entry.status is not None and entry.changes and run_id in {None, entry.run_id}:",
        "if entry.changes and run_id in {None, entry.run_id}:",
        ("sync/test_journal.py",),
    ),
)

SHARING: Final = (
    Guard(
        11,
        "nothing but a question leaves for plex.tv",
        "plex/sharing.py",
        'if request.method != "GET":',
        "if False:",
        ("plex/test_sharing.py::test_nothing_but_a_question_leaves_for_plex_tv",),
    ),
    Guard(
        11,
        "the token follows nobody to another place",
        "plex/sharing.py",
        "session.max_redirects = 0",
        "pass",
        ("plex/test_sharing.py::test_refusal_is_a_word",),
    ),
    Guard(
        11,
        "rules that are told nowhere are unknown",
        "plex/shares.py",
        'absent = "" if tells_rules else None',
        'absent = ""',
        ("plex/test_sharing.py::test_rules_that_are_nowhere_are_unknown_and_not_none",),
    ),
    Guard(
        11,
        "a preset that was not told is unknown",
        "plex/shares.py",
        '"" if account.kind is Kind.FRIEND else None',
        '""',
        ("plex/test_sharing.py::test_presets_that_cannot_be_read_are_unknown",),
    ),
    Guard(
        11,
        "an answer holds as many people as it says",
        "plex/sharing.py",
        'if int(root.get("size") or 0) > len(root):',
        "if False:",
        ("plex/test_sharing.py::test_what_is_no_answer_is_not_understood",),
    ),
    Guard(
        11,
        "an empty value is not guessed at",
        "sharing/rules.py",
        "if any(not value.strip() for value in values):",
        "if False:",
        ("sharing/test_rules.py",),
    ),
    Guard(
        11,
        "what can be read in two ways counts where both agree",
        "sharing/visible.py",
        "return reduce(Truth.agreed, others, first)",
        "return first",
        ("sharing/test_rules.py",),
    ),
    Guard(
        11,
        "a label whose carriers were not read is unknown",
        "sharing/visible.py",
        "held |= UNKNOWN if carriers is None else",
        "held |= Truth(0, self.all) if carriers is None else",
        ("sharing/test_visible.py",),
    ),
    Guard(
        11,
        "nobody where there were people is not believed at once",
        "sharing_check.py",
        "if not answer.accounts and kept.answer",
        "if False and kept.answer",
        ("test_sharing.py::test_empty_answer_is_believed_when_it_comes_again",),
    ),
)

GUARDS: Final = (*READS, *OWNERSHIP, *WRITING, *SHARING)
