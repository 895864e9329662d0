"""Read, report and store who can see what; the rules themselves are in `sharing`."""
