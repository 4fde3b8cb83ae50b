"""Publishes what a deploy has left to GitLab's package registry, from the deploy's own job.

    python scripts/dbt_envs/publish_state.py

After a whole deploy that succeeded: production's state, which merge requests and developers build against. After one that
failed: what a retry needs. Otherwise nothing. Each goes into a package of its own, 0.0.<job>: nothing is overwritten.

Then it removes what older deploys have published, all but the newest ten of each kind; what jobs on main did not write
stays. GitLab lets it where whoever has started the deploy is a maintainer. Where it fails, that is said, and the deploy stands.

Reads CI_API_V4_URL, CI_PROJECT_ID, CI_JOB_ID and CI_JOB_TOKEN, as GitLab CI sets them.
"""

import itertools
import os
import pathlib
import re
import sys

import deploy_packages
import gitlab_api
from published_state import RETRY_FILES, STATE_FILES

PROJECT = pathlib.Path(__file__).resolve().parents[2]
# Folder, package, and its files: the last one makes it complete.
PACKAGES = (
    (PROJECT / "target/dbt_envs/state", "dbt-prod-state", STATE_FILES),
    (PROJECT / "target/dbt_envs/failed", "dbt-prod-failed", RETRY_FILES),
)
KEPT = 10  # of each kind. The newest is read; a download that is under way may still read the one before
MOST = 50  # of each kind, removed by one deploy


def main() -> int:
    try:
        job, token = os.environ.get("CI_JOB_ID", ""), os.environ.get("CI_JOB_TOKEN", "")
        if not re.fullmatch("[1-9][0-9]{0,18}", job) or token == "":
            raise gitlab_api.Problem("only a job publishes: CI_JOB_ID and CI_JOB_TOKEN are not set.")
        # The job's own token, whatever other login there is: by it GitLab notes which pipeline uploaded a file.
        os.environ.pop("DBT_ENVS_GITLAB_TOKEN", None)
        api = gitlab_api.connect(PROJECT)
        left = [one for one in PACKAGES if (one[0] / one[2][0]).is_file()]
        for folder, package, names in left:
            for name in names:
                api.service.upload(api.path(f"/packages/generic/{package}/0.0.{job}/{name}"), folder / name)
            print(f"publish_state: published {package} 0.0.{job}.")
        for _, package, _ in left:
            remove_older(api, package)
    except gitlab_api.Problem as problem:
        print(f"publish_state: {problem}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"publish_state: {error.strerror or type(error).__name__}.", file=sys.stderr)
        return 1
    return 0


def remove_older(api: gitlab_api.Api, package: str) -> None:
    """Never raises: production is built and its state published by now."""
    removed = 0
    try:
        # All of them are looked at before the first one goes.
        for old in list(itertools.islice(deploy_packages.newest(api, (package,)), KEPT, KEPT + MOST)):
            api.send("DELETE", f"/packages/{old.id}", {})
            removed += 1
    except gitlab_api.Refused as refused:
        warn(f"{package} stay: GitLab refuses to remove one (status {refused.status}). Whoever has started the deploy is no maintainer?")
    except Exception as problem:
        warn(f"{package} stay: {problem}")
    if removed > 0:
        print(f"publish_state: removed {removed} older packages {package}; the newest {KEPT} stay.")


def warn(text: str) -> None:
    print(f"publish_state: WARNING: older packages {text} By hand: Deploy, Package registry.")


if __name__ == "__main__":
    sys.exit(main())
