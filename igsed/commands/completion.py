"""Print what makes a shell complete igsed's commands and options.

Put the command of your shell into its start-up file (~/.bashrc, ~/.zshrc, ~/.config/fish/config.fish). File names are
completed as before.
"""

import argparse

EXAMPLES = (
    "bash    # source <(igsed completion bash)",
    "zsh     # source <(igsed completion zsh), after compinit",
    "fish    # igsed completion fish | source",
)
_BASH = """\
_igsed() {{
    local words
    case "${{COMP_WORDS[1]}} ${{COMP_WORDS[COMP_CWORD-1]}}" in
{cases}
    esac
    [ "$COMP_CWORD" -eq 1 ] && words="{commands}"
    COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _igsed igsed
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", choices=["bash", "zsh", "fish"], help="which shell")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed import commands

    print(script(commands.parser(), options.shell), end="")
    return 0


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The shell's own code, made from the parser and its commands."""
    commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    helps = {action.dest: action.help or "" for action in commands._choices_actions}
    return _fish(commands.choices, helps) if shell == "fish" else _bash(commands.choices, shell)


def _words(parser: argparse.ArgumentParser) -> str:
    """What a word of a command may be: choices of its arguments, and its options."""
    words = []
    for action in parser._actions:
        words += [option for option in action.option_strings if option.startswith("--")]
        words += map(str, action.choices or ()) if not action.option_strings else ()
    return " ".join(words)


def _bash(commands: dict[str, argparse.ArgumentParser], shell: str) -> str:
    cases = []
    for name, parser in commands.items():
        for action in parser._actions:
            if action.option_strings and action.nargs != 0:
                choices = " ".join(map(str, action.choices or ()))
                cases.append(f'        "{name} {action.option_strings[-1]}") words="{choices}" ;;')
        cases.append(f'        "{name} "*) words="{_words(parser)}" ;;')
    start = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return start + _BASH.format(cases="\n".join(cases), commands=" ".join([*commands, "--help", "--version"]))


def _fish(commands: dict[str, argparse.ArgumentParser], helps: dict[str, str]) -> str:
    lines = ["complete -c igsed -n __fish_use_subcommand -f"]
    lines += [f"complete -c igsed -n __fish_use_subcommand -l {name}" for name in ("help", "version")]
    for name, parser in commands.items():
        lines.append(f"complete -c igsed -n __fish_use_subcommand -a {name} -d {_quoted(helps[name])}")
        of_command = f"complete -c igsed -n '__fish_seen_subcommand_from {name}'"
        for action in parser._actions:
            choices = f" -a {_quoted(' '.join(map(str, action.choices)))}" if action.choices else ""
            about = f" -d {_quoted(action.help or '')}"
            if action.option_strings:
                value = "" if action.nargs == 0 else " -x" if choices else " -r"  # -x: no file names
                lines.append(f"{of_command} -l {action.option_strings[-1][2:]}{value}{choices}{about}")
            elif choices:
                lines.append(f"{of_command} -f{choices}{about}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
