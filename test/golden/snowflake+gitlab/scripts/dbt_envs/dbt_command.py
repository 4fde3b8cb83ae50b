"""What the scripts beside this one share: the project's folder, the dbt that builds it, and how a problem is told."""

import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]
# What a build leaves for the steps after it. dbt's own files in target/ are overwritten by dbt's next command.
LEFT = PROJECT / "target" / "dbt_envs"


class Problem(Exception):
    """What is wrong and what to do, in one line."""


def find_dbt() -> str:
    """dbt beside the Python that runs this, else the first on PATH."""
    beside = shutil.which("dbt", path=str(pathlib.Path(sys.executable).parent))
    found = beside or shutil.which("dbt")
    if found is None:
        raise Problem("dbt is not installed here. Run: pip install -r requirements.txt")
    return found


def run_dbt(dbt: str, *arguments: str) -> int:
    """Runs dbt in the project, prints the command first, and gives its exit status."""
    print("dbt " + " ".join(arguments), file=sys.stderr, flush=True)
    return subprocess.call([dbt, *arguments], cwd=PROJECT)


def list_nodes(dbt: str, target: str, selection: list, *keys: str) -> list:
    """What dbt would build with this selection, as dbt itself lists it: for each node those keys. Writes target/manifest.json."""
    command = [dbt, "--quiet", "ls", "--target", target, *selection, "--output", "json", "--output-keys", *keys]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr, flush=True)
        raise Problem("dbt cannot read the project; what it said is above.")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def operation(dbt: str, name: str, arguments: dict | None = None) -> dict:
    """What `dbt run-operation` prints as JSON on its last line. Raises Problem where it fails."""
    status, answer = answer_of(dbt, name, arguments)
    if status != 0:
        raise Problem(f"dbt run-operation {name} failed; what it said is above.")
    return answer


def answer_of(dbt: str, name: str, arguments: dict | None = None) -> tuple:
    """The exit status of `dbt run-operation`, and the JSON that it printed last, before its errors where it has failed. Raises
    Problem where there is none."""
    command = [dbt, "--quiet", "run-operation", name, "--target", "ci", "--target-path", str(LEFT / "operation")]
    if arguments is not None:
        command += ["--args", json.dumps(arguments)]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    lines = done.stdout.rstrip().split("\n")
    if done.returncode != 0:
        for line in lines:
            print(f"| {inert(line)}", file=sys.stderr, flush=True)
    for line in reversed(lines if done.returncode != 0 else lines[-1:]):
        try:
            answer = json.loads(line)
        except ValueError:
            continue
        if isinstance(answer, dict):
            return done.returncode, answer
    raise Problem(f"dbt run-operation {name} failed; what it said is above.")


def inert(text: str) -> str:
    """One printable line. Names in the warehouse are anybody's, and what runs a job obeys its log: GitHub a line that begins
    with :: and ##[command] anywhere (actions/runner, ActionCommand.cs), Azure ##vso[command]."""
    shown = "".join(one if one.isprintable() else " " for one in re.sub(r"\x1b\[[0-9;]*m", "", text)).replace("##", "# #")
    return f"| {shown}" if shown.lstrip().startswith("::") else shown


def flag(name: str) -> bool:
    """An environment variable that is true or false; not set: false."""
    value = os.environ.get(name, "")
    if value not in ("", "true", "false"):
        raise Problem(f"{name} is {value!r}: give true or false.")
    return value == "true"


def dbt_version(dbt: str) -> str:
    """The version of the dbt that `find_dbt` found, such as 1.12.6."""
    if pathlib.Path(dbt).parent == pathlib.Path(sys.executable).parent:
        try:
            return importlib.metadata.version("dbt-core")
        except importlib.metadata.PackageNotFoundError:
            pass  # dbt 2 is not that package
    said = subprocess.run([dbt, "--version"], stdout=subprocess.PIPE, text=True, encoding="utf-8").stdout
    found = re.search(r"[0-9]+\.[0-9]+\.[0-9]+[0-9a-z.-]*", said)
    if found is None:
        raise Problem("dbt does not say its version. Run: pip install -r requirements.txt")
    return found[0]


def exit_status(name: str, main) -> int:
    """Runs a script's `main`; a problem becomes one line, Ctrl-C becomes 130."""
    try:
        return main()
    except Problem as problem:
        print(f"{name}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
