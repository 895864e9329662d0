"""Home of the integration; a package, so that tests import this folder and no other of its name."""
