"""``python -m tests.benchmarks.year``: a school's year (``school_year``), with servers of its own."""

import argparse
import sys

from tests.benchmarks.__main__ import conditions, measured, say, table


def main() -> int:
    """Measure and print the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.year", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of a year, to see that it works")
    quick = parser.parse_args().quick
    say(conditions(quick))
    rows = measured("school_year", quick)
    say(table(rows))
    return 0 if all(row.passed is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
