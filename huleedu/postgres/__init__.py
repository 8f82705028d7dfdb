"""The database as such: clock, conflicts, one moment, kept plans, presence, its schema's standing."""
