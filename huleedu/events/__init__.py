"""Facts: their vocabulary, the outbox, the log, the feed that browsers follow, redaction."""
