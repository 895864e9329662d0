"""Remove the throw-away labels of a trial, with evidence about the one item and nothing else."""

from ..sync.model import Failure, MediaType, Service, ServiceError, StoredLabel
from .labels import belongs
from .model import ItemRow, Rows, Section, Trial
from .pacing import NoRequestLeftError, Pace
from .ports import PlexPort

SHOWN = 20  # carriers of one throw-away label to read; there is one at most


def section_of(trial: Trial) -> Section:
    """Return the section of a trial's movie."""
    return Section(trial.library, MediaType.MOVIE, None, None)


def row_of(answer: Rows, trial: Trial) -> ItemRow:
    """Return the movie's row. Raises ServiceError: of a deleted movie Plex says "not found"."""
    for row in answer.rows:
        if row.rating_key == trial.rating_key:
            return row
    detail = "an answer about one movie does not include it"
    raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)


async def left_on(plex: PlexPort, trial: Trial) -> tuple[str, ...]:
    """Return the throw-away labels that the movie carries, as they are stored.

    The item itself states them; if it shows no label at all, the label directory and the carriers
    of each of its labels do. Raises ServiceError.
    """
    try:
        answer = await plex.items([trial.rating_key])
    except ServiceError as err:
        if err.failure is Failure.NOT_FOUND:
            return ()  # the item was deleted, and its labels with it
        raise
    row = row_of(answer, trial)
    if row.labels is not None:
        return tuple(one.text for one in row.labels if belongs(one.text, trial))
    directory = await plex.labels(section_of(trial))
    listed = [one for one in directory if belongs(one.text, trial)]
    return tuple([one.text for one in listed if await _carries(plex, trial, one)])


async def _carries(plex: PlexPort, trial: Trial, label: StoredLabel) -> bool:
    for value in (label.id, label.text):  # a server may know only one of the two
        answer = await plex.listing(section_of(trial), SHOWN, label=value)
        if answer.total > 1:
            return True  # no other item carries it: the filter was ignored
        if answer.rows:
            return any(one.rating_key == trial.rating_key for one in answer.rows)
    return False


async def clean_up(plex: PlexPort, trial: Trial, pace: Pace) -> bool:
    """Remove what is left of a trial; return whether the server shows that nothing is left.

    Raises ServiceError when the server is unavailable.
    """
    async with pace.cleaning():
        try:
            await pace.wait(pace.times.settles)
            for encoded_once in (False, True):
                if not (texts := await left_on(plex, trial)):
                    return True
                await plex.edit(trial, (), texts, encoded_once=encoded_once)
                await pace.wait(pace.times.settles)
            return not await left_on(plex, trial)
        except NoRequestLeftError:
            return False
