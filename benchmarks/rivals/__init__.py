"""Fair implementations of other ways to label Plex items from watchlists."""
