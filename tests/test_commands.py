"""The command line: every command says what it does, starts fast, and is completed by a shell."""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from igsed import commands
from igsed.__main__ import main
from igsed.commands import completion
from tests.terminals import Terminal

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", commands.NAMES)
def test_a_command_describes_itself_and_its_examples_can_be_typed(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    told = capsys.readouterr().out
    assert end.value.code == 0
    assert max(map(len, told.partition("examples:")[0].splitlines())) <= 100
    examples = told.partition("\nexamples:\n")[2].splitlines()
    assert examples
    for line in examples:
        words = shlex.split(line, comments=True)
        assert words[:2] == ["igsed", name]
        assert commands.parser().parse_args(words[1:]).command == name
    described = told.partition("\n\n")[2].partition("\n\n")[0]
    assert described.endswith(".")


def test_all_commands_have_help_and_every_argument_says_what_it_is(capsys):
    parser = commands.parser()
    (chosen,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    assert list(chosen.choices) == list(commands.NAMES)
    assert all(action.help for action in chosen._choices_actions)
    for name, command in chosen.choices.items():
        assert all(action.help for action in command._actions), name


@pytest.mark.parametrize("words", ["--version", "--help", "show --help", "completion bash"])
def test_what_only_reads_the_command_line_imports_nothing_large(words, tmp_path):
    code = (
        "import sys\nfrom igsed.__main__ import main\n"
        f"try:\n    main({words.split()!r})\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'pandas', 'numpy', 'scipy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("words", [["show"], ["compare"], ["verify"], ["explain"], ["explain", "--labels", "--model"]])
def test_a_name_that_no_file_can_have_is_told(words, capsys):
    assert main([*words, "x" * 300]) == 1
    assert "ERROR: " in capsys.readouterr().err


@pytest.mark.parametrize("cores", ["0", "-1", "two"])
def test_a_number_of_cores_that_is_none_is_refused(cores, capsys):
    with pytest.raises(SystemExit) as end:
        main(["forecast", "--cores", cores])
    assert end.value.code == 2
    assert "--cores" in capsys.readouterr().err


def completed(*words: str) -> list[str]:
    """What bash offers for the last of some words."""
    script = completion.script(commands.parser(), "bash")
    ask = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _igsed; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\n{ask}"],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["s"], ["show"]),
        (["co"], ["compare", "completion"]),
        (["--v"], ["--version"]),
        (["list", "m"], ["metrics"]),
        (["show", "--"], ["--help", "--protocol", "--split", "--files"]),
        (["show", "--split", ""], ["test", "recordings"]),
        (["show", "default", "--split", "r"], ["recordings"]),
        (["compare", "results/default", "--pro"], ["--protocol"]),
        (["compare", "--out", ""], []),
        (["nonsense", ""], []),
    ],
    ids=str,
)
def test_bash_completes_commands_options_and_choices(words, offered):
    assert completed("igsed", *words) == offered


def test_bash_takes_the_script_and_falls_back_on_files():
    """As a user has it: printed by the command, read by `source`."""
    code = f'igsed() {{ {shlex.quote(sys.executable)} -m igsed "$@"; }}; source <(igsed completion bash)'
    code += "; complete -p igsed"
    done = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "complete -o default -F _igsed igsed\n", done.stderr


def needed(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed (apt-get install {shell})")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_accept_the_script(shell, tmp_path):
    script = completion.script(commands.parser(), shell)
    assert all(name in script for name in commands.NAMES)
    needed(shell)
    (tmp_path / "script").write_text(script)
    done = subprocess.run([shell, "-n", str(tmp_path / "script")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("s", ["show"]),
        ("co", ["compare", "completion"]),
        ("--v", ["--version"]),
        ("list m", ["metrics"]),
        ("show --", ["--files", "--help", "--protocol", "--split"]),
        ("show --split ", ["recordings", "test"]),
        ("show default --split r", ["recordings"]),
        ("compare results/default --pro", ["--protocol"]),
        ("compare ", ["a file"]),
        ("compare --out ", ["a file"]),
    ],
)
def test_fish_completes_commands_options_choices_and_files(words, offered, tmp_path):
    needed("fish")
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    (here / "a file").touch()
    script = completion.script(commands.parser(), "fish")
    command = ["fish", "--no-config", "-c", f"{script}\ncomplete -C {shlex.quote(f'igsed {words}')}"]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, cwd=here, env=environment, stdin=subprocess.DEVNULL)
    assert done.stderr == ""
    assert [line.partition("\t")[0].replace("\\ ", " ") for line in done.stdout.splitlines()] == offered


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("sh", "igsed show "),
        ("comple", "igsed completion "),
        ("--v", "igsed --version "),
        ("list m", "igsed list metrics "),
        ("show default --split r", "igsed show default --split recordings "),
        ("compare results/default --pro", "igsed compare results/default --protocol "),
        ("compare onl", "igsed compare only_one_file "),
    ],
)
def test_zsh_completes_commands_options_choices_and_files(words, line, tmp_path):
    """As a user has it: typed, then the tabulator."""
    needed("zsh")
    (tmp_path / "only_one_file").touch()
    (tmp_path / "script").write_text(completion.script(commands.parser(), "zsh"))
    terminal = Terminal()
    home = os.environ | {"TERM": "dumb", "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path)}
    both = dict.fromkeys(("stdin", "stdout", "stderr"), terminal.outside)
    shell = subprocess.Popen(["zsh", "-f", "-i"], cwd=tmp_path, env=home, start_new_session=True, **both)
    try:
        terminal.type("PS1='> '; autoload -U compinit; compinit -u -D; source ./script; print rea''dy\n")
        terminal.wait_for("ready\r\n")
        terminal.type(f"igsed {words}\t")
        terminal.wait_for(line)
    finally:
        shell.kill()
        shell.wait()
        terminal.close()


def test_every_word_of_fish_is_quoted():
    for line in completion.script(commands.parser(), "fish").splitlines():
        assert shlex.split(line.replace(r"\'", "’"))[:3] == ["complete", "-c", "igsed"]
