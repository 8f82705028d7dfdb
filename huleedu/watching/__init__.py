"""Metrics, health, and whether everything is well."""
