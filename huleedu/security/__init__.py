"""The security log: written in the deed's transaction, shown, exported."""
