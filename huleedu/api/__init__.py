"""What every API address shares: the base view, shapes, the schema, idempotency, turns, throttles, quotas."""
