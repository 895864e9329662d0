"""Makes a plan from wanted labels, present labels and the ledger. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from .changes import Action, Change, Plan, Row
from .identity import Relation, relation
from .model import Person, fold
from .person_id import id_order
from .plan_view import PlanDraft, View
from .reasons import PLAIN, Reason, ReasonCode
from .retention import may_show_yet, removal_decision
from .wanted_labels import WantedItem, WantedLabel


def make_plan(view: View) -> Plan:
    """Return the changes that turn present labels into wanted ones.

    An item that was not read itself loses no label, and gets none that a person may already have
    added: it is listed as `unproven`.
    """
    draft = PlanDraft(view)
    opt_out = fold(view.settings.opt_out_label)
    rows = view.ledger.by_item()
    matched = 0
    for rating_key, entry in view.items.items():
        matched += bool(entry.labels)
        opted_out = view.present.carries_if_known(entry.item.library, rating_key, opt_out)
        if opted_out is None and view.present.has_unreadable_label(entry.item.library):
            draft.unproven |= {rating_key} - view.evidence.items.keys()  # the item itself lists it
        was_opted_out = (rating_key, opt_out) in view.others
        if opted_out is False and was_opted_out and rating_key not in view.evidence.items:
            draft.unproven.add(rating_key)
            opted_out = None
        if opted_out is False:
            _ItemPlan(view, draft, entry, rows.get(rating_key, [])).make()
        elif opted_out is None and entry.labels:
            draft.undecided.add(rating_key)
    return draft.plan(items=matched)


class _ItemPlan:
    """The part of a plan that concerns one item."""

    def __init__(
        self, view: View, draft: PlanDraft, entry: WantedItem, rows: Sequence[Row]
    ) -> None:
        self._view = view
        self._settings = view.settings
        # Without a mark now, a former one may still be there.
        self._removed_label = view.settings.mark or view.settings.removed_label
        self._draft = draft
        self._entry = entry
        self._item = entry.item
        self._uuid = view.uuid_of(entry.item.library)
        self._rows: dict[str, Row] = {}
        self._unrelated: list[Row] = []
        self._postponed: set[str] = set()  # former labels; only a full sync decides
        for row in rows:
            if relation(row, entry.item, self._uuid) is Relation.UNRELATED:
                self._unrelated.append(row)
            else:
                self._rows[fold(row.label)] = row
        self._names = {
            person.id: label.text for label in entry.labels.values() for person in label.people
        }

    def make(self) -> None:
        """Decide about every label that the item should have or that is in the ledger."""
        for row in self._unrelated:
            if self._is_proven():
                self._note(row, None)  # it was about another item: the label here is foreign
                self._forget(row)
        for folded, label in self._entry.labels.items():
            if self._knows(folded):
                self._want(folded, label)
            else:
                self._draft.undecided.add(self._item.rating_key)
        removed_any = False
        for folded, row in self._rows.items():
            if (
                folded not in self._entry.labels
                and folded not in self._postponed
                and not row.is_removed_marker
                and self._knows(folded)
            ):
                removed_any |= self._remove_unwanted(row)
        if all(map(self._knows, (fold(self._removed_label), *self._rows))):
            self._mark(removed_any=removed_any)
        if self._view.whole and not self._settings.preserve_existing_labels:
            self._remove_foreign()

    def _carries(self, folded: str) -> bool:
        return self._view.present.carries(self._item.rating_key, folded)

    def _knows(self, folded: str) -> bool:
        """Return whether it is known if the item carries a label."""
        present, library = self._view.present, self._item.library
        known = present.knows(library, self._item.rating_key, folded)
        if not known and present.has_unreadable_label(library):
            self._is_proven()  # the item itself lists it
        return known

    def _is_proven(self) -> bool:
        """Return whether the item itself was read; if not, note that it should be."""
        if self._item.rating_key in self._view.evidence.items:
            return True
        self._draft.unproven.add(self._item.rating_key)
        return False

    def _forget(self, row: Row) -> None:
        if not row.removed_by_user:
            self._draft.forgotten.add(row.key)

    def _want(self, folded: str, label: WantedLabel) -> None:
        row = self._rows.get(folded)
        if self._carries(folded):
            self._draft.unchanged += 1
            self._has(folded, label, row)
            return
        if row is not None and not row.is_removed_marker and self._is_override(row):
            self._keep_off(label, row)
            return
        people = {person.id for person in label.people}
        former = [
            other
            for key, other in self._rows.items()
            if key not in self._entry.labels
            and not other.is_removed_marker
            and not people.isdisjoint(other.people)
        ]
        if row is None and not all(self._knows(fold(other.label)) for other in former):
            return  # a person may have removed it under its former name
        refused = [
            other for other in former if people <= set(other.people) and self._is_override(other)
        ]
        if row is None and refused:
            # It was removed by hand under its former name: a new name does not change that.
            self._draft.overridden += 1
            fresh = [other for other in refused if not other.removed_by_user]
            if (fresh and not self._view.whole) or not self._is_proven():
                self._postponed |= {fold(other.label) for other in refused}
                return
            new = replace(
                self._row(label, None),
                removed_by_user=True,
                removed_by_undo=all(other.removed_by_undo for other in refused),
                unwanted_since=min(
                    other.unwanted_since if other.removed_by_user else int(self._view.now)
                    for other in refused
                ),
            )
            self._draft.ledger_only_updates[new.key] = new
            if fresh:
                self._draft.vanished += fresh
                self._draft.decided.add(new.key)
            return
        if not self._is_proven():
            self._draft.undecided.add(self._item.rating_key)
            return  # it may have opted out, or already carry the label
        text = self._view.present.spelling(self._item.library, label.text)
        reason = PLAIN[ReasonCode.WANTED]
        new_row = self._row(replace(label, text=text), row)
        if former:
            reason = Reason(ReasonCode.RENAMED_FROM, label=former[0].label)
            self._draft.renamed[new_row.key] = min(people & set(former[0].people), key=id_order)
        self._add(text, reason, new_row, label.people)

    def _keep_off(self, label: WantedLabel, row: Row) -> None:
        """Leave out a wanted label that was removed by hand or by an undo."""
        self._draft.overridden += 1
        since = row.unwanted_since
        if not row.removed_by_user:
            # Only a full sync can see which labels vanished together.
            if not self._view.whole or not self._is_proven():
                return
            self._draft.vanished.append(row)
            since = int(self._view.now)
        new = replace(self._row(label, row), removed_by_user=True, unwanted_since=since)
        self._note(row, replace(new, removed_by_undo=row.removed_by_undo))

    def _has(self, folded: str, label: WantedLabel, row: Row | None) -> None:
        """Decide about a wanted label that is already on the item."""
        if row is None:
            key = self._item.rating_key, folded
            text = self._view.present.spelling_on(self._item.rating_key, label.text)
            new = self._row(replace(label, text=text), None)
            if key in self._view.adopt:
                self._draft.ledger_only_updates[key] = new
            else:
                self._draft.unknown.append(new)
        elif not row.removed_by_user:
            self._note(row, self._row(label, row))
        elif self._is_proven():
            # A label that was off and is present again was added by a person: it is theirs.
            self._note(row, None)

    def _is_override(self, row: Row) -> bool:
        """Return whether a label of the integration was removed by hand and is to stay off."""
        is_absent = row.removed_by_user or (row.confirmed and not self._carries(fold(row.label)))
        return is_absent and not self._is_put_back(row)

    def _is_put_back(self, row: Row) -> bool:
        """Return whether a vanished label of the integration is added again."""
        return self._settings.restore_overrides or (self._view.restore and not row.removed_by_user)

    def _row(self, label: WantedLabel, row: Row | None) -> Row:
        """Return the row of a wanted label that is on the item."""
        people = tuple(sorted((person.id for person in label.people), key=id_order))
        title_id = self._entry.title_id
        if row is None:
            item = self._item
            row = Row(label.text, item.library, item.rating_key, int(self._view.now))
        return replace(
            self._identified(row),
            people=people,
            title_id=title_id or row.title_id,
            unwanted_since=0,
            removed_by_user=False,
            removed_by_undo=False,
            pinned=False,
            is_removed_marker=False,
            confirmed=True,
        )

    def _identified(self, row: Row) -> Row:
        """Return a row with the item's identity, completed with what was known before."""
        item = self._item
        ids = item.ids if row.ids <= item.ids else row.ids | item.ids
        return replace(
            row,
            library=item.library,
            uuid=self._uuid or row.uuid,
            type=item.type.value,
            guid=item.guid or row.guid,
            # Of equal sets, one that is already kept is used.
            ids=next((kept for kept in (row.ids, self._entry.item.ids) if kept == ids), ids),
            added=item.added or row.added,
        )

    def _remove_unwanted(self, row: Row) -> bool:
        """Decide about an unwanted label in the ledger; return whether it is removed."""
        doubts = self._view.doubts
        if fold(row.label) in self._settings.exclude_labels or doubts.is_unread(row):
            return False
        if doubts.may_mean(row, self._item):
            return False
        if row.removed_by_user or not self._carries(fold(row.label)):
            if may_show_yet(row, self._view.now):
                return False  # Plex may still show it
            if doubts.believes_about(row) and self._is_proven():
                self._draft.ledger_only_updates[row.key] = None
                self._forget(row)
            return False
        choice = removal_decision(
            row,
            self._item,
            self._names,
            self._view.roster,
            self._settings,
            now=self._view.now,
            rematched=relation(row, self._item, self._uuid) is Relation.REMATCHED,
        )
        if choice.reason is None:
            stays = replace(self._identified(choice.row), confirmed=True)
            if stays.unwanted_since and not row.unwanted_since and not doubts.believes_about(row):
                stays = replace(stays, unwanted_since=0)  # doubts do not start the delay
            self._note(row, stays)
            return False
        if not self._is_proven():
            return False
        if choice.replaced:
            self._draft.replaced.add(row.key)
            self._draft.renamed[row.key] = choice.person
        elif choice.chosen:
            self._draft.chosen.add(row.key)
        elif doubts.shrank(row):
            self._draft.shrunk.add(row.key)
        self._remove(row, choice.reason)
        return not choice.replaced

    def _mark(self, *, removed_any: bool) -> None:
        """Add or remove the mark of a title that is no longer wanted."""
        folded = fold(self._removed_label)
        # A label that a person gets is no longer a mark, whatever it is called.
        marks = {
            key: row
            for key, row in self._rows.items()
            if row.is_removed_marker and key not in self._entry.labels
        }
        wants_mark = (
            self._settings.mark is not None
            and not self._entry.labels
            and (removed_any or bool(marks))
            and folded not in self._settings.never_written
        )
        absent = {key for key in marks if not self._carries(key)}
        # Removed by hand: it is not added again.
        refused = any(
            row.confirmed and (row.removed_by_user or not self._view.restore)
            for key, row in marks.items()
            if key in absent
        )
        is_new = wants_mark and not refused and not self._carries(folded) and self._is_proven()
        if is_new:
            text = self._view.present.spelling(self._item.library, self._removed_label)
            item = self._item
            row = Row(
                text, item.library, item.rating_key, int(self._view.now), is_removed_marker=True
            )
            row = self._identified(row)
            self._add(text, PLAIN[ReasonCode.MARKED], row)
        for key, row in marks.items():
            if key in absent:
                if not (is_new and key == folded):
                    stays = wants_mark and row.confirmed
                    if stays and not row.removed_by_user:
                        # Only a full sync can see which marks vanished together.
                        if not self._view.whole or not self._is_proven():
                            continue
                        self._draft.vanished.append(row)
                    self._note_if_proven(row, replace(row, removed_by_user=True) if stays else None)
            elif row.removed_by_user:
                self._note_if_proven(row, None)  # a person added it again
            elif key in self._settings.exclude_labels or not self._is_obsolete(
                key, wants_mark=wants_mark
            ):
                continue
            elif self._is_proven():
                reason = (
                    PLAIN[ReasonCode.WANTED_AGAIN]
                    if self._entry.labels
                    else Reason(ReasonCode.RENAMED_TO, label=self._removed_label)
                )
                self._draft.replaced.add(row.key)
                self._remove(row, reason)

    def _is_obsolete(self, key: str, *, wants_mark: bool) -> bool:
        """Return whether a mark that is on the item should not be there, or not under this name."""
        return bool(self._entry.labels) or (wants_mark and key != fold(self._removed_label))

    def _note_if_proven(self, row: Row, new: Row | None) -> None:
        if new != row and self._is_proven():
            self._note(row, new)

    def _remove_foreign(self) -> None:
        """Remove foreign labels from a wanted item, where the options do not protect them."""
        wanting = {one.id for label in self._entry.labels.values() for one in label.people}
        if wanting <= self._view.doubts.unread:
            return  # no one, or only lists not read in full: remembered titles are no evidence
        unread = self._view.doubts.unread_labels
        for folded, texts in self._view.present.labels_of(self._item.rating_key).items():
            if (
                folded not in self._entry.labels
                and folded not in self._settings.exclude_labels
                and folded not in unread
                and (folded not in self._rows or self._rows[folded].removed_by_user)
                and self._is_proven()
            ):
                if folded in self._view.doubts.shrunk_labels:
                    self._draft.shrunk.add((self._item.rating_key, folded))
                for text in sorted(texts):
                    change = self._change(Action.REMOVE, text, PLAIN[ReasonCode.FOREIGN])
                    self._draft.changes.append(replace(change, is_own=False))

    def _add(self, text: str, reason: Reason, row: Row, people: tuple[Person, ...] = ()) -> None:
        change = self._change(Action.ADD, text, reason)
        self._draft.changes.append(replace(change, people=self._draft.people.of(people)))
        self._draft.ledger_updates[row.key] = row

    def _remove(self, row: Row, reason: Reason) -> None:
        """Remove a label of the integration."""
        text = self._view.present.spelling_on(self._item.rating_key, row.label)
        change = self._change(Action.REMOVE, text, reason)
        people = self._draft.people.of_row(row)
        if reason.code is ReasonCode.WANTED_AGAIN:
            wanting = {one.id: one for label in self._entry.labels.values() for one in label.people}
            people = self._draft.people.of(tuple(wanting.values()))
        title_id = change.title_id or row.title_id
        self._draft.changes.append(replace(change, people=people, title_id=title_id))
        self._draft.ledger_updates[row.key] = None

    def _note(self, row: Row, new: Row | None) -> None:
        if new != row:
            self._draft.ledger_only_updates[row.key] = new

    def _change(self, action: Action, label: str, reason: Reason) -> Change:
        item = self._item
        library = self._view.libraries.get(item.library)
        return Change(
            action,
            label,
            item.library,
            item.rating_key,
            item.title,
            reason,
            type=item.type,
            title_id=self._entry.title_id,
            library_name="" if library is None else library.name,
        )
