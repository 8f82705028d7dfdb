"""Accounts: doors, passwords, second factors, sessions, links, tokens, the school's sign-in, closing."""
