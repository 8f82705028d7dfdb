"""From a text in its place to a phase's end: each action is one transaction, and nothing else opens one."""
