"""``python -m tests.benchmarks.one MODULE``: sets Django up and runs one module of this folder."""

import importlib
import sys

import django

if __name__ == "__main__":
    django.setup()
    importlib.import_module(f"tests.benchmarks.{sys.argv[1]}").main()
