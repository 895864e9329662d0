"""Names and defaults that the Home Assistant side shares."""

from typing import Final

DOMAIN: Final = "plex_label_sync"
NAME: Final = "Plex Label Sync"
DOCS: Final = "https://github.com/plex-label-sync/plex_label_sync/blob/main/docs/"

# Connection data, kept in the config entry's data
CONF_PLEX_URL: Final = "plex_url"
CONF_PLEX_TOKEN: Final = "plex_token"
CONF_PLEX_VERIFY_SSL: Final = "plex_verify_ssl"
CONF_PULSARR_URL: Final = "pulsarr_url"
CONF_PULSARR_API_KEY: Final = "pulsarr_api_key"
CONF_PULSARR_VERIFY_SSL: Final = "pulsarr_verify_ssl"
CONF_CLIENT_ID: Final = "client_id"
CONF_PLEX_TV_TOKEN: Final = "plex_tv_token"  # only where plex.tv refuses the server's own
CONF_WEBHOOK_SECRET: Final = "webhook_secret"
CONF_CONFIRMED: Final = "confirmed"  # names and shared labels; changes while it is loaded
CONF_FORMER_SECRETS: Final = "former_secrets"  # go while it is loaded
CONF_TAKE_OVER: Final = "take_over"  # until the first set-up has done what it says
CONF_LIBRARIES_SEEN: Final = "libraries_seen"  # that somebody has decided about, whichever way

# Preferences, kept in the config entry's options
CONF_LIVE_MODE: Final = "live_mode"
CONF_BATCH_MODE: Final = "batch_mode"
CONF_LABEL_FORMAT: Final = "label_format"
CONF_SYNC_INTERVAL: Final = "sync_interval"
CONF_PENDING_RETRY_INTERVAL: Final = "pending_retry_interval"
CONF_PENDING_MAX_AGE: Final = "pending_max_age"
CONF_EXCLUDE_LABELS: Final = "exclude_labels"
CONF_PRESERVE_EXISTING_LABELS: Final = "preserve_existing_labels"
CONF_LIBRARIES: Final = "libraries"
CONF_EXCLUDE_PEOPLE: Final = "exclude_people"
CONF_SYNC_DISABLED_PEOPLE: Final = "sync_disabled_people"
CONF_BASE_URL: Final = "base_url"
CONF_REMOVED_LABEL_MODE: Final = "removed_label_mode"
CONF_REMOVED_LABEL: Final = "removed_label"
CONF_REMOVAL_DELAY: Final = "removal_delay"
CONF_RESTORE_OVERRIDES: Final = "restore_overrides"
CONF_OPT_OUT_LABEL: Final = "opt_out_label"
CONF_MAX_REMOVALS: Final = "max_removals"
CONF_CHECK_SHARING: Final = "check_sharing"
CONF_SHARING_INTERVAL: Final = "sharing_interval"
CONF_SHARING_ACCOUNTS: Final = "sharing_accounts"

DEFAULT_LABEL_FORMAT: Final = "{username}"
DEFAULT_SYNC_INTERVAL: Final = 3600  # seconds
DEFAULT_PENDING_RETRY_INTERVAL: Final = 30  # seconds
DEFAULT_PENDING_MAX_AGE: Final = 30  # minutes
DEFAULT_REMOVED_LABEL: Final = "removed"
DEFAULT_REMOVAL_DELAY: Final = 0  # days
DEFAULT_OPT_OUT_LABEL: Final = "no-sync"
DEFAULT_MAX_REMOVALS: Final = 20  # percent of the ledger

DEFAULT_SHARING_INTERVAL: Final = 86_400  # seconds

MIN_SYNC_INTERVAL: Final = 60  # seconds
MIN_SHARING_INTERVAL: Final = 3600  # seconds
MIN_PENDING_RETRY_INTERVAL: Final = 1  # seconds
MIN_PENDING_MAX_AGE: Final = 1  # minutes

WEBHOOK_SECRET_HEADER: Final = "X-Plex-Label-Sync-Secret"
