"""How long a test waits for what should come."""

PATIENCE = 60.0
"""Seconds after which it is not coming. Nothing is measured by it: a machine may be busy with much else."""
