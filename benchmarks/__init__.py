"""Side by side: this integration and other ways to do its job, on the same simulated servers."""
