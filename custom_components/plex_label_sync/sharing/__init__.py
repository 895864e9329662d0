"""Determine who may see what from the rules at plex.tv. Pure: no input or output, no changes."""
