"""Setting up and changing an entry: steps, fields, and what forms show."""
