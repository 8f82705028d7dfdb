"""What can go wrong: codes, states that may not be reached, outages, failures on purpose."""
