#!/usr/bin/env python3
"""Management commands; without ``DATABASE_URL`` they use the small installation in ``HULEEDU_VAR``."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it loads, Ctrl-C ends it as SIGTERM does

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    from files.steps.confinement import hide_memory
    from huleedu import embedded, places, run

    hide_memory()
    if sys.argv[1:] == ["run"]:
        sys.exit(run.main())
    found = embedded.installed_environment(places.state_folder())
    if os.environ.get("DATABASE_URL") and os.environ.get("HULEEDU_PROCESS"):
        found.pop("SECRET_KEY", None)  # a part of a larger installation is told its key, or refuses to start
    for name, value in found.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huleedu.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"HuleEdu cannot start this. {error}\n")
        sys.exit(os.EX_CONFIG)


if __name__ == "__main__":
    main()
