"""Exports: what a teacher hands back. Each file of `kinds` declares one."""
