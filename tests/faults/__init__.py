"""Faults on purpose: the chaos harness and the fault matrix."""
