"""Doors to what is not ours (store, disks, the school's sign-in), and what is counted."""
