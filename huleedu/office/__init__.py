"""Pages on accounts that need to know their batches."""
