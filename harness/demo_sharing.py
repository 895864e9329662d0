"""The demo's command about sharing: sets a person's rule at plex.tv and checks again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.demo_state import DemoError
from harness.simulators import Control, ControlError

if TYPE_CHECKING:
    from harness.integration import Integration


async def set_rule(plex_tv: Control, entry: Integration, person: str, text: str) -> None:
    """Set the rule for films and shows, then print the result. Raises DemoError."""
    try:
        done = await plex_tv.post("rule", person=person, rule=text)
    except ControlError as err:
        raise DemoError(f"Nobody at plex.tv is called “{person}”.") from err
    name = done["person"]
    print(f"At plex.tv, the rule of {name} was “{done['before']}” and is “{text}” now.")
    answer = await entry.check_sharing(name)
    (row,) = answer["people"]
    print(f"That means: {row['rules']['movies']}.")
    print(f"{name} sees {row['movies']['visible']} films and {row['shows']['visible']} shows.")
    for warning in answer["warnings"]:
        print(f"  {warning['severity']}: {warning['text']} {warning['fix']}")
    wrong = await entry.state("sharing_warnings")
    things = "thing" if wrong == "1" else "things"
    print(f"Home Assistant counts {wrong} {things} to mend; the repairs are under Settings.")
