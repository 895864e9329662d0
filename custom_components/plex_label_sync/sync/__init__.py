"""The engine: plain Python that decides which labels belong on which items, and writes them."""
