"""Other ways to bring watchlists into Plex as labels, written fairly and in our own words."""
