"""Texts of the demo for its dashboard and the terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.integration import Connections
    from harness.onboarding import Owner

type Json = dict[str, Any]

DEMO_HOURS: Final = 0.25  # a demo is only watched for a short time


def what_to_try(
    missing: Sequence[Json], spare: Sequence[str], people: Sequence[str]
) -> list[tuple[str, str]]:
    """Return commands to try and what they show.

    `missing` are wanted titles that are not in Plex, `spare` titles in Plex, `people` usernames.
    """
    rows = []
    if missing:
        title = missing[0]["title"]
        rows.append(
            (
                f'scripts/demo import "{title}"',
                "a file arrives: announced at once, labelled when Plex has it",
            )
        )
    if spare and people:
        rows += [
            (
                f'scripts/demo wish {people[0]} "{spare[0]}"',
                "somebody puts a title on the watchlist: noticed within a minute",
            ),
            (f'scripts/demo unwish {people[0]} "{spare[0]}"', "and takes it off again"),
            (f'scripts/demo labels "{spare[0]}"', "what Plex has on it"),
        ]
    rows += [
        (
            'scripts/demo rule tim "label=tim"',
            "mend the broken rule of tim, and see the repair go away",
        ),
        ("scripts/demo outage plex 20", "Plex is away for a while; import something meanwhile"),
        ("scripts/demo status", "the same numbers in the terminal"),
        ("scripts/demo second", "how to set up a second household yourself, to try the forms"),
        ("scripts/demo titles", "what there is to play with (--missing: only what is not in Plex)"),
    ]
    return rows


def fit_dashboard(page: Json, rows: Sequence[tuple[str, str]]) -> None:
    """Limit the dashboard to the last minutes, and add the commands to try."""
    sections = page["views"][0]["sections"]
    for section in sections:
        for card in section["cards"]:
            if "hours_to_show" in card:
                card["hours_to_show"] = DEMO_HOURS
            if "days_to_show" in card:
                card.update(days_to_show=1, period="5minute")
    sections.append(help_card(rows))


def help_card(rows: Sequence[tuple[str, str]]) -> Json:
    """Return the dashboard section with the commands to try."""
    commands = _aligned(rows, "  # ")
    return {
        "type": "grid",
        "column_span": 3,
        "cards": [
            {"type": "heading", "heading": "What to try", "icon": "mdi:flask-outline"},
            {
                "type": "markdown",
                "grid_options": {"columns": "full"},
                "content": (
                    "Plex, plex.tv and Pulsarr are simulated; Home Assistant and the integration are real. "
                    "In a second terminal:\n\n"
                    f"```\n{commands}\n```\n\n"
                    "To see what Rosa is waiting for and why, press **List titles** on this page, tick *Person* and "
                    "enter `rosa`, tick *Status* and choose *Not in Plex* and *Waiting*, and perform the action.\n\n"
                    "Or press the other buttons, change the options under "
                    "**Settings > Devices & services > Plex Label Sync** (under *Sharing* they show who can see "
                    "what), see what **Settings > Repairs** says of Tim's broken rule, look at the automations that were "
                    "made of the blueprints (their messages are under **Notifications**), and call "
                    "`plex_label_sync.sync_all` with its answer under **Settings > Tools > Actions** (older releases call them developer tools)."
                ),
            },
        ],
    }


def second_household(connections: Connections) -> str:
    """Return how to set up the second household by hand; its token and key have no other use."""
    rows = (
        ("Plex address", connections.plex_url),
        ("Plex token", connections.plex_token),
        ("Pulsarr address", connections.pulsarr_url),
        ("Pulsarr API key", connections.pulsarr_key),
    )
    lines = "\n".join(f"  {name:<15}  {value}" for name, value in rows)
    return (
        "To try the set-up: Settings > Devices & services > Add integration > Plex Label Sync,\n"
        f"“Enter URL and token”, and a second household that is not set up yet:\n\n{lines}"
    )


def introduction(
    url: str, owner: Owner, version: str, rows: Sequence[tuple[str, str]], second: str
) -> str:
    """Return the text printed once everything runs; `second` describes the other household."""
    commands = textwrap.indent(_aligned(rows, "  "), "  ")
    return (
        f"\nThe demo runs: Home Assistant {version}\n\n"
        f"  Address   {url}\n  User      {owner.username}\n  Password  {owner.password}\n\n"
        f"Try in a second terminal:\n\n{commands}\n\n{second}\n\nCtrl-C ends everything."
    )


def _aligned(rows: Sequence[tuple[str, str]], between: str) -> str:
    width = max(len(command) for command, _ in rows)
    return "\n".join(f"{command:<{width}}{between}{effect}" for command, effect in rows)


def listed(names: Sequence[str]) -> str:
    """Return names joined as in a sentence."""
    if len(names) < 2:  # noqa: PLR2004  # one name needs no "and"
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
