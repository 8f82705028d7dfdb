"""Erasing what was removed, in every app, and repeating erasures after a restore."""
