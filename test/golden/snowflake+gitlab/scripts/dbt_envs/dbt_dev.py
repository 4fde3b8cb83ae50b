"""Builds what you changed in your own schema, and takes everything else from production.

    python scripts/dbt_envs/dbt_dev.py build
    python scripts/dbt_envs/dbt_dev.py build --select fct_revenue+ --full-refresh

Fetches production's state first (fetch_state.py, with your own login at the code host) and says how old it is. Only
modified models and what depends on them are built; references to all others read production. --all builds everything
and needs no state; --state DIR takes a state from that folder and fetches nothing. Every other option is passed to dbt.
Target is always dev.
"""

import argparse
import pathlib
import re
import subprocess
import sys

from dbt_command import PROJECT, Problem, dbt_version, exit_status, find_dbt, run_dbt
from prod_state import FOLDER, State, read_state

FETCH = pathlib.Path(__file__).with_name("fetch_state.py")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("command", choices=["build"])
    parser.add_argument("--all", action="store_true", help="build everything, and take nothing from production")
    parser.add_argument("--state", metavar="DIR", help="the folder with production's manifest.json; nothing is fetched")
    parser.add_argument("--select", "-s", nargs="+", metavar="NODES", help="what to build, in dbt's words, instead of what was modified")
    options, others = parser.parse_known_args()
    for option in others:
        if re.match("--target(=|$)|-t", option):
            raise Problem(f"{option}: only dev is built from here. CI builds ci and prod.")
    if options.all and options.state is not None:
        raise Problem("--all takes nothing from production, and --state names what to take: give one of the two.")
    dbt = find_dbt()
    return run_dbt(dbt, "build", "--target", "dev", *what_to_build(options, dbt), *others)


def what_to_build(options: argparse.Namespace, dbt: str) -> list:
    selected = ["--select", *options.select] if options.select else []
    if options.all:
        return selected
    state = current_state(dbt) if options.state is None else read_state(dbt_version(dbt), PROJECT / options.state)
    if not state.usable:
        built = "nothing is taken from production" if selected else "EVERYTHING is built in your schema"
        print(f"dbt_dev: NO STATE: {state.why}, so {built}.", file=sys.stderr, flush=True)
        return selected
    print(f"dbt_dev: {state.why}", file=sys.stderr, flush=True)
    return [*selected, *state.defer()] if selected else state.selection()


def current_state(dbt: str) -> State:
    """The newest state; where it cannot be fetched, the one that is here, and that is said."""
    version = dbt_version(dbt)
    if not FETCH.is_file() or subprocess.call([sys.executable, str(FETCH)], cwd=PROJECT, stdout=sys.stderr) == 0:
        return read_state(version)
    if not (FOLDER / "manifest.json").is_file():
        raise Problem("production's state could not be fetched, and there is none here. Mend that, or build everything with --all.")
    print("dbt_dev: NOT FETCHED: the state that is here is used; it may be old.", file=sys.stderr, flush=True)
    return read_state(version)


if __name__ == "__main__":
    sys.exit(exit_status("dbt_dev", main))
