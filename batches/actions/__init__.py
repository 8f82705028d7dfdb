"""What a teacher and the clock do to a batch: each action is one transaction, and nothing else opens one."""
