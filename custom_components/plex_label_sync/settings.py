"""Convert a config entry's options to settings."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from .options import OPTIONS
from .sync.model import SyncSettings
from .sync.queue import QueueSettings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Settings:
    """All options of an entry, each in the field named by its key, here or in one of the parts.

    Intervals are in seconds.
    """

    sync: SyncSettings
    queue: QueueSettings
    live_mode: bool
    batch_mode: bool
    sync_interval: float
    base_url: str | None
    check_sharing: bool
    sharing_interval: float
    sharing_accounts: tuple[str, ...]

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Build settings from an entry's options, with defaults for missing ones."""
        values: dict[str, Any] = {key: option.read(options) for key, option in OPTIONS.items()}
        values["sync"] = SyncSettings(**_of(SyncSettings, values))
        values["queue"] = QueueSettings(**_of(QueueSettings, values))
        return cls(**_of(cls, values))


def _of(part: type["DataclassInstance"], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values whose keys are fields of a dataclass."""
    return {field.name: values[field.name] for field in fields(part)}
