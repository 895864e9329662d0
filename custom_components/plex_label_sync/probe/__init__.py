"""Settles on somebody's own servers what no document says for sure: pure decisions, and the order of the questions."""
