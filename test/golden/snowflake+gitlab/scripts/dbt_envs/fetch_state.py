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

import sys

import deploy_packages
import gitlab_api
from deploy_packages import PROJECT
from published_state import LARGEST, RETRY_FILES, STATE_FILES, already_here, checked_failure, checked_state, exit_status, no_state, put_failure, put_state

PACKAGE = "dbt-prod-state"
FAILED = "dbt-prod-failed"


def fetch() -> str:
    api = gitlab_api.connect(PROJECT)
    package = next(deploy_packages.newest(api, (PACKAGE,)), None)
    if package is None:
        why = f"No deploy of {deploy_packages.MAIN} has published a state of production yet."
        return no_state("none", why, package=None)
    here = already_here(package.page, package=package.id)
    if here is not None:
        return here
    contents = deploy_packages.downloaded(api, package, STATE_FILES, LARGEST)
    return put_state(contents, checked_state(contents), package.page, package=package.id)


def fetch_failed() -> str:
    """A deploy that ended before it built anything left nothing, and is passed over; behind a success there is nothing to retry."""
    api = gitlab_api.connect(PROJECT)
    package = next(deploy_packages.newest(api, (PACKAGE, FAILED)), None)
    if package is None:
        raise gitlab_api.Problem(f"no deploy of {deploy_packages.MAIN} has left anything to retry. Deploy everything.")
    if package.name == PACKAGE:
        raise gitlab_api.Problem(f"the last deploy, {package.page}, did not fail: there is nothing to retry.")
    contents = deploy_packages.downloaded(api, package, RETRY_FILES, LARGEST)
    return put_failure(contents, checked_failure(contents), package.page)


if __name__ == "__main__":
    sys.exit(exit_status(__doc__, fetch, fetch_failed))
