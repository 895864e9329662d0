"""The steps, fields and contents of the config and options flows."""
