"""Labelarr's method: list everything, read every item's details, write per change.

Its pauses (half a second per item, ten more per hundred) are left out.
"""

from typing import Any

from .common import Rival, Servers


class LabelarrWay(Rival):
    """Visits every item, as Labelarr does."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)

    async def sync(self) -> None:
        """Visit every item of every library, one after the other."""
        wanted = {title.guid: title.labels for title in await self.wanted()}
        await self._visit(wanted)

    async def pending(self, _titles: list[dict[str, Any]]) -> None:
        """Visit everything again, as Labelarr has no pending titles."""
        await self._visit({})

    async def _visit(self, wanted: dict[str, set[str]]) -> None:
        sections = (await self.get("/library/sections"))["Directory"]
        for section in sections:
            body = await self.get(f"/library/sections/{section['key']}/all", includeGuids=1)
            for row in body.get("Metadata", []):
                details = await self.get(f"/library/metadata/{row['ratingKey']}")
                for item in details.get("Metadata", []):
                    if labels := wanted.get(str(item.get("guid"))):
                        carried = [str(label["tag"]) for label in item.get("Label", [])]
                        await self.write_list(str(row["ratingKey"]), carried, labels)
