"""Who may see what, worked out from the rules at plex.tv. Pure: no input or output, nothing changed."""
