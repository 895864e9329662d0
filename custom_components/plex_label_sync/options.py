"""The table of options, the single source for settings, forms and validation.

A row gives an option's key, its section of the form, its kind and its default. The kind defines
how input is cleaned and converted for the settings; `flows/options_form.py` has the selector for
each kind.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Any, Final

from .const import (
    CONF_BASE_URL,
    CONF_BATCH_MODE,
    CONF_LABEL_FORMAT,
    CONF_LIBRARIES,
    CONF_LIVE_MODE,
    CONF_SHARING_ACCOUNTS,
)
from .server_urls import CredentialsInUrlError, normalize_url
from .sync.model import RemovedLabelMode, fold
from .sync.naming import InvalidLabelFormatError, check_label_format, clean_label
from .sync.person_id import PersonId, named_id, public_id


class UnusableValueError(ValueError):
    """A value that a form rejects; `error` is the translation key of the reason."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Section(StrEnum):
    """The sections of the form, in order."""

    LABELS = "labels"
    LIVE = "live"
    FULL_SYNC = "full_sync"
    REMOVAL = "removal"
    SAFETY = "safety"
    SHARING = "sharing"
    CONNECTION = "connection"


class Unit(StrEnum):
    """The unit of a number. The settings hold times in seconds, and shares from 0 to 1."""

    SECONDS = "s"
    MINUTES = "min"
    DAYS = "d"
    PERCENT = "%"


_SECONDS: Final[Mapping[Unit, int]] = {Unit.SECONDS: 1, Unit.MINUTES: 60, Unit.DAYS: 86_400}


# The kinds. `clean` converts input to the stored value, or raises UnusableValueError; `read`
# converts the stored value for the settings.


@dataclass(frozen=True, slots=True)
class Flag:
    """On or off."""

    def clean(self, value: bool) -> bool:
        """Return it unchanged."""
        return value

    def read(self, value: bool) -> bool:
        """Return it unchanged."""
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number within limits."""

    minimum: int
    maximum: int
    unit: Unit

    def clean(self, value: float) -> int:
        """Return the number as an integer; selectors return floats and accept fractions."""
        if not value.is_integer():
            raise UnusableValueError("not_a_whole_number")
        return int(value)

    def read(self, value: float) -> float:
        """Return seconds, or a share from 0 to 1."""
        return value / 100 if self.unit is Unit.PERCENT else float(value * _SECONDS[self.unit])


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its own validation."""

    clean: Callable[[str], str]

    def read(self, value: str) -> str:
        """Return it unchanged."""
        return value


@dataclass(frozen=True, slots=True)
class Url:
    """An http or https address."""

    def clean(self, text: str) -> str:
        """Return an address without a trailing slash."""
        if "://" not in text:  # tolerated for connections, but not by a webhook's sender
            raise UnusableValueError("invalid_url")
        try:
            return normalize_url(text)
        except CredentialsInUrlError as err:
            raise UnusableValueError("url_with_credentials") from err
        except ValueError as err:
            raise UnusableValueError("invalid_url") from err

    def read(self, value: str) -> str | None:
        """Return the address, None if it is empty."""
        return value or None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values."""

    values: type[StrEnum]

    def clean(self, value: str) -> str:
        """Return it unchanged: the selector offers only valid values."""
        return value

    def read(self, value: str) -> StrEnum:
        """Return the enum member."""
        return self.values(value)


@dataclass(frozen=True, slots=True)
class Labels:
    """Any number of labels."""

    def clean(self, labels: Iterable[str]) -> list[str]:
        """Return labels without surrounding spaces and case-insensitive duplicates."""
        texts = filter(None, (label.strip() for label in labels))
        return list({fold(text): text for text in reversed(list(texts))}.values())[::-1]

    def read(self, labels: Iterable[str]) -> frozenset[str]:
        """Return the labels casefolded."""
        return frozenset(map(fold, labels))


@dataclass(frozen=True, slots=True)
class Libraries:
    """Section keys of the Plex server; None means all, later ones included."""

    def clean(self, keys: Iterable[str]) -> list[str]:
        """Return the chosen libraries without duplicates. Raises UnusableValueError for none."""
        if not (chosen := list(dict.fromkeys(keys))):
            raise UnusableValueError("no_libraries")
        return chosen

    def read(self, keys: Iterable[str] | None) -> frozenset[str] | None:
        """Return the chosen libraries, None for all."""
        return None if keys is None else frozenset(keys)


@dataclass(frozen=True, slots=True)
class People:
    """People's ids, stored as strings; those of Pulsarr users without their source."""

    def clean(self, ids: Iterable[str]) -> list[str]:
        """Return ids without duplicates. Raises UnusableValueError for an invalid id."""
        found = dict.fromkeys(map(named_id, ids))
        if None in found:
            raise UnusableValueError("invalid_person")
        return [public_id(one) for one in found if one is not None]

    def read(self, ids: Iterable[object]) -> frozenset[PersonId]:
        """Return ids with their source."""
        return frozenset(filter(None, (named_id(str(one)) for one in ids)))


@dataclass(frozen=True, slots=True)
class Accounts:
    """People's Plex accounts, each as `PERSON=ACCOUNT`."""

    def clean(self, texts: Iterable[str]) -> list[str]:
        """Return the pairs without duplicates."""
        pairs = list(dict.fromkeys(filter(None, (text.strip() for text in texts))))
        if not all("=" in pair.strip("=") for pair in pairs):
            raise UnusableValueError("invalid_sharing_account")
        return pairs

    def read(self, pairs: Iterable[str]) -> tuple[str, ...]:
        """Return the pairs."""
        return tuple(pairs)


type Kind = Flag | Number | Text | Url | Choice | Labels | Libraries | People | Accounts


def _clean_label_format(text: str) -> str:
    """Return a label format without surrounding spaces. Raises UnusableValueError."""
    label_format = text.strip()
    try:
        check_label_format(label_format)
    except InvalidLabelFormatError as err:
        raise UnusableValueError("invalid_label_format") from err
    return label_format


def _clean_label(text: str) -> str:
    """Return a label valid in Plex and in a share filter. Raises UnusableValueError."""
    if clean_label(text) != text.strip() or not text.strip():
        raise UnusableValueError("invalid_label")
    return text.strip()


@dataclass(frozen=True, slots=True)
class Option:
    """One option; `default` is in stored form, and the field of the settings is named `key`."""

    key: str
    section: Section
    kind: Kind
    _: KW_ONLY
    default: bool | int | str | tuple[str, ...] | None
    may_be_empty: bool = False  # an empty text means None

    def stored(self, options: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as the kind has it
        """Return the option's stored value, or its default."""
        return options.get(self.key, self.default)

    def read(self, options: Mapping[str, Any]) -> object:
        """Return the option's value for the settings."""
        return self.kind.read(self.stored(options))

    def clean(self, value: Any) -> object:  # noqa: ANN401 - as the kind has it
        """Return input in its stored form. Raises UnusableValueError."""
        if self.may_be_empty and not value.strip():
            return ""
        return self.kind.clean(value)


_DAY: Final = 24 * 3600  # seconds
_TABLE: Final = (
    Option(CONF_LABEL_FORMAT, Section.LABELS, Text(_clean_label_format), default="{username}"),
    Option(CONF_LIBRARIES, Section.LABELS, Libraries(), default=None),
    Option("exclude_people", Section.LABELS, People(), default=()),
    Option("sync_disabled_people", Section.LABELS, Flag(), default=False),
    Option(CONF_LIVE_MODE, Section.LIVE, Flag(), default=True),
    Option("pending_retry_interval", Section.LIVE, Number(1, 3600, Unit.SECONDS), default=30),
    Option("pending_max_age", Section.LIVE, Number(1, 7 * 24 * 60, Unit.MINUTES), default=30),
    Option(CONF_BATCH_MODE, Section.FULL_SYNC, Flag(), default=True),
    Option("sync_interval", Section.FULL_SYNC, Number(60, 7 * _DAY, Unit.SECONDS), default=3600),
    Option("removed_label_mode", Section.REMOVAL, Choice(RemovedLabelMode), default="keep"),
    Option("removed_label", Section.REMOVAL, Text(_clean_label), default="removed"),
    Option("removal_delay", Section.REMOVAL, Number(0, 365, Unit.DAYS), default=0),
    Option("max_removals", Section.SAFETY, Number(1, 100, Unit.PERCENT), default=20),
    Option("preserve_existing_labels", Section.SAFETY, Flag(), default=True),
    Option("exclude_labels", Section.SAFETY, Labels(), default=()),
    Option(
        "opt_out_label", Section.SAFETY, Text(_clean_label), default="no-sync", may_be_empty=True
    ),
    Option("restore_overrides", Section.SAFETY, Flag(), default=False),
    Option("check_sharing", Section.SHARING, Flag(), default=True),
    Option(
        "sharing_interval", Section.SHARING, Number(3600, 30 * _DAY, Unit.SECONDS), default=_DAY
    ),
    Option(CONF_SHARING_ACCOUNTS, Section.SHARING, Accounts(), default=()),
    Option(CONF_BASE_URL, Section.CONNECTION, Url(), default="", may_be_empty=True),
)
OPTIONS: Final[Mapping[str, Option]] = {option.key: option for option in _TABLE}
