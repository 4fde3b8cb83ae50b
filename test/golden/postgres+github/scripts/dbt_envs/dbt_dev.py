"""Builds what you changed in your own schema, and takes everything else from production.

    python scripts/dbt_envs/dbt_dev.py build
    python scripts/dbt_envs/dbt_dev.py build --select fct_revenue+ --full-refresh

With production's manifest in the folder state/ (or --state DIR) only modified models and what depends on them are
built; references to all others read production. Without it everything is built, and this says so. Every other option is
passed to dbt. Target is always dev.
"""

import argparse
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]


class Problem(Exception):
    """What is wrong and what to do, in one line."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("command", choices=["build"])
    parser.add_argument("--state", default="state", metavar="DIR", help="the folder with production's manifest.json (default: state)")
    parser.add_argument("--select", "-s", nargs="+", metavar="NODES", help="what to build, in dbt's words, instead of what was modified")
    options, others = parser.parse_known_args(arguments)
    try:
        refuse(others)
        command = [find_dbt(), options.command, "--target", "dev", *what_to_build(options), *others]
    except Problem as problem:
        print(f"dbt_dev: {problem}", file=sys.stderr)
        return 1
    print("dbt_dev: dbt " + " ".join(command[1:]), file=sys.stderr, flush=True)
    return subprocess.call(command, cwd=PROJECT)


def refuse(others: list[str]) -> None:
    for option in others:
        if re.match("--target(=|$)|-t", option):
            raise Problem(f"{option}: only dev is built from here. CI builds ci and prod.")


def what_to_build(options: argparse.Namespace) -> list[str]:
    folder = (PROJECT / options.state).resolve()
    if folder == (PROJECT / "target").resolve():
        raise Problem("--state target: dbt overwrites that folder while it builds. Keep production's manifest in another, such as state.")
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        print(
            f"dbt_dev: NO STATE: {manifest} is not there, so "
            + ("nothing is taken from production." if options.select else "EVERYTHING is built in your schema."),
            file=sys.stderr,
        )
        return ["--select", *options.select] if options.select else []
    print(f"dbt_dev: production as of {age(manifest)} ({manifest})", file=sys.stderr)
    return ["--select", *(options.select or ["state:modified+"]), "--defer", "--favor-state", "--state", str(folder)]


def age(manifest: pathlib.Path) -> str:
    try:
        generated_at = json.loads(manifest.read_text(encoding="utf-8"))["metadata"]["generated_at"]
        # dbt writes UTC, sometimes with more digits of a second than Python 3.10 reads.
        made = datetime.datetime.strptime(generated_at[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"{manifest} is no manifest of dbt's ({type(error).__name__}). Fetch it again, or delete it to build everything.") from None
    hours = (datetime.datetime.now(datetime.timezone.utc) - made).total_seconds() / 3600
    if hours < 1:
        return "less than an hour ago"
    if hours < 48:
        return f"{hours:.0f} hour{'' if round(hours) == 1 else 's'} ago"
    return f"{hours / 24:.0f} days ago: is that recent enough?"


def find_dbt() -> str:
    """dbt beside the Python that runs this, else the first on PATH."""
    beside = shutil.which("dbt", path=str(pathlib.Path(sys.executable).parent))
    found = beside or shutil.which("dbt")
    if found is None:
        raise Problem("dbt is not installed here. Run: pip install -r requirements.txt")
    return found


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
