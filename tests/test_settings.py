"""What an entry's options mean for the engine."""

from custom_components.plex_label_sync.settings import Settings
from custom_components.plex_label_sync.sync.model import RemovedLabelMode, SyncSettings
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.queue import QueueSettings


def test_without_options_everything_is_as_documented() -> None:
    assert Settings.from_options({}) == Settings(
        sync=SyncSettings(
            label_format="{username}",
            exclude_labels=frozenset(),
            preserve_existing_labels=True,
            libraries=None,
            exclude_people=frozenset(),
            sync_disabled_people=False,
        ),
        queue=QueueSettings(pending_retry_interval=30, pending_max_age=30 * 60),
        live_mode=True,
        batch_mode=True,
        sync_interval=3600,
        base_url=None,
        check_sharing=True,
        sharing_interval=24 * 3600,
        sharing_accounts=(),
    )


def test_every_option_is_heeded() -> None:
    settings = Settings.from_options(
        {
            "live_mode": False,
            "batch_mode": False,
            "label_format": "wl {alias}",
            "sync_interval": 600,
            "pending_retry_interval": 5,
            "pending_max_age": 2,
            "exclude_labels": ["Kids", "STRASSE"],
            "preserve_existing_labels": False,
            "libraries": ["1", "3"],
            "exclude_people": ["4", 7],
            "sync_disabled_people": True,
            "base_url": "http://192.168.1.2:8123",
            "removed_label_mode": "mark",
            "removed_label": "gone",
            "removal_delay": 3,
            "restore_overrides": True,
            "opt_out_label": "",
            "max_removals": 35,
            "check_sharing": False,
            "sharing_interval": 7200,
            "sharing_accounts": ["sam=Leo"],
        }
    )
    assert settings == Settings(
        sync=SyncSettings(
            label_format="wl {alias}",
            exclude_labels=frozenset({"kids", "strasse"}),
            preserve_existing_labels=False,
            libraries=frozenset({"1", "3"}),
            exclude_people=frozenset({pulsarr_id(4), pulsarr_id(7)}),
            sync_disabled_people=True,
            removed_label_mode=RemovedLabelMode.MARK,
            removed_label="gone",
            removal_delay=3 * 24 * 3600,
            restore_overrides=True,
            opt_out_label="",
            max_removals=0.35,
        ),
        queue=QueueSettings(pending_retry_interval=5, pending_max_age=120),
        live_mode=False,
        batch_mode=False,
        sync_interval=600,
        base_url="http://192.168.1.2:8123",
        check_sharing=False,
        sharing_interval=7200,
        sharing_accounts=("sam=Leo",),
    )


def test_choosing_no_library_is_not_choosing_all() -> None:
    assert Settings.from_options({"libraries": []}).sync.libraries == frozenset()
    assert Settings.from_options({"base_url": ""}).base_url is None
