"""Say what a network hears in recordings of your own, and when.

Without --label its most probable classes are explained. Without --out and --format nothing is written. docs/explain.md
says more.
"""

import argparse
from pathlib import Path

EXAMPLES = (
    "my.wav",
    "my.wav --label Dog --label Speech --method ig --out explained",
    "recordings/ --model results/default --format desed --format png --jobs 4",
    "--labels",
)

FORMATS = ("audacity", "desed", "scores", "raven", "jams", "textgrid", "json", "png", "html")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("places", nargs="*", type=Path, metavar="FILE|FOLDER", help="sound files, and folders of such")
    parser.add_argument("--label", action="append", metavar="LABEL", help="a class to explain; may be repeated")
    parser.add_argument("--labels", action="store_true", help="list the classes that the model has, and end")
    parser.add_argument(
        "--method", default="cam", metavar="NAME", help="what says when: a detector, or module:function (default: cam)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the method; may be repeated"
    )
    parser.add_argument(
        "--model",
        default="yamnet",
        metavar="MODEL",
        help="yamnet (the default), results/<experiment> of a run, or file.py:name of a classifier",
    )
    parser.add_argument("--seed", type=int, help="of an experiment's heads (default: their mean)")
    parser.add_argument(
        "--threshold", default="otsu", metavar="RULE", help="otsu (the default), or a share 0…1 of the scores' range"
    )
    parser.add_argument("--gap", type=float, default=0.15, metavar="S", help="closer events become one (default: 0.15)")
    parser.add_argument(
        "--minimum", type=float, default=0.0, metavar="S", help="shorter events are left out (default: 0)"
    )
    parser.add_argument(
        "--floor", type=float, metavar="P", help="probability of a class below which it has no events; 0: none"
    )
    parser.add_argument(
        "--no-control", action="store_true", help="do not compare with a head of random weights; saves time"
    )
    parser.add_argument(
        "--format",
        action="append",
        metavar="FORMAT",
        help=f"what to write, into --out: {', '.join(FORMATS)}; may be repeated (default: audacity, png and html)",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: explained)")
    parser.add_argument("--force", action="store_true", help="overwrite what is there")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="recordings at a time (default: 1)")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from igsed.explaining import command

    return command.run(options)
