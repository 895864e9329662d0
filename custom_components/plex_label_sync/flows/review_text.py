"""The preview of the first sync as text: short enough for a phone, with names escaped."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ..escaping import as_code, as_markdown
from ..sync.first_sync import FirstSync, LibraryShare, PersonShare, WhyNone
from ..sync.model import Person
from ..texts import Texts
from .label_preview import TEXTS_KEY as PREVIEW, line_of, shown_name

TEXTS_KEY: Final = "review"  # the key of the texts under `selector`
PEOPLE_MAX: Final = 10  # whose titles are listed
TITLES_MAX: Final = 3  # named in each list
NAMES_MAX: Final = 10  # in a list


def review_text(first: FirstSync, texts: Texts) -> str:
    """Return what the first sync would do as Markdown: in total, then by person."""
    totals = "\n".join(f"- {line}" for line in _totals(first, texts))
    parts = [texts.phrase(TEXTS_KEY, "in_total"), totals, texts.phrase(TEXTS_KEY, "by_person")]
    lines: list[str] = []
    for share in first.people[:PEOPLE_MAX]:
        lines.append(f"- {line_of(share.named, texts.groups[PREVIEW])}")
        lines += [f"  - {line}" for line in _of_person(share, texts)]
    if (more := len(first.people) - PEOPLE_MAX) > 0:
        lines.append(f"- {_more(more, texts)}")
    parts.append("\n".join(lines) or texts.phrase(TEXTS_KEY, "nobody"))
    if first.without:
        parts.append(texts.phrase(TEXTS_KEY, "without", people=_without(first.without, texts)))
    return "\n\n".join(parts)


def listed(names: Iterable[str], texts: Texts) -> str:
    """Return names as a list, with a count of the rest."""
    some = list(dict.fromkeys(names))
    more = [_more(len(some) - NAMES_MAX, texts)] if len(some) > NAMES_MAX else []
    return ", ".join(some[:NAMES_MAX] + more)


def _more(count: int, texts: Texts) -> str:
    return texts.phrase(PREVIEW, "more", count=count)


def _totals(first: FirstSync, texts: Texts) -> Iterator[str]:
    run = first.run
    if run.added:
        yield _added("added", run.added, first.titles, texts)
    for key, labels in (
        ("removed", run.removed),
        ("held", len(run.held)),
        ("present", run.unchanged),
        ("vanished", run.vanished),
        ("overridden", run.overridden - run.vanished),
    ):
        if labels > 0:
            yield texts.phrase(TEXTS_KEY, key, labels=texts.counted("labels", labels))
    if not run.changes:
        yield texts.phrase(TEXTS_KEY, "nothing")
    if first.missing:
        yield texts.phrase(TEXTS_KEY, "missing", titles=_titles(len(first.missing), texts))


def _of_person(share: PersonShare, texts: Texts) -> Iterator[str]:
    for one in share.libraries:
        yield _of_library(one, texts)
    if share.missing:
        line = texts.phrase(TEXTS_KEY, "missing", titles=_titles(len(share.missing), texts))
        yield line + _examples(share.missing)


def _of_library(one: LibraryShare, texts: Texts) -> str:
    library = as_markdown(one.library)
    if not one.labels:
        titles = _titles(one.there, texts)
        return texts.phrase(TEXTS_KEY, "library_nothing", library=library, titles=titles)
    line = _added("library", one.labels, len(one.titles), texts, library=library)
    return line + _examples(one.titles)


def _titles(count: int, texts: Texts) -> str:
    return texts.phrase(TEXTS_KEY, "titles", count, count=count)


def _added(key: str, labels: int, titles: int, texts: Texts, **more: str) -> str:
    """Return a text with the number of labels and titles."""
    on_titles = texts.phrase(TEXTS_KEY, "on_titles", titles, count=titles)
    label_count = texts.counted("labels", labels)
    return texts.phrase(TEXTS_KEY, key, labels=label_count, on_titles=on_titles, **more)


def _examples(titles: Sequence[str]) -> str:
    names = [as_markdown(title) for title in titles[:TITLES_MAX]]
    if len(titles) > TITLES_MAX:
        names.append("…")
    return f" ({', '.join(names)})"


def _without(without: Iterable[tuple[Person, WhyNone]], texts: Texts) -> str:
    return listed(
        (
            f"{as_code(shown_name(person))} ({texts.phrase(TEXTS_KEY, why.value)})"
            for person, why in without
        ),
        texts,
    )
