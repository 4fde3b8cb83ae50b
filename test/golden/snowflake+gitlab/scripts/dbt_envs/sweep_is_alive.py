"""Ends with 1 where the nightly sweep has not succeeded for two days: a sweep that never starts tells nobody.

    python scripts/dbt_envs/sweep_is_alive.py

So it does where GitLab does not let it see. The job dbt-sweep-watch runs it beside each deploy, and stops none. Each sweep is a
deployment to the environment `sweep`; one by hand that was asked only what it would do is none. Any branch's job may call itself
one, so only that of the job dbt-sweep on the main branch counts.

gitlab_api.py says which login is used; a job's own token may read deployments (docs.gitlab.com/ci/jobs/ci_job_token).
"""

import argparse
import datetime
import pathlib
import sys
from typing import Any

import gitlab_api

MAIN = "main"
LOOK_BACK = 100  # deployments: what else calls itself a sweep
LONGEST = datetime.timedelta(days=2)
BY_HAND = (
    'Look at Build, Pipeline schedules: is "dbt sweep" active, and may its owner still merge to the branch? GitLab starts no schedule of '
    "somebody who has left, nor one whose file is invalid, and tells nobody. Its Play starts the sweep by hand."
)


def main(arguments: list[str]) -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False).parse_args(arguments)
    try:
        return look(gitlab_api.connect(pathlib.Path(__file__).resolve().parent))
    except gitlab_api.Problem as problem:
        return warn(f"Whether the nightly sweep works cannot be seen: {problem}")


def look(api: gitlab_api.Api) -> int:
    # Sweeps come one at a time, so the newest is the one that ended last. GitLab sorts by that end only within two given ends.
    found, _ = api.service.ask(api.service.base + api.path(f"/deployments?environment=sweep&status=success&order_by=id&sort=desc&per_page={LOOK_BACK}"))
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise gitlab_api.Problem("GitLab's list of deployments is of another shape.")
    swept = [one for one in found if is_ours(one)]
    if not swept:
        return warn(f"No nightly sweep has succeeded yet{', and something else on GitLab deploys to the environment sweep' if found else ''}. {BY_HAND}")
    ended = finished(swept[0])
    age = moment(api.asked_at()) - ended
    if age > LONGEST:
        return warn(f"The nightly sweep has not succeeded for {age.days} days; the last one that did ended on {ended:%Y-%m-%d %H:%M} UTC. {BY_HAND}")
    print(f"The last nightly sweep that succeeded ended on {ended:%Y-%m-%d %H:%M} UTC.")
    return 0


def is_ours(deployment: dict[str, Any]) -> bool:
    """A tag may have the branch's name, and a deployment that somebody has made by hand has no job."""
    job = deployment.get("deployable")
    return isinstance(job, dict) and (job.get("name"), job.get("ref"), job.get("tag")) == ("dbt-sweep", MAIN, False)


def finished(deployment: dict[str, Any]) -> datetime.datetime:
    """docs.gitlab.com/api/deployments: when its job finished."""
    job = deployment.get("deployable")
    if deployment.get("status") != "success" or not isinstance(job, dict):
        raise gitlab_api.Problem("GitLab's list of deployments is of another shape.")
    return moment(job.get("finished_at"))


def moment(text: object) -> datetime.datetime:
    try:
        value = datetime.datetime.strptime(str(text)[:19] + str(text)[19:].lstrip(".0123456789").replace("Z", "+00:00"), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        raise gitlab_api.Problem("an answer of GitLab's is of another shape: it has no time.") from None
    return value.astimezone(datetime.timezone.utc)


def warn(text: str) -> int:
    """Where whoever opens the job's log sees it."""
    print(f"\033[1;33mWARNING: {''.join(one if one.isprintable() else ' ' for one in text)}\033[0m")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
