"""Production's state: the manifest of its newest deploy, which fetch_state.py puts into the folder state/.

With it a build makes only what was changed, and takes everything else from production. This module says whether a
build may lean on it, and why not: it never decides that silently.
"""

import dataclasses
import datetime
import json
import pathlib

from dbt_command import PROJECT, Problem

FOLDER = PROJECT / "state"
NO_STATE = "no deploy has published a state of production yet"


@dataclasses.dataclass(frozen=True)
class State:
    """`usable`, or not; `why` is one sentence without its full stop. Without a manifest, commit and built_at are unknown."""

    usable: bool
    why: str
    folder: pathlib.Path
    commit: str | None = None
    built_at: str | None = None

    def selection(self, *more: str) -> list:
        """dbt's options for what was changed, and for what is named; none where everything is built."""
        return ["--select", "state:modified+", *more, *self.defer()] if self.usable else []

    def defer(self) -> list:
        """dbt's options that take from production what is not built. The selected nodes are never taken from there."""
        return ["--defer", "--favor-state", "--state", str(self.folder)] if self.usable else []


def read_state(version: str, folder: pathlib.Path = FOLDER) -> State:
    """The state in a folder, for a dbt of that version. Raises Problem where there is one that cannot be read."""
    if folder.resolve() == (PROJECT / "target").resolve():
        raise Problem("target is no folder for a state: dbt overwrites it while it builds. Keep production's manifest in another, such as state.")
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return State(False, reason(folder), folder)
    metadata, built_at = metadata_of(manifest)
    published = read_json(folder / "state.json")
    state = {"folder": folder, "commit": published.get("commit"), "built_at": built_at.isoformat()}
    made_by = str(metadata.get("dbt_version", "unknown"))
    if made_by.split(".")[:2] != version.split(".")[:2]:
        return State(False, f"production was built by dbt {made_by}, and this is dbt {version}: what differs cannot be told", **state)
    commit = f", commit {state['commit'][:7]}" if state["commit"] else ""
    return State(True, f"production as of {age(built_at)}{commit}", **state)


def reason(folder: pathlib.Path) -> str:
    """Why there is no state, as fetch_state.py has found."""
    return str(read_json(folder / "fetched.json").get("why") or NO_STATE).rstrip(".")


def metadata_of(manifest: pathlib.Path) -> tuple:
    try:
        metadata = json.loads(manifest.read_text(encoding="utf-8"))["metadata"]
        # dbt writes UTC, sometimes with more digits of a second than Python 3.10 reads.
        made = datetime.datetime.strptime(metadata["generated_at"][:19], "%Y-%m-%dT%H:%M:%S")
        return metadata, made.replace(tzinfo=datetime.timezone.utc)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"{manifest} is no manifest of dbt's ({type(error).__name__}). Fetch it again, or delete it to build everything.") from None


def read_json(file: pathlib.Path) -> dict:
    """A JSON object from a file; an empty one where there is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise Problem(f"{file} cannot be read. Fetch the state again, or delete the folder {file.parent.name} to build everything.") from None
    return found if isinstance(found, dict) else {}


def age(made: datetime.datetime) -> str:
    hours = (datetime.datetime.now(datetime.timezone.utc) - made).total_seconds() / 3600
    if hours < 1:
        return "less than an hour ago"
    if hours < 48:
        return f"{hours:.0f} hour{'' if round(hours) == 1 else 's'} ago"
    return f"{hours / 24:.0f} days ago"
