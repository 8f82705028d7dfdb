#!/usr/bin/env python3
"""Management commands; without ``DATABASE_URL`` they use the small installation in ``HULEEDU_VAR``."""

import gc
import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it loads, Ctrl-C ends it as SIGTERM does
    gc.disable()  # while it loads, nothing is garbage: to look for it takes a sixth of the time

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    from huleedu.machine import places, stepping_down

    command = [os.path.abspath(__file__), *sys.argv[1:]]  # noqa: PTH100
    name = sys.argv[1] if sys.argv[1:] else "help"
    if {"--help", "-h"} & set(sys.argv[1:]):
        name = "help"  # is told without an installation
    if name == "restore" and "--check" in sys.argv:
        name = "restore --check"  # needs no installation, and makes none
    stepping_down.before(name, places.state_folder(), command)
    from files.steps.confinement import hide_memory
    from huleedu import run
    from huleedu.backup import at_rest
    from huleedu.machine.release import release

    hide_memory()
    if sys.argv[1:] == ["run"]:
        gc.enable()
        sys.exit(run.main())
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"HuleEdu {release()}\n")
        return
    try:
        with at_rest.database_for(name, places.state_folder()):
            manage(name)
    except places.InstallationError as error:
        sys.exit(f"HuleEdu cannot start this. {error}")


def manage(command: str) -> None:
    """Run a command of Django's or ours, called ``command``, in the environment of the installation."""
    from huleedu import embedded
    from huleedu.machine import places
    from huleedu.postgres import standstill

    found = embedded.installed_environment(places.state_folder())
    if os.environ.get("DATABASE_URL") and os.environ.get("HULEEDU_PROCESS"):
        found.pop("SECRET_KEY", None)  # a part of a larger installation is told its key, or refuses to start
    for variable, value in found.items():
        os.environ.setdefault(variable, value)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huleedu.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    standstill.guard(command)
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"HuleEdu cannot start this. {error}\n")
        sys.exit(os.EX_CONFIG)


if __name__ == "__main__":
    main()
