"""Backup, restore and moving: one file, one moment."""
