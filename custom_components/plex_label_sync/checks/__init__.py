"""Checks for problems: another writer of labels, a missing library, two people with one label."""
