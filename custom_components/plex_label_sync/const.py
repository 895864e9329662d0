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

# Options that code names, kept in the config entry's options; `options.py` has all of them
CONF_LIVE_MODE: Final = "live_mode"
CONF_BATCH_MODE: Final = "batch_mode"
CONF_LABEL_FORMAT: Final = "label_format"
CONF_LIBRARIES: Final = "libraries"
CONF_SHARING_ACCOUNTS: Final = "sharing_accounts"
CONF_BASE_URL: Final = "base_url"

WEBHOOK_SECRET_HEADER: Final = "X-Plex-Label-Sync-Secret"
