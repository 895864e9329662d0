"""Follows one import from the arr app to the label in Plex, and prints each step with its time."""

from __future__ import annotations

from dataclasses import dataclass, field
import time
from typing import TYPE_CHECKING, Any, Final

from harness.demo_texts import listed
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.simulators import Control

type Json = dict[str, Any]

IMPORT_SECONDS: Final = 90.0
UNANNOUNCED_SECONDS: Final = 15.0
"""Pulsarr will not announce a title that has been in Plex for this long."""


@dataclass(slots=True)
class Follower:
    """The steps seen so far."""

    plex: Control
    pulsarr: Control
    began: float = field(default_factory=time.monotonic)
    reported: dict[str, float] = field(default_factory=dict)
    """Step and time."""

    def report(self, step: str, text: str) -> None:
        """Print a step when it is seen for the first time."""
        if step not in self.reported:
            self.reported[step] = time.monotonic()
            print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    @property
    def unannounced(self) -> bool:
        """Return whether Pulsarr does not announce this title."""
        known = self.reported.get("matched", time.monotonic())
        return "announced" not in self.reported and time.monotonic() > known + UNANNOUNCED_SECONDS


async def follow_import(follower: Follower, title: str, people: Sequence[Json]) -> None:
    """Import a file and watch until all labels are there.

    Raises WaitedTooLongError, ControlError.
    """
    before = len((await follower.pulsarr.get("deliveries"))["deliveries"])
    follower.began = time.monotonic()
    begun = await follower.pulsarr.post("import", title=title)
    syncs = {one["name"]: one["can_sync"] for one in people}
    labelled = [name for name in begun["wanted_by"] if syncs[name]]
    arr = "Radarr" if begun["type"] == "movie" else "Sonarr"
    wanted = listed(begun["wanted_by"]) or "nobody"
    follower.report("begun", f"{arr} imports “{begun['title']}”, wanted by {wanted}.")

    async def arrived() -> bool:
        await _report_delivery(follower, before)
        items = (await follower.plex.get("labels", title=title))["items"]
        if not items:
            return False
        follower.report("found", "Plex has found the file and does not know yet what it is.")
        if not any(item["guid"].startswith("local://") for item in items):
            follower.report("matched", f"Plex knows what it is: {items[0]['title']}.")
        elif not labelled:
            return False
        carried = {label.casefold() for label in items[0]["labels"]}
        for name in labelled:
            if name.casefold() in carried:
                follower.report(f"label {name}", f"{name}'s label is on it.")
        done = "matched" in follower.reported and all(
            name.casefold() in carried for name in labelled
        )
        return done or follower.unannounced

    await eventually(arrived, "its labels are in Plex", within=IMPORT_SECONDS)
    if not labelled:
        print("Nobody gets a label for it.")
    elif not any(step.startswith("label ") for step in follower.reported):
        print(
            "Pulsarr announces a title only if somebody who wants it gets notifications. "
            "The next full sync finds it; the button on the dashboard starts one."
        )


async def _report_delivery(follower: Follower, before: int) -> None:
    deliveries = (await follower.pulsarr.get("deliveries"))["deliveries"]
    for delivery in deliveries[before:]:
        if delivery["event"] == "media.available":
            answer = delivery["status"] or delivery["error"]
            follower.report(
                "announced",
                f"Pulsarr has announced it; Home Assistant answered {answer} "
                f"in {delivery['duration_ms']:.0f} ms.",
            )
