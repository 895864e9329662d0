"""Settle on the user's own servers what no documentation states: decisions and request order."""
