"""Fetches production's state into the folder state/: what the newest successful deploy of main published.

    python scripts/dbt_envs/fetch_state.py
    python scripts/dbt_envs/fetch_state.py --failed    into retry/: what the last deploy failed at, for a deploy that retries it

With the state, dbt builds what differs from production and reads the rest there. state/fetched.json says what was found:
kind "present" (manifest.json and state.json are beside it), "none" (nothing has been published yet) or "expired" (it was,
and GitHub keeps an artifact for 90 days unless told otherwise). Whatever else happens ends with an error, and the folder
stays as it was: a download that failed never looks like a first deploy that is still to come.

A developer's own login serves: GITHUB_TOKEN, GH_TOKEN, what gh is logged in with, or what git has stored. The repository
is that of the git remote "origin", or GITHUB_REPOSITORY. In a job the token needs `actions: read` and `contents: read`.
"""

import re
import sys
import tempfile
import urllib.parse
import zipfile
import zlib
from typing import Any

import github_api
from dbt_command import PROJECT
from published_state import LARGEST, RETRY_FILES, STATE_FILES, already_here, checked_failure, checked_state, exit_status, no_state, put_failure, put_state

MAIN = "main"
WORKFLOW = ".github/workflows/dbt_deploy.yml"
ARTIFACT = "dbt-prod-state"
FAILED = "dbt-prod-failed"
EVENTS = ("push", "schedule", "workflow_dispatch")
LOOK_BACK = 100  # successful deploys; one by hand of a selection publishes nothing
LARGEST_ZIP = 512 * 1024 * 1024


def fetch() -> str:
    api = github_api.connect(PROJECT)
    found = published(api)
    if isinstance(found, str):
        return no_state("none", found, run_url=None, artifact=None)
    run, artifact = found
    url, number = text_of(run, "html_url"), number_of(artifact, "id")
    if artifact.get("expired") is not False:
        why = f"The newest state that production published, on {text_of(artifact, 'created_at')[:10]}, has expired on GitHub: a full deploy publishes it anew."
        return no_state("expired", why, run_url=url, artifact=number)
    here = already_here(url, artifact=number)
    if here is not None:
        return here
    return put_state(*downloaded(api, run, artifact, STATE_FILES, checked_state), url, run_url=url, artifact=number)


def fetch_failed() -> str:
    """A deploy that ended before it built anything left nothing, and is passed over; behind a success there is nothing to retry."""
    api = github_api.connect(PROJECT)
    for run in deploys(api, "completed"):
        if run.get("conclusion") == "success":
            raise github_api.Problem(f"the last deploy, {text_of(run, 'html_url')}, did not fail: there is nothing to retry.")
        artifact = newest_artifact(api, number_of(run, "id"), FAILED)
        if artifact is not None and artifact.get("expired") is False and is_on_main(api, text_of(run, "head_sha"), tip_of_main(api)):
            return put_failure(*downloaded(api, run, artifact, RETRY_FILES, checked_failure), text_of(run, "html_url"))
    raise github_api.Problem(f"no deploy of {MAIN} has left anything to retry. Deploy everything.")


def downloaded(api: github_api.Api, run: dict[str, Any], artifact: dict[str, Any], names: tuple[str, ...], check: Any) -> tuple[dict[str, bytes], Any]:
    """The files of an artifact, and what its state.json says once `check` has passed it."""
    number = number_of(artifact, "id")
    with tempfile.TemporaryFile() as file:
        digest = api.download(f"/actions/artifacts/{number}/zip", file, LARGEST_ZIP)
        promised = artifact.get("digest")
        if isinstance(promised, str) and promised.startswith("sha256:") and promised != f"sha256:{digest}":
            raise github_api.Problem(f"what was downloaded is not what GitHub holds as artifact {number}: their digests differ. Try again.")
        try:
            contents = unpacked(file, names)
            return contents, check(contents)
        except github_api.Problem as problem:
            raise github_api.Problem(f"artifact {number} of {text_of(run, 'html_url')}: {problem}") from None


def published(api: github_api.Api) -> tuple[dict[str, Any], dict[str, Any]] | str:
    """The newest deploy that has the artifact, and that artifact; or why there is none.

    A list that cannot be read is an error. So "none" is said only of what GitHub let us see."""
    if not deploy_workflows(api):
        return f"{api.repository} has never run {WORKFLOW}."
    tip = ""
    seen = 0
    for run in deploys(api, "success"):
        if seen == LOOK_BACK:
            return f"None of the last {LOOK_BACK} deploys of {MAIN} has published a state, and older ones were not looked at."
        seen += 1
        artifact = newest_artifact(api, number_of(run, "id"), ARTIFACT)
        if artifact is None:
            continue
        tip = tip or tip_of_main(api)
        if is_on_main(api, text_of(run, "head_sha"), tip):
            return run, artifact
    return f"No deploy of {MAIN} has published a state of production yet."


def deploy_workflows(api: github_api.Api) -> list[dict[str, Any]]:
    return [one for one in api.every("/actions/workflows", "workflows") if one.get("path") == WORKFLOW]


def deploys(api: github_api.Api, status: str) -> Any:
    """The runs of the deploy that are on main and have that status or conclusion, the newest first."""
    repository = number_of(api.get(""), "id")
    branch = urllib.parse.quote(MAIN, safe="")
    for workflow in deploy_workflows(api):
        for run in newest_first(api, f"/actions/workflows/{number_of(workflow, 'id')}/runs?branch={branch}&status={status}"):
            if is_deploy(run, repository) and status in (run.get("status"), run.get("conclusion")):
                yield run


def newest_first(api: github_api.Api, path: str) -> Any:
    """Page by page, as GitHub lists them. Within a page, a deploy that was started again comes where its last run began."""
    page: list[dict[str, Any]] = []
    for run in api.every(path, "workflow_runs"):
        page.append(run)
        if len(page) == github_api.PER_PAGE:
            yield from sorted(page, key=started, reverse=True)
            page = []
    yield from sorted(page, key=started, reverse=True)


def started(run: dict[str, Any]) -> str:
    return str(run.get("run_started_at") or run.get("created_at") or "")


def is_deploy(run: dict[str, Any], repository: int) -> bool:
    """Not a pull request's run, and not that of a fork whose branch has the same name: their code was reviewed by nobody."""
    head = run.get("head_repository")
    return (
        str(run.get("path")).partition("@")[0] == WORKFLOW
        and run.get("head_branch") == MAIN
        and isinstance(head, dict)
        and head.get("id") == repository
        and run.get("event") in EVENTS
    )


def newest_artifact(api: github_api.Api, run: int, name: str) -> dict[str, Any] | None:
    """A deploy that was started again may have published twice."""
    named = [one for one in api.every(f"/actions/runs/{run}/artifacts?name={name}", "artifacts") if one.get("name") == name]
    return max(named, key=lambda one: (str(one.get("created_at")), number_of(one, "id")), default=None)


def tip_of_main(api: github_api.Api) -> str:
    """Asked for as a branch: a tag may have the same name."""
    commit = api.get(f"/branches/{urllib.parse.quote(MAIN, safe='')}").get("commit")
    return text_of(commit if isinstance(commit, dict) else {}, "sha")


def is_on_main(api: github_api.Api, commit: str, tip: str) -> bool:
    """The run of a tag called like the branch looks the same in every other respect. What a force-push took off the branch
    is passed over too."""
    try:
        return api.get(f"/compare/{commit}...{tip}?per_page=1").get("status") in ("ahead", "identical")
    except github_api.Refused as refused:
        if refused.status == 404:  # GitHub no longer has that commit
            return False
        raise


def unpacked(file: Any, names: tuple[str, ...]) -> dict[str, bytes]:
    """Exactly these files, read here and never written where a name in the zip says."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sorted(member.filename for member in members) != sorted(names):
                raise github_api.Problem(f"it does not hold exactly {' and '.join(names)}. Deploy again to publish a new one.")
            return {member.filename: read(archive, member) for member in members}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise github_api.Problem(f"it is no zip that can be read ({type(error).__name__}). Try again; if it stays, deploy again.") from None


def read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    largest = LARGEST[member.filename]
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError
    with archive.open(member) as opened:
        data = opened.read(largest + 1)  # what it says of its own size may be wrong
    if len(data) > largest:
        raise github_api.Problem(f"{member.filename} is larger than {largest} bytes.")
    return data


def text_of(answer: dict[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value):
        raise github_api.Problem(f"an answer of GitHub's is of another shape: it has no {key}.")
    return value


def number_of(answer: dict[str, Any], key: str) -> int:
    value = answer.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise github_api.Problem(f"an answer of GitHub's is of another shape: it has no {key}.")
    return value


if __name__ == "__main__":
    sys.exit(exit_status(__doc__, fetch, fetch_failed))
