"""``python -m tests.benchmarks.one MODULE``: sets Django up and runs one module of this folder."""

import importlib
import sys

import django

from tests import guard

if __name__ == "__main__":
    guard.guard()
    django.setup()
    importlib.import_module(f"tests.benchmarks.{sys.argv[1]}").main()
