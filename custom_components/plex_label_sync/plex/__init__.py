"""The Plex side: requests to one Plex Media Server."""
