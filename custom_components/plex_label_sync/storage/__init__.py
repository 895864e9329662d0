"""The integration's files on disk."""
