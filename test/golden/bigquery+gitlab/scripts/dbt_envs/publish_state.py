"""Publishes what a deploy has left to GitLab's package registry, from the deploy's own job.

    python scripts/dbt_envs/publish_state.py

After a whole deploy that succeeded: production's state, which merge requests and developers build against. After one that
failed: what a retry needs. Otherwise nothing. Each goes into a package of its own, 0.0.<job>: nothing is overwritten.

Reads CI_API_V4_URL, CI_PROJECT_ID, CI_JOB_ID and CI_JOB_TOKEN, as GitLab CI sets them.
"""

import os
import pathlib
import re
import sys

import gitlab_api

PROJECT = pathlib.Path(__file__).resolve().parents[2]
# Folder, package, and its files: the last one makes it complete.
PACKAGES = (
    (PROJECT / "target/dbt_envs/state", "dbt-prod-state", ("manifest.json", "state.json")),
    (PROJECT / "target/dbt_envs/failed", "dbt-prod-failed", ("run_results.json", "state.json")),
)


def main() -> int:
    try:
        job, token = os.environ.get("CI_JOB_ID", ""), os.environ.get("CI_JOB_TOKEN", "")
        if not re.fullmatch("[1-9][0-9]{0,18}", job) or token == "":
            raise gitlab_api.Problem("only a job publishes: CI_JOB_ID and CI_JOB_TOKEN are not set.")
        # The job's own token, whatever other login there is: by it GitLab notes which pipeline uploaded a file.
        os.environ.pop("DBT_ENVS_GITLAB_TOKEN", None)
        for folder, package, names in PACKAGES:
            if (folder / names[0]).is_file():
                api = gitlab_api.connect(PROJECT)
                for name in names:
                    api.service.upload(api.path(f"/packages/generic/{package}/0.0.{job}/{name}"), folder / name)
                print(f"publish_state: published {package} 0.0.{job}.")
    except gitlab_api.Problem as problem:
        print(f"publish_state: {problem}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"publish_state: {error.strerror or type(error).__name__}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
