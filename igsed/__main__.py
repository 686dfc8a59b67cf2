"""The command line: `igsed …` or `python -m igsed …`."""

import errno
import os
import sys

from igsed import commands
from igsed.errors import InputError


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status (0 fine, 1 something the user gave cannot be used)."""
    options = commands.parser().parse_args(arguments)
    if not {"", os.getcwd()} & set(sys.path):
        sys.path.insert(0, os.getcwd())  # as `python -m igsed` does, so that both find a user's detectors
    try:
        return commands.module_of(options.command).run(options)
    except BrokenPipeError:  # as in `igsed list detectors | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except InputError as error:
        lines = ["ERROR: this cannot run:", *error.messages] if len(error.messages) > 1 else [f"ERROR: {error}"]
        print("\n  - ".join(lines), file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        print(f"ERROR: {error.filename}: the name is too long. Correct it.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
