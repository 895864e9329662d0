"""Single items: which are there, with all their labels, and those with a text in their title."""

import pytest

from custom_components.plex_label_sync.plex import server
from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.model import Failure, ServiceError
from simulators.http import FaultKind
from simulators.plex import Fault, PlexSimulator

from .conftest import MOVIES


def some_keys(plex: PlexSimulator, count: int) -> list[str]:
    """Return the rating keys of a few items of both libraries."""
    return sorted(plex.state.items, key=int)[:: len(plex.state.items) // count][:count]


async def test_items_are_told_with_all_their_labels_and_ids(
    plex: PlexSimulator, client: PlexClient
) -> None:
    keys = some_keys(plex, 4)
    for label in ("Anna", "By hand"):
        plex.state.add_label(keys[0], label)

    found = {one.item.rating_key: one for one in await client.labelled(keys)}

    assert set(found) == set(keys)
    for key, one in found.items():
        item = plex.state.items[key]
        assert set(one.labels) == set(item.labels)
        assert (one.item.library, one.item.type, one.item.title) == (
            item.section,
            item.type,
            item.title,
        )
        assert any(some.startswith("plex:") for some in one.item.ids)
    assert len(found[keys[0]].labels) == 2


@pytest.mark.parametrize("method", ["existing", "labelled"])
async def test_many_items_are_asked_for_in_few_requests(
    plex: PlexSimulator, client: PlexClient, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(server, "MULTI_GET_MAX", 3)
    keys = some_keys(plex, 7)
    plex.stats.reset()

    found = await getattr(client, method)([*keys, "999999"])

    assert len(found) == 7
    assert plex.stats.total == 3


@pytest.mark.parametrize("method", ["existing", "labelled"])
async def test_items_that_are_not_there_are_left_out(client: PlexClient, method: str) -> None:
    assert not await getattr(client, method)(["999998", "999999"])


@pytest.mark.parametrize("method", ["existing", "labelled"])
@pytest.mark.parametrize("kind", ["truncated", "short_page"])
async def test_cut_answer_about_items_is_refused(
    plex: PlexSimulator, client: PlexClient, method: str, kind: FaultKind
) -> None:
    plex.faults.add(Fault(kind, route="/library/metadata/{ids}", times=None))
    with pytest.raises(ServiceError) as refused:
        await getattr(client, method)(some_keys(plex, 4))
    assert refused.value.failure is Failure.IMPLAUSIBLE


async def test_items_are_found_by_a_part_of_their_title_in_any_case(
    plex: PlexSimulator, client: PlexClient
) -> None:
    item = next(one for one in plex.state.items.values() if one.section == MOVIES.key)
    plex.stats.reset()

    found = await client.with_title(MOVIES, item.title.upper()[1:], 50)

    assert item.rating_key in {one.rating_key for one in found}
    assert plex.stats.total == 1


async def test_no_more_titles_are_returned_than_asked_for(client: PlexClient) -> None:
    assert await client.with_title(MOVIES, "no such title at all", 50) == ()
    assert len(await client.with_title(MOVIES, "e", 5)) == 5
