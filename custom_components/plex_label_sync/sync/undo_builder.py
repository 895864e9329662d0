"""Prepares the requests to undo a run or to remove labels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from .changes import Action, Change, Plan, Row
from .current_labels import CurrentLabels
from .evidence import EvidenceReader
from .gaps import Gaps
from .identity import Relation, relation
from .label_reader import LabelReader
from .ledger import Ledger
from .model import Item, Library, Person, SyncSettings, fold
from .people import PeopleRefs, people_named
from .person_id import PersonId
from .ports import PlexPort, Recorder
from .protection import Evidence
from .readers import Found
from .reasons import PLAIN, ReasonCode
from .request import PreparedPlan, UndoRequest
from .threads import in_thread
from .undo import removal_plan, undo_plan


class UndoBuilder:
    """Reads what an undo or a removal needs and makes its plan."""

    def __init__(
        self,
        plex: PlexPort,
        recorder: Recorder,
        evidence: EvidenceReader,
        clock: Callable[[], float],
    ) -> None:
        """Initialize; `clock` returns seconds since the epoch."""
        self._plex = plex
        self._recorder = recorder
        self._evidence = evidence
        self._clock = clock

    async def prepare_undo(self, request: UndoRequest, settings: SyncSettings) -> PreparedPlan:
        """Read what a run changed and plan to undo it. Raises ServiceError."""
        gaps = Gaps()
        libraries = {one.key: one for one in await self._plex.libraries(gaps.add)}
        changes = [one for one in request.changes if one.library in libraries]
        reader, present, evidence = await self._read(libraries, changes, settings, gaps)
        ledger, now = self._recorder.ledger, self._clock()

        def plan_of() -> Plan:
            there = [one for one in changes if one.rating_key in evidence.items]
            # Of a replaced label neither half is undone: the item would be left without both.
            elsewhere = {one.rating_key for one in there if _is_elsewhere(one, ledger, evidence)}
            known = [
                _named(one, evidence.items[one.rating_key].item, libraries)
                for one in there
                if one.rating_key not in elsewhere
                and not _is_unrelated(ledger.get(one.key), evidence, libraries)
            ]
            plan = undo_plan(known, request.run_id, present, ledger, settings, now)
            return replace(plan, skipped=plan.skipped + len(request.changes) - len(known))

        plan = await in_thread(plan_of)  # of up to tens of thousands of changes, as below
        return PreparedPlan(plan, reader, libraries, found=_found(reader.gaps))

    async def prepare_removal(
        self, settings: SyncSettings, people: frozenset[PersonId] | None
    ) -> PreparedPlan:
        """Read where the integration's labels are and plan their removal, for some people or all.

        Raises ServiceError.
        """
        gaps = Gaps()
        libraries = {one.key: one for one in await self._plex.libraries(gaps.add)}
        ledger, now = self._recorder.ledger, self._clock()
        rows = await in_thread(
            lambda: [
                row
                for row in ledger
                if row.library in libraries
                and (people is None or (row.people and people.issuperset(row.people)))
            ]
        )
        reader, present, evidence = await self._read(libraries, rows, settings, gaps)

        def plan_of() -> Plan:
            known = [
                row
                for row in rows
                if evidence.proves(row.rating_key) and not _is_unrelated(row, evidence, libraries)
            ]
            refs = PeopleRefs(ledger.people)
            return removal_plan(
                known, present, settings, lambda row: _removal(row, evidence, libraries, refs), now
            )

        plan = await in_thread(plan_of)
        return PreparedPlan(plan, reader, libraries, found=_found(reader.gaps))

    async def _read(
        self,
        libraries: Mapping[str, Library],
        some: Sequence[Row] | Sequence[Change],
        settings: SyncSettings,
        gaps: Gaps,
    ) -> tuple[LabelReader, CurrentLabels, Evidence]:
        """Read the labels of some rows or changes, and the items themselves."""
        reader = LabelReader(self._plex, libraries.values(), {}, gaps)
        pairs, keys = await in_thread(_pairs_and_keys, some, settings)
        present = await reader.read(pairs)
        evidence = await self._evidence.read(keys, pairs, present, reader) if keys else Evidence()
        return reader, present, evidence


def _pairs_and_keys(
    some: Iterable[Row | Change], settings: SyncSettings
) -> tuple[set[tuple[str, str]], set[str]]:
    """Return the libraries and folded labels to read, opt-outs included, and the rating keys."""
    pairs = {(one.library, fold(one.label)) for one in some}
    pairs |= {(library, fold(settings.opt_out_label)) for library, _ in tuple(pairs)}
    return pairs, {one.rating_key for one in some}


def people_known(
    people: Iterable[Person], ledger: Ledger, wanted: Iterable[str]
) -> frozenset[PersonId]:
    """Return the ids of people as Pulsarr or the ledger knows them.

    Raises UnknownPersonError or AmbiguousPersonError.
    """
    all_people = {**ledger.people, **{person.id: person for person in people}}
    return people_named(all_people.values(), wanted, ledger.labels_of_one())


def _is_unrelated(row: Row | None, evidence: Evidence, libraries: Mapping[str, Library]) -> bool:
    """Return whether a row is about another item than the one that now has its rating key."""
    if row is None or (one := evidence.items.get(row.rating_key)) is None:
        return False
    library = libraries.get(one.item.library)
    uuid = library.uuid if library is not None else ""
    return relation(row, one.item, uuid) is Relation.UNRELATED


def _is_elsewhere(change: Change, ledger: Ledger, evidence: Evidence) -> bool:
    """Return whether a removed label would be added to another item with the same rating key.

    Without a row only the name of the item is known.
    """
    if change.action is Action.ADD or not change.title or change.key in ledger:
        return False
    return evidence.items[change.rating_key].item.title != change.title


def _removal(
    row: Row, evidence: Evidence, libraries: Mapping[str, Library], refs: PeopleRefs
) -> Change:
    """Return the requested removal of a row's label."""
    change = Change(
        Action.REMOVE,
        row.label,
        row.library,
        row.rating_key,
        title="",
        reason=PLAIN[ReasonCode.REQUESTED],
        people=refs.of_row(row),
        title_id=row.title_id,
    )
    one = evidence.items.get(row.rating_key)
    return change if one is None else _named(change, one.item, libraries)


def _named(change: Change, item: Item, libraries: Mapping[str, Library]) -> Change:
    """Return a change completed with the details of its item that were not stored."""
    library = libraries.get(change.library)
    return replace(
        change,
        title=change.title or item.title,
        type=change.type or item.type,
        library_name=change.library_name if library is None else library.name,
    )


def _found(gaps: Gaps) -> Found:
    return Found((), (), {}, gaps=gaps)
