"""The web server: what comes in byte by byte, forms, static files, draining."""
