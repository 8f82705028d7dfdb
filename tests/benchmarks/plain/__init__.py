"""What a plain Django project would be: the floor beside which the cost of a file is told.

Bytes are flushed, row and task are written in one transaction, one task reads, validates, checks and saves.
Nobody signs in, nothing is confined, counted, followed live or repeated, nothing that comes twice is told.
It answers the few addresses that a benchmark's teacher uses.
"""
