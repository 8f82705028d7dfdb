"""The relay: from the outbox to reactions and feeds, and what it tidies on the way."""
