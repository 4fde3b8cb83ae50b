"""What a deploy has published: what it has to be, and how it comes into state/ or retry/. A module, not a command.

fetch_state.py finds it where this project's CI keeps it, and knows who has put it there. What it found is checked here before
anything in those folders is touched.
"""

import argparse
import datetime
import json
import pathlib
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from dbt_command import PROJECT
from json_api import Problem
from prod_state import FOLDER, age

RETRY = PROJECT / "retry"
NAME = "acme"
STATE_FILES = ("manifest.json", "state.json")
RETRY_FILES = ("run_results.json", "state.json")
LARGEST = {"manifest.json": 1024 * 1024 * 1024, "run_results.json": 256 * 1024 * 1024, "state.json": 64 * 1024}  # bytes


def exit_status(description: str, fetch: Callable[[], str], fetch_failed: Callable[[], str]) -> int:
    """Runs fetch_state.py: `fetch` or, with --failed, `fetch_failed`. Each says in one line what it has done."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--failed", action="store_true", help="what the last deploy failed at, instead of the state")
    failed = parser.parse_args().failed
    folder = RETRY if failed else FOLDER
    try:
        print(f"fetch_state: {fetch_failed() if failed else fetch()}")
    except Problem as problem:
        print(f"fetch_state: {problem} The folder {folder.name}/ stays as it was.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"fetch_state: {folder} cannot be written: {error.strerror or type(error).__name__}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def no_state(kind: str, why: str, **origin: object) -> str:
    """Takes away what was there before. `origin` is what fetched.json remembers of where this was found."""
    replace({}, {"kind": kind, "why": why, **origin})
    return f"NO STATE: {why}"


def already_here(url: str, **origin: object) -> str | None:
    """What is said where the state of this very origin was fetched before, else None."""
    try:
        fetched = json.loads((FOLDER / "fetched.json").read_text(encoding="utf-8"))
        state = json.loads((FOLDER / "state.json").read_text(encoding="utf-8"))
        same = fetched["kind"] == "present" and all(fetched[name] == value for name, value in origin.items())
        here = same and (FOLDER / "manifest.json").is_file() and is_state(state)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return f"production as of {described(state, url)} It is here already." if here else None


def put_state(contents: dict[str, bytes], state: dict[str, str], url: str, **origin: object) -> str:
    """STATE_FILES, and what `checked_state` has found in them."""
    why = f"Production was deployed from commit {state['commit'][:7]}."
    replace(contents, {"kind": "present", "why": why, **origin})
    return f"production as of {described(state, url)}"


def put_failure(contents: dict[str, bytes], state: dict[str, Any], url: str) -> str:
    """RETRY_FILES, and what `checked_failure` has found in them."""
    put(RETRY, contents)
    return f"the deploy of commit {state['commit'][:7]} failed: {url}."


def checked_state(contents: dict[str, bytes]) -> dict[str, str]:
    """What state.json says. Its commit is main's tip when the deploy began, which may be newer than the run's own: a deploy
    that waited its turn builds what was merged meanwhile."""
    manifest = parsed(contents["manifest.json"], "manifest.json")
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or "/dbt/manifest/" not in str(metadata.get("dbt_schema_version")):
        raise Problem("manifest.json is no manifest of dbt's. Deploy again to publish a new one.")
    if metadata.get("project_name") != NAME:
        raise Problem(f"manifest.json is of another dbt project than {NAME}.")
    state = parsed(contents["state.json"], "state.json")
    if not is_state(state):
        raise Problem("state.json does not say commit, built_at and dbt_version. Deploy again to publish a new one.")
    return state


def checked_failure(contents: dict[str, bytes]) -> dict[str, Any]:
    """What state.json says of the deploy that failed."""
    if not isinstance(parsed(contents["run_results.json"], "run_results.json").get("results"), list):
        raise Problem("run_results.json is none of dbt's. Deploy everything.")
    state = parsed(contents["state.json"], "state.json")
    if not re.fullmatch("[0-9a-f]{40}", str(state.get("commit"))) or not isinstance(state.get("whole"), bool):
        raise Problem("state.json does not say commit and whole. Deploy everything.")
    return state


def parsed(data: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Problem(f"{name} is not JSON of the right shape. Deploy again to publish a new one.")
    return value


def is_state(state: dict[str, Any]) -> bool:
    texts = [state.get(key) for key in ("commit", "built_at", "dbt_version")]
    if not all(isinstance(text, str) for text in texts):
        return False
    commit, built_at, version = texts
    return bool(re.fullmatch("[0-9a-f]{40}", commit) and re.fullmatch(r"[0-9][0-9A-Za-z.+-]{0,40}", version) and moment(built_at))


def moment(text: str) -> datetime.datetime | None:
    """None where it is no moment with its time zone. Python 3.10 does not read the letter Z."""
    try:
        value = datetime.datetime.fromisoformat(re.sub("Z$", "+00:00", text))
    except ValueError:
        return None
    return value if value.tzinfo else None


def described(state: dict[str, str], url: str) -> str:
    return f"commit {state['commit'][:7]}, built {age(moment(state['built_at']))} by dbt {state['dbt_version']}: {url}."


def replace(contents: dict[str, bytes], fetched: dict[str, Any]) -> None:
    """The state, or none. Between the first file and the last there is no fetched.json: whoever is interrupted there
    fetches again."""
    put(FOLDER, {**contents, "fetched.json": (json.dumps(fetched, indent=2) + "\n").encode()}, ("fetched.json", *STATE_FILES))


def put(folder: pathlib.Path, files: dict[str, bytes], names: tuple[str, ...] = ()) -> None:
    """Puts whole files in place, and takes those of `names` away that are not among them. Nothing of the folder is for git."""
    folder.mkdir(exist_ok=True)
    beside = pathlib.Path(tempfile.mkdtemp(prefix=".fetching-", dir=folder))
    try:
        files = {".gitignore": b"*\n", **files}
        for name, data in files.items():
            (beside / name).write_bytes(data)
        for name in names:
            if name not in files or name == "fetched.json":
                (folder / name).unlink(missing_ok=True)
        for name in files:
            (beside / name).replace(folder / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
