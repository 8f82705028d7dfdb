"""Whether processes, code, database and store fit together, and which walls readers have."""
