"""Builds production, under target prod. For CI on the main branch, which alone has the credentials.

    python scripts/dbt_envs/deploy_prod.py

Three environment variables narrow it; without them the whole project is built:

    DBT_ENVS_SELECT         what to build, in dbt's words: fct_revenue+ tag:daily
    DBT_ENVS_FULL_REFRESH   true: incremental models and seeds from nothing; needs DBT_ENVS_SELECT
    DBT_ENVS_RETRY          true: only what the last deploy failed at or skipped, where the code is still the same

After a whole build that succeeded, production's state is in target/dbt_envs/state, ready to be published. After a build
that failed, what a retry needs is in target/dbt_envs/failed.
"""

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys

from dbt_command import LEFT, PROJECT, Problem, dbt_version, exit_status, find_dbt, flag, run_dbt
from prod_state import read_json

# dbt's selection: names, +, @, methods with a colon, paths, * and intersections. Nothing that begins like an option.
WORD = re.compile(r"[A-Za-z0-9_.:+@*/,][A-Za-z0-9_.:+@*/,-]*")


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False).parse_args()
    select = os.environ.get("DBT_ENVS_SELECT", "").split()
    full_refresh = flag("DBT_ENVS_FULL_REFRESH")
    retry = flag("DBT_ENVS_RETRY")
    wrong = next((word for word in select if WORD.fullmatch(word) is None), None)
    if wrong is not None:
        raise Problem(f"{wrong!r} is nothing that dbt selects: give names, tags or paths, e.g. fct_revenue+ tag:daily.")
    if retry and (select or full_refresh):
        raise Problem("a retry builds what has failed: leave the selection and the full refresh out.")
    if full_refresh and not select:
        raise Problem("a full refresh of everything is not meant by accident: select what to rebuild, or fqn:* for all of it.")
    shutil.rmtree(LEFT, ignore_errors=True)
    dbt = find_dbt()
    commit = head()
    whole = failed_whole(commit) if retry else not select
    (PROJECT / "target" / "run_results.json").unlink(missing_ok=True)
    if retry:
        status = run_dbt(dbt, "retry", "--target", "prod", "--state", "retry")
    else:
        options = [*(["--select", *select] if select else []), *(["--full-refresh"] if full_refresh else [])]
        status = run_dbt(dbt, "build", "--target", "prod", *options)
    if status != 0:
        leave("failed", "run_results.json", {"commit": commit, "whole": whole})
    elif whole:
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        leave("state", "manifest.json", {"commit": commit, "built_at": now, "dbt_version": dbt_version(dbt)})
    else:
        print("deploy_prod: a part of production was built, so its published state stays as it is.", file=sys.stderr)
    return status


def head() -> str:
    """The commit that is checked out. In a container the folder may belong to somebody else, which git dislikes."""
    if shutil.which("git") is None:
        raise Problem("git is not installed here, and production must know which commit it was built from. Add it to the image.")
    command = ["git", "-c", "safe.directory=*", "rev-parse", "HEAD"]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    if done.returncode != 0:
        raise Problem("git does not say which commit is checked out, and production must know what it was built from.")
    return done.stdout.strip()


def failed_whole(commit: str) -> bool:
    """Whether the deploy that is retried was one of the whole project. Refuses where its code is not this code."""
    failed = read_json(PROJECT / "retry" / "state.json")
    if not (PROJECT / "retry" / "run_results.json").is_file():
        raise Problem("the last deploy left nothing to retry: it succeeded, or it ended before dbt could say what failed. Deploy everything.")
    # dbt retry takes its command from this file (dbt-core, task/retry.py): a run-operation would run whatever it names.
    args = read_json(PROJECT / "retry" / "run_results.json").get("args")
    if not isinstance(args, dict) or (args.get("which"), args.get("target")) != ("build", "prod"):
        raise Problem("what was left to retry is no build of production: deploy everything.")
    if failed.get("commit") != commit:
        raise Problem(f"the deploy that failed built {str(failed.get('commit'))[:7]}, and this is {commit[:7]}: deploy everything instead.")
    return failed.get("whole") is True


def leave(folder: str, file: str, facts: dict) -> None:
    source = PROJECT / "target" / file
    if not source.is_file():
        if folder == "state":
            raise Problem(f"production was built, but dbt left no target/{file}: its state cannot be published.")
        return  # dbt died before it could say what failed: there is nothing to retry
    place = LEFT / folder
    place.mkdir(parents=True)
    shutil.copyfile(source, place / file)
    (place / "state.json").write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(exit_status("deploy_prod", main))
