"""The engine: plain Python that decides and carries out which labels go where."""
