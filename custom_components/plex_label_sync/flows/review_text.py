"""What a form shows of the first sync: short enough for a phone, and nothing but text of every name."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ..escaping import as_code, as_markdown
from ..sync.first_sync import FirstSync, LibraryShare, PersonShare, WhyNone
from ..sync.model import Person
from .label_preview import line_of, shown_name
from .selector_words import Words, counted

PEOPLE_MAX: Final = 10  # whose titles are listed
TITLES_MAX: Final = 3  # named of each list
NAMES_MAX: Final = 10  # in a row


def review_text(first: FirstSync, words: Words, preview_words: Words) -> str:
    """Return what the first sync would do as Markdown: in total, then person by person.

    `preview_words` are those of the label preview, which names the people here as well.
    """
    parts = ["\n".join(f"- {line}" for line in _totals(first, words))]
    lines: list[str] = []
    for share in first.people[:PEOPLE_MAX]:
        lines.append(f"- {line_of(share.named, preview_words)}")
        lines += [f"  - {line}" for line in _of_person(share, words)]
    if (more := len(first.people) - PEOPLE_MAX) > 0:
        lines.append(f"- {preview_words['more'].format(count=more)}")
    parts.append("\n".join(lines) or words["nobody"])
    if first.without:
        parts.append(words["without"].format(people=_without(first.without, words, preview_words)))
    return "\n\n".join(parts)


def listed(names: Iterable[str], preview_words: Words) -> str:
    """Return names in a row, and how many more there are."""
    some = list(dict.fromkeys(names))
    more = [preview_words["more"].format(count=len(some) - NAMES_MAX)]
    return ", ".join(some[:NAMES_MAX] + (more if len(some) > NAMES_MAX else []))


def _totals(first: FirstSync, words: Words) -> Iterator[str]:
    run = first.run
    if run.added:
        yield _added(words["added"], run.added, first.titles, words)
    for key, labels in (
        ("removed", run.removed),
        ("held", len(run.held)),
        ("present", run.unchanged),
        ("overridden", run.overridden),
    ):
        if labels:
            yield words[key].format(labels=counted(words, "labels", labels))
    if not run.changes:
        yield words["nothing"]
    if first.missing:
        yield words["missing"].format(titles=counted(words, "titles", len(first.missing)))


def _of_person(share: PersonShare, words: Words) -> Iterator[str]:
    for one in share.libraries:
        yield _of_library(one, words)
    if share.missing:
        line = words["missing"].format(titles=counted(words, "titles", len(share.missing)))
        yield line + _examples(share.missing)


def _of_library(one: LibraryShare, words: Words) -> str:
    library = as_markdown(one.library)
    if not one.labels:
        titles = counted(words, "titles", one.there)
        return words["library_nothing"].format(library=library, titles=titles)
    line = _added(words["library"], one.labels, len(one.titles), words, library=library)
    return line + _examples(one.titles)


def _added(text: str, labels: int, titles: int, words: Words, **more: str) -> str:
    """Return how many labels go onto how many titles."""
    return text.format(
        labels=counted(words, "labels", labels),
        on_titles=counted(words, "on_titles", titles),
        **more,
    )


def _examples(titles: Sequence[str]) -> str:
    names = [as_markdown(title) for title in titles[:TITLES_MAX]]
    if len(titles) > TITLES_MAX:
        names.append("…")
    return f" ({', '.join(names)})"


def _without(without: Iterable[tuple[Person, WhyNone]], words: Words, preview_words: Words) -> str:
    names = (f"{as_code(shown_name(person))} ({words[why.value]})" for person, why in without)
    return listed(names, preview_words)
