#!/usr/bin/env python3
"""Management commands; without ``DATABASE_URL`` they use the small installation in ``HULEEDU_VAR``."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it loads, Ctrl-C ends it as SIGTERM does

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    from huleedu import embedded, places, run

    if sys.argv[1:] == ["run"]:
        sys.exit(run.main())
    for name, value in embedded.installed_environment(places.state_folder()).items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huleedu.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
