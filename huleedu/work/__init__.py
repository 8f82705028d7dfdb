"""Queued work of any kind: the queue, its handlers, timers, seats, the broker, leaving."""
