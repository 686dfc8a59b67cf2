"""Test whether a detector does what every detector must.

docs/detectors.md says what is checked.
"""

import argparse

EXAMPLES = ("my_method.py", "my_package.my_method:scores", "ig")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("what", metavar="FILE", help="a Python file, package.module:name, or a detector's name")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed import conformance

    failed = 0
    for detector in conformance.find(options.what):
        print(f"{detector.name}, which needs {detector.needs}")
        for check in conformance.run(detector):
            print(f"  ok      {check.name}" if check.passed else f"  FAILED  {check.name}: {check.told}")
            failed += not check.passed
    if failed:
        print(f"{failed} {'check' if failed == 1 else 'checks'} failed; docs/detectors.md says what is checked.")
    return int(failed > 0)
