"""A config entry's options as the engine's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .const import (
    CONF_BASE_URL,
    CONF_BATCH_MODE,
    CONF_CHECK_SHARING,
    CONF_EXCLUDE_LABELS,
    CONF_EXCLUDE_PEOPLE,
    CONF_LABEL_FORMAT,
    CONF_LIBRARIES,
    CONF_LIVE_MODE,
    CONF_MAX_REMOVALS,
    CONF_OPT_OUT_LABEL,
    CONF_PENDING_MAX_AGE,
    CONF_PENDING_RETRY_INTERVAL,
    CONF_PRESERVE_EXISTING_LABELS,
    CONF_REMOVAL_DELAY,
    CONF_REMOVED_LABEL,
    CONF_REMOVED_LABEL_MODE,
    CONF_RESTORE_OVERRIDES,
    CONF_SHARING_ACCOUNTS,
    CONF_SHARING_INTERVAL,
    CONF_SYNC_DISABLED_PEOPLE,
    CONF_SYNC_INTERVAL,
    DEFAULT_LABEL_FORMAT,
    DEFAULT_MAX_REMOVALS,
    DEFAULT_OPT_OUT_LABEL,
    DEFAULT_PENDING_MAX_AGE,
    DEFAULT_PENDING_RETRY_INTERVAL,
    DEFAULT_REMOVAL_DELAY,
    DEFAULT_REMOVED_LABEL,
    DEFAULT_SHARING_INTERVAL,
    DEFAULT_SYNC_INTERVAL,
)
from .sync.model import RemovedLabelMode, SyncSettings, fold
from .sync.queue import QueueSettings

SECONDS_PER_MINUTE = 60
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Settings:
    """All options of an entry; `sync_interval` is in seconds."""

    sync: SyncSettings
    queue: QueueSettings
    live_mode: bool
    batch_mode: bool
    sync_interval: float
    base_url: str | None
    check_sharing: bool = True
    sharing_interval: float = DEFAULT_SHARING_INTERVAL
    sharing_accounts: tuple[str, ...] = ()

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Read an entry's options; what is not set has its default."""
        libraries = options.get(CONF_LIBRARIES)
        return cls(
            sync=SyncSettings(
                label_format=options.get(CONF_LABEL_FORMAT, DEFAULT_LABEL_FORMAT),
                exclude_labels=frozenset(map(fold, options.get(CONF_EXCLUDE_LABELS, ()))),
                preserve_existing_labels=options.get(CONF_PRESERVE_EXISTING_LABELS, True),
                libraries=None if libraries is None else frozenset(libraries),
                exclude_people=frozenset(map(int, options.get(CONF_EXCLUDE_PEOPLE, ()))),
                sync_disabled_people=options.get(CONF_SYNC_DISABLED_PEOPLE, False),
                removed_label_mode=RemovedLabelMode(
                    options.get(CONF_REMOVED_LABEL_MODE, RemovedLabelMode.KEEP)
                ),
                removed_label=options.get(CONF_REMOVED_LABEL, DEFAULT_REMOVED_LABEL),
                removal_delay=SECONDS_PER_DAY
                * float(options.get(CONF_REMOVAL_DELAY, DEFAULT_REMOVAL_DELAY)),
                restore_overrides=options.get(CONF_RESTORE_OVERRIDES, False),
                opt_out_label=options.get(CONF_OPT_OUT_LABEL, DEFAULT_OPT_OUT_LABEL),
                max_removals=float(options.get(CONF_MAX_REMOVALS, DEFAULT_MAX_REMOVALS)) / 100,
            ),
            queue=QueueSettings(
                retry_interval=float(
                    options.get(CONF_PENDING_RETRY_INTERVAL, DEFAULT_PENDING_RETRY_INTERVAL)
                ),
                max_age=SECONDS_PER_MINUTE
                * float(options.get(CONF_PENDING_MAX_AGE, DEFAULT_PENDING_MAX_AGE)),
            ),
            live_mode=options.get(CONF_LIVE_MODE, True),
            batch_mode=options.get(CONF_BATCH_MODE, True),
            sync_interval=float(options.get(CONF_SYNC_INTERVAL, DEFAULT_SYNC_INTERVAL)),
            base_url=options.get(CONF_BASE_URL) or None,
            check_sharing=options.get(CONF_CHECK_SHARING, True),
            sharing_interval=float(options.get(CONF_SHARING_INTERVAL, DEFAULT_SHARING_INTERVAL)),
            sharing_accounts=tuple(options.get(CONF_SHARING_ACCOUNTS, ())),
        )
