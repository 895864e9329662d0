"""Live mode: sources of changes, and the live syncs that they trigger."""
