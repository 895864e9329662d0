"""What a probe asks a Plex server: an unreadable row costs itself alone."""

import pytest

from custom_components.plex_label_sync.plex.server import PlexClient
from simulators.http import FaultKind
from simulators.plex import Fault, PlexSimulator


class Requests:
    """Counts requests, without a limit."""

    def __init__(self) -> None:
        self.count = 0

    def take(self) -> None:
        """Count a request."""
        self.count += 1

    async def take_edit(self) -> None:
        """Count an edit."""
        self.count += 1

    def edited(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("kind", ["null_row", "keyless_row"])
async def test_section_whose_row_cannot_be_read_costs_no_other_one(
    plex: PlexSimulator, client: PlexClient, kind: FaultKind
) -> None:
    requests = Requests()
    prober = client.prober(requests)
    first, *others = await prober.sections()
    plex.faults.add(Fault(kind, route="/library/sections", times=None))

    assert [*await prober.sections()] == others
    assert first.key
    assert requests.count == 2
