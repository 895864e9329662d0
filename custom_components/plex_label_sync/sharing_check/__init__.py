"""Who can see what: reading, telling and keeping it; the rules themselves are in `sharing`."""
