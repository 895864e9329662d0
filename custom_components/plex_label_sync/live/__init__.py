"""Live mode: what announces a change, and what is done about it at once."""
