"""The commands of `igsed …`, a module each.

A module has a docstring (the description, whose first line is the command's help in the list of all), `EXAMPLES`
(command lines, without `igsed <command>`), `arguments(parser)` and `run(options)`, which returns the exit status. What
takes long to import, a command imports when it runs, so that `igsed --help` and the shell's completion are quick.
"""

import argparse
import importlib
import textwrap
from importlib.metadata import version
from types import ModuleType

import igsed

NAMES = (
    *("explain", "check", "forecast", "show", "compare", "verify", "unlock"),
    *("list", "new", "test", "export", "docs", "completion"),
)
"""In the order in which `igsed --help` has them."""


_MODULES = {"list": "families"}
"""Those of another name than the command: a module `list` would hide the built-in here."""


def module_of(name: str) -> ModuleType:
    """The module of a command."""
    return importlib.import_module(f"{__name__}.{_MODULES.get(name, name)}")


def parser() -> argparse.ArgumentParser:
    """What reads a command line; the command's name is then in `command`."""
    made = argparse.ArgumentParser(
        prog="igsed", description=igsed.__doc__, epilog="igsed COMMAND --help says more of a command, with examples."
    )
    made.add_argument("--version", action="version", version=f"igsed {version('igsed')}")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in NAMES:
        module = module_of(name)
        head, _, rest = (module.__doc__ or "").strip().partition("\n")
        text = "\n\n".join(textwrap.fill(" ".join(part.split()), 80) for part in f"{head}\n{rest}".split("\n\n"))
        examples = "\n".join(["examples:", *(f"  igsed {name} {example}".rstrip() for example in module.EXAMPLES)])
        module.arguments(
            commands.add_parser(
                name,
                help=head[0].lower() + head[1:].rstrip("."),
                description=text,
                epilog=examples,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return made
