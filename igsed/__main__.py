"""The command line: `igsed …` or `python -m igsed …`."""

import argparse
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import igsed
from igsed import config, listing, preflight, scaffold
from igsed.config import pages
from igsed.errors import InputError
from igsed.explaining import command as explaining
from igsed.jobs import provenance, runs
from igsed.jobs import verify as verification
from igsed.jobs.console import progress

_COMPARE = """\
Put the detectors of several experiments beside each other: values, ranks in each bank, how far the banks agree on the
order of the detectors, and in what else the experiments differ. docs/compare.md says more."""

_COMPARE_EXAMPLES = """\
examples:
  igsed compare results/default results/free_sounds
  igsed compare results/default results/paper --metrics iou f1 --protocol shared --out comparisons/two"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status (0 fine, 1 something the user gave cannot be used)."""
    parser = argparse.ArgumentParser(prog="igsed", description=igsed.__doc__)
    parser.add_argument("--version", action="version", version=f"igsed {version('igsed')}")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check an experiment's configuration and inputs")
    check.add_argument("configfile", nargs="*", type=Path, help="YAML files, merged over config.yaml")
    forecast = commands.add_parser(
        "forecast", help="say what an experiment will cost, from measurements of two minutes"
    )
    forecast.add_argument("configfile", nargs="*", type=Path, help="YAML files, merged over config.yaml")
    forecast.add_argument(
        "--configfile", dest="more", nargs="+", action="extend", default=[], type=Path, metavar="FILE"
    )
    forecast.add_argument("--cores", type=int, default=os.cpu_count(), help="that the run may use (default: all)")
    forecast.add_argument("--gpus", type=int, default=1, help="that the run may use, where there are any (default: 1)")
    results = commands.add_parser("results", help="name the tables, figures and reports that an experiment has made")
    results.add_argument("configfile", nargs="*", type=Path, help="YAML files, merged over config.yaml")
    docs = commands.add_parser("docs", help="write the pages and the schema that are made from the package anew")
    docs.add_argument("root", nargs="?", type=Path, default=Path(), help="the checkout (default: this folder)")
    verify = commands.add_parser("verify", help="compare results with the records and the manifest of the run")
    verify.add_argument("folder", type=Path, help="results/<experiment>")
    verify.add_argument("--remove", action="store_true", help="delete what is damaged; the next run makes it anew")
    lists = commands.add_parser("list", help="list the components that an experiment can be made of")
    lists.add_argument("family", choices=listing.FAMILIES)
    new = commands.add_parser("new", help="write a detector to start from, its test and an experiment")
    new.add_argument("component", choices=["detector"])
    new.add_argument("name", metavar="NAME", help="of the detector: lower-case letters, digits, underscores")
    test = commands.add_parser("test", help="test whether a detector does what every detector must")
    test.add_argument("what", metavar="FILE", help="a Python file, package.module:name, or a detector's name")
    export = commands.add_parser("export", help="write what is needed to make scores for an experiment elsewhere")
    export.add_argument("results", type=Path, help="results/<experiment>")
    export.add_argument("folder", type=Path, help="where to write; a new or an empty folder")
    compare = commands.add_parser(
        "compare",
        help="put the detectors of several experiments beside each other",
        description=_COMPARE,
        epilog=_COMPARE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    compare.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="results/<experiment>")
    compare.add_argument(
        "--metrics",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="metrics to compare beside average_precision, pointing_game and class_auc",
    )
    compare.add_argument("--protocol", metavar="NAME", help="default: the first that all experiments have")
    compare.add_argument(
        "--out", type=Path, default=Path("results/compare"), metavar="FOLDER", help="default: results/compare"
    )
    explaining.add(commands)
    commands.add_parser("unlock", help="take away the lock of a run that was killed, if no process works here")
    options = parser.parse_args(arguments)
    if not {"", os.getcwd()} & set(sys.path):
        sys.path.insert(0, os.getcwd())  # as `python -m igsed` does, so that both find a user's detectors
    try:
        if options.command == "verify":
            return _verify(options.folder, options.remove)
        if options.command == "list":
            print(listing.text(options.family))
            return 0
        if options.command == "new":
            print(_new(options.name))
            return 0
        if options.command == "test":
            return _test(options.what)
        if options.command == "export":
            print(_export(options.results, options.folder))
            return 0
        if options.command == "compare":
            print(_compare(options))
            return 0
        if options.command == "explain":
            return explaining.run(options)
        if options.command == "unlock":
            runs.check_writable(".snakemake")  # Snakemake itself would end in a traceback
            if told := runs.unlock():
                print(told, file=sys.stderr)
            return 0
        if options.command == "docs":
            pages.write(options.root)
            return 0
        files = [Path("config.yaml"), *options.configfile, *getattr(options, "more", [])]
        if not files[0].exists():
            raise InputError("config.yaml: there is none in this folder. Call this in a checkout of igsed.")
        experiment = config.load(config.merge(files), files)
        if options.command == "forecast":
            if min(options.cores, options.gpus) < 1:
                parser.error("--cores and --gpus must be 1 or more")
            print(_forecast(experiment, files[1:], options.cores, options.gpus))
            return 0
        if options.command == "results":
            folder, settings = Path("results", experiment.experiment), experiment.model_dump(mode="json")
            print(provenance.listing(folder, options.configfile or files, settings))
            return 0
        if problems := preflight.problems(experiment):
            raise InputError(*problems)
        if refused := provenance.git_commit(".")[1]:
            print(f"WARNING: {refused}", file=sys.stderr)
        classes, detectors = ", ".join(experiment.classes), ", ".join(experiment.detector_names)
        print(f"{experiment.experiment}: classes {classes}; detectors {detectors}")
    except BrokenPipeError:  # as in `igsed list detectors | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except InputError as error:
        lines = ["ERROR: this cannot run:", *error.messages] if len(error.messages) > 1 else [f"ERROR: {error}"]
        print("\n  - ".join(lines), file=sys.stderr)
        return 1
    return 0


def _verify(folder: Path, remove: bool) -> int:
    project = Path(os.path.abspath(folder)).parent.parent
    if runs.at_work(project):
        raise InputError(f"{folder}: a run works there, and what it is writing looks damaged. Wait for its end.")
    verdict = verification.verify(folder, lambda files: progress(files, "comparing files"))
    for problem in verdict.problems:
        print(f"{problem.what}: {problem.path}")
    for path in verdict.added:
        print(f"note: {path} was made since manifest.json")
    for path in verdict.deleted:
        print(f"note: {path} has been deleted since")
    if not verdict.problems:
        print(f"{folder}: {verdict.files} files are as the workflow made them.")
        return 0
    print(f"{folder}: {len(verdict.problems)} problems in {verdict.files} files.")
    if remove:
        for path in verification.remove(verdict.problems, project):
            print(f"deleted: {path}")
        print("Run again: what was deleted is made anew.")
    else:
        print(f"To have all this made anew: igsed verify {folder} --remove, then run again.")
    return 1


def _new(name: str) -> str:
    detector, test, experiment = scaffold.new_detector(name)
    return (
        f"{detector}: the detector, which works as it is; put your method there\n"
        f"{test}: its test\n"
        f"{experiment}: an experiment with it\n"
        f"Next: igsed test {detector}, then, beside the Snakefile: make run EXPERIMENT={experiment}"
    )


def _test(what: str) -> int:
    from igsed import conformance  # here, because only this command needs torch

    failed = 0
    for detector in conformance.find(what):
        print(f"{detector.name}, which needs {detector.needs}")
        for check in conformance.run(detector):
            print(f"  ok      {check.name}" if check.passed else f"  FAILED  {check.name}: {check.told}")
            failed += not check.passed
    if failed:
        print(f"{failed} {'check' if failed == 1 else 'checks'} failed; docs/detectors.md says what is checked.")
    return int(failed > 0)


def _export(results: Path, folder: Path) -> str:
    from igsed import export

    exported = export.export(results, folder)
    clips = ", ".join(f"{split} {count}" for split, count in exported.clips.items())
    return f"{exported.folder}: clips of {clips}. README.txt there says in which form scores are wanted."


def _compare(options: argparse.Namespace) -> str:
    from igsed import compare  # here, because only this command needs Jinja2

    compare.check(options.out)  # before all the reading
    found = compare.compare(options.folders, options.metrics, options.protocol)
    written = compare.write(found, options.out)
    return "\n".join([compare.text(found), "", *map(str, written)])


def _forecast(experiment: config.Config, files: list[Path], cores: int, gpus: int) -> str:
    from igsed import forecast, unit_costs  # here, because only this command needs what they import

    inputs = forecast.inputs_of(experiment)
    jobs = forecast.planned(files)
    device = experiment.device if experiment.device != "auto" else "cuda" if provenance.gpus() else "cpu"
    costs = unit_costs.measure(experiment, device, lambda part: print(f"measuring {part} …", file=sys.stderr))
    table = forecast.forecast(jobs, experiment, costs, inputs)
    return forecast.text(table, cores, gpus, shutil.disk_usage(".").free)


if __name__ == "__main__":
    sys.exit(main())
