"""Fetches production's state into the folder state/: what the newest successful deploy of main published.

    python scripts/dbt_envs/fetch_state.py
    python scripts/dbt_envs/fetch_state.py --failed    into retry/: what the last deploy failed at, for a deploy that retries it

With the state, dbt builds what differs from production and reads the rest there. state/fetched.json says what was found:
kind "present" (manifest.json and state.json are beside it) or "none" (nothing has been published yet). Whatever else
happens ends with an error, and the folder stays as it was: a download that failed never looks like a first deploy that is
still to come.

It is in GitLab's package registry. deploy_packages.py says why nobody but a job on main can have put it there, and
gitlab_api.py which login is used: a developer's own serves.
"""

import argparse
import datetime
import json
import pathlib
import re
import shutil
import sys
import tempfile
from typing import Any

import deploy_packages
import gitlab_api
from deploy_packages import PROJECT

STATE = PROJECT / "state"
RETRY = PROJECT / "retry"
NAME = "acme"
PACKAGE = "dbt-prod-state"
FAILED = "dbt-prod-failed"
LARGEST = {"manifest.json": 1024 * 1024 * 1024, "run_results.json": 256 * 1024 * 1024, "state.json": 64 * 1024}
PUBLISHED = ("manifest.json", "state.json")
KEPT = ("run_results.json", "state.json")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--failed", action="store_true", help="what the last deploy failed at, instead of the state")
    failed = parser.parse_args(arguments).failed
    folder = RETRY if failed else STATE
    try:
        print(f"fetch_state: {fetch_failed() if failed else fetch()}")
    except gitlab_api.Problem as problem:
        print(f"fetch_state: {problem} The folder {folder.name}/ stays as it was.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"fetch_state: {folder} cannot be written: {error.strerror or type(error).__name__}.", file=sys.stderr)
        return 1
    return 0


def fetch() -> str:
    api = gitlab_api.connect(PROJECT)
    package = next(deploy_packages.newest(api, (PACKAGE,)), None)
    if package is None:
        why = f"No deploy of {deploy_packages.MAIN} has published a state of production yet."
        replace({}, {"kind": "none", "why": why, "package": None})
        return f"NO STATE: {why}"
    kept = already_here(package.id)
    if kept is not None:
        return f"production as of {described(kept, package.page)} It is here already."
    contents = deploy_packages.downloaded(api, package, PUBLISHED, LARGEST)
    state = checked(contents)
    replace(contents, {"kind": "present", "why": f"Production was deployed from commit {state['commit'][:7]}.", "package": package.id})
    return f"production as of {described(state, package.page)}"


def fetch_failed() -> str:
    """A deploy that ended before it built anything left nothing, and is passed over; behind a success there is nothing to retry."""
    api = gitlab_api.connect(PROJECT)
    package = next(deploy_packages.newest(api, (PACKAGE, FAILED)), None)
    if package is None:
        raise gitlab_api.Problem(f"no deploy of {deploy_packages.MAIN} has left anything to retry. Deploy everything.")
    if package.name == PACKAGE:
        raise gitlab_api.Problem(f"the last deploy, {package.page}, did not fail: there is nothing to retry.")
    contents = deploy_packages.downloaded(api, package, KEPT, LARGEST)
    state = checked_failure(contents)
    put(RETRY, contents)
    return f"the deploy of commit {state['commit'][:7]} failed: {package.page}."


def checked(contents: dict[str, bytes]) -> dict[str, str]:
    """What state.json says. Its commit is main's tip when the deploy began, which may be newer than the run's own: a deploy
    that waited its turn builds what was merged meanwhile."""
    manifest = parsed(contents["manifest.json"], "manifest.json")
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or "/dbt/manifest/" not in str(metadata.get("dbt_schema_version")):
        raise gitlab_api.Problem("manifest.json is no manifest of dbt's. Deploy again to publish a new one.")
    if metadata.get("project_name") != NAME:
        raise gitlab_api.Problem(f"manifest.json is of another dbt project than {NAME}.")
    state = parsed(contents["state.json"], "state.json")
    if not is_state(state):
        raise gitlab_api.Problem("state.json does not say commit, built_at and dbt_version. Deploy again to publish a new one.")
    return state


def checked_failure(contents: dict[str, bytes]) -> dict[str, Any]:
    """What state.json says of the deploy that failed."""
    if not isinstance(parsed(contents["run_results.json"], "run_results.json").get("results"), list):
        raise gitlab_api.Problem("run_results.json is none of dbt's. Deploy everything.")
    state = parsed(contents["state.json"], "state.json")
    if not re.fullmatch("[0-9a-f]{40}", str(state.get("commit"))) or not isinstance(state.get("whole"), bool):
        raise gitlab_api.Problem("state.json does not say commit and whole. Deploy everything.")
    return state


def parsed(data: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise gitlab_api.Problem(f"{name} is not JSON of the right shape. Deploy again to publish a new one.")
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


def already_here(package: int) -> dict[str, str] | None:
    """state.json, where this very package was fetched before."""
    try:
        fetched = json.loads((STATE / "fetched.json").read_text(encoding="utf-8"))
        state = json.loads((STATE / "state.json").read_text(encoding="utf-8"))
        here = fetched["kind"] == "present" and fetched["package"] == package and (STATE / "manifest.json").is_file() and is_state(state)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return state if here else None


def described(state: dict[str, str], url: str) -> str:
    return f"commit {state['commit'][:7]}, built {age(state['built_at'])} by dbt {state['dbt_version']}: {url}."


def age(built_at: str) -> str:
    made = moment(built_at) or datetime.datetime.now(datetime.timezone.utc)
    hours = (datetime.datetime.now(datetime.timezone.utc) - made).total_seconds() / 3600
    if hours < 1:
        return "less than an hour ago"
    if hours < 48:
        return f"{hours:.0f} hour{'' if round(hours) == 1 else 's'} ago"
    return f"{hours / 24:.0f} days ago"


def replace(contents: dict[str, bytes], fetched: dict[str, Any]) -> None:
    """The state, or none. Between the first file and the last there is no fetched.json: whoever is interrupted there
    fetches again."""
    put(STATE, {**contents, "fetched.json": (json.dumps(fetched, indent=2) + "\n").encode()}, ("fetched.json", *PUBLISHED))


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


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
