"""The demo's command about who may see what: somebody's rule at plex.tv changes, and the integration looks again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from harness.demo_state import DemoError
from harness.simulators import Control, ControlError
from harness.waiting import eventually

if TYPE_CHECKING:
    from harness.integration import Integration

type Json = dict[str, Any]

LOOK_SECONDS: Final = 40.0  # plex.tv is asked by hand once in ten seconds at most


async def set_rule(plex_tv: Control, entry: Integration, person: str, text: str) -> None:
    """Set the rule for films and shows, then say what follows. Raises DemoError."""
    try:
        done = await plex_tv.post("rule", person=person, rule=text)
    except ControlError as err:
        raise DemoError(f"Nobody at plex.tv is called “{person}”.") from err
    name = done["person"]
    print(f"At plex.tv, the rule of {name} was “{done['before']}” and is “{text}” now.")
    began = datetime.now(UTC)

    async def looked() -> Json | None:
        told = await entry.call("check_sharing", people=[name])
        checked = told["checked"] and datetime.fromisoformat(told["checked"])
        return told if checked and checked > began else None

    told = await eventually(looked, "plex.tv was asked again", within=LOOK_SECONDS, every=1.0)
    assert told is not None  # noqa: S101  # it was waited for
    (row,) = told["people"]
    print(f"That means: {row['rules']['movies']}.")
    print(f"{name} sees {row['movies']['visible']} films and {row['shows']['visible']} shows.")
    for warning in told["warnings"]:
        print(f"  {warning['severity']}: {warning['text']} {warning['fix']}")
    wrong = await entry.state("sharing_warnings")
    print(f"Home Assistant counts {wrong} things to mend; the repairs are under Settings.")
