"""Compares this integration with other ways to do its job, on the same simulated servers."""
