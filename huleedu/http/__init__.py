"""What every request has: an id, whoever calls and from where, headers and cookies."""
