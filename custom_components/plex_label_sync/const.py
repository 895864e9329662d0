"""Constants shared by the Home Assistant side of the integration."""

from typing import Final

DOMAIN: Final = "plex_label_sync"
NAME: Final = "Plex Label Sync"
DOCS: Final = "https://github.com/plex-label-sync/plex_label_sync/blob/main/docs/"

# Keys of the config entry's data
CONF_PLEX_URL: Final = "plex_url"
CONF_PLEX_TOKEN: Final = "plex_token"
CONF_PLEX_VERIFY_SSL: Final = "plex_verify_ssl"
CONF_PULSARR_URL: Final = "pulsarr_url"
CONF_PULSARR_API_KEY: Final = "pulsarr_api_key"
CONF_PULSARR_VERIFY_SSL: Final = "pulsarr_verify_ssl"
CONF_CLIENT_ID: Final = "client_id"
CONF_PLEX_TV_TOKEN: Final = "plex_tv_token"  # only if plex.tv refuses the server's own token
CONF_WEBHOOK_SECRET: Final = "webhook_secret"
CONF_CONFIRMED: Final = "confirmed"  # names and shared labels; may change while the entry is loaded
CONF_FORMER_SECRETS: Final = "former_secrets"  # removed while the entry is loaded
CONF_TAKE_OVER: Final = "take_over"  # until the first setup has applied it
CONF_LIBRARIES_SEEN: Final = "libraries_seen"  # those the user has decided about, either way

# Keys of the options that other modules name; `options.py` has all of them
CONF_LIVE_MODE: Final = "live_mode"
CONF_BATCH_MODE: Final = "batch_mode"
CONF_LABEL_FORMAT: Final = "label_format"
CONF_LIBRARIES: Final = "libraries"
CONF_SHARING_ACCOUNTS: Final = "sharing_accounts"
CONF_BASE_URL: Final = "base_url"

WEBHOOK_SECRET_HEADER: Final = "X-Plex-Label-Sync-Secret"
