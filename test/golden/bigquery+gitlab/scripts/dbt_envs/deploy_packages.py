"""What jobs on main have left in GitLab's package registry. A module, not a command.

Whoever may push a branch may write a package, so its name proves nothing. GitLab itself notes of each file which pipeline
uploaded it. Only a file of this project's own pipelines on main, of a commit that is on main, counts, and what is
downloaded has to be that file, byte for byte.
"""

import pathlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import gitlab_api

MAIN = "main"
# docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable: what starts the deploy and the sweep
SOURCES = ("push", "schedule", "web")
LOOK_BACK = 200  # packages: somebody may have written many that are none of ours
PROJECT = pathlib.Path(__file__).resolve().parents[2]


class Package(NamedTuple):
    id: int
    name: str
    version: str
    files: dict[str, dict[str, Any]]
    page: str


def newest(api: gitlab_api.Api, names: tuple[str, ...]) -> Iterator[Package]:
    """The packages of these names that jobs on main have written, the newest first."""
    project = own_id(api)
    # GitLab's own job tokens number versions upwards: the version is 0.0.<job>.
    found = [one for name in names for one in api.every(f"/packages?package_type=generic&package_name={name}&order_by=created_at&sort=desc") if one.get("name") == name]
    found = [one for one in found if re.fullmatch(r"0\.0\.[1-9][0-9]{0,18}", str(one.get("version")))]
    seen, shown = 0, False
    for one in sorted(found, key=lambda package: int(package["version"].rpartition(".")[2]), reverse=True):
        if seen == LOOK_BACK:
            raise gitlab_api.Problem(f"none of the newest {LOOK_BACK} packages is one that a job on {MAIN} has written. Delete those that are not, under Deploy, Package registry.")
        seen += 1
        every = files_of(api, one)
        shown = shown or any(file["pipelines"] for file in every)
        files = attested(every, project)
        if files:
            yield Package(one["id"], one["name"], one["version"], files, f"job {one['version'].rpartition('.')[2]}")
    if seen > 0 and not shown:
        raise gitlab_api.Problem(
            f"GitLab says of no package {' or '.join(names)} which pipeline has written it: a person has, or this login may not read pipelines. "
            "Give it the right to, or delete what no job wrote, under Deploy, Package registry."
        )


def own_id(api: gitlab_api.Api) -> int:
    if api.project.isdigit():
        return int(api.project)
    found = api.get("").get("id")
    if not isinstance(found, int):
        raise gitlab_api.Problem(f"GitLab did not show the project {api.project}: the answer is of another shape.")
    return found


def files_of(api: gitlab_api.Api, package: dict[str, Any]) -> list[dict[str, Any]]:
    """GitLab leaves `pipelines` out where no job has written the file, and where the login may not read pipelines
    (gitlab.com/gitlab-org/gitlab, lib/api/entities/package_file.rb)."""
    files = [{"pipelines": [], **file} for file in api.every(f"/packages/{package['id']}/package_files")]
    for file in files:
        if not isinstance(file.get("file_name"), str) or not isinstance(file["pipelines"], list) or not all(isinstance(one, dict) for one in file["pipelines"]):
            raise gitlab_api.Problem("GitLab's list of a package's files is of another shape.")
    return files


def attested(every: list[dict[str, Any]], project: int) -> dict[str, dict[str, Any]]:
    """The files that jobs on main have written into a package, by name, the newest of each. What somebody else has put beside
    them is passed over; put over one of them, its digest differs, and that is an error."""
    files: dict[str, dict[str, Any]] = {}
    for file in every:
        ours = file["pipelines"] != [] and all(is_ours(one, project) for one in file["pipelines"])
        if ours and (file["file_name"] not in files or files[file["file_name"]]["id"] < file["id"]):
            files[file["file_name"]] = file
    return files


def is_ours(pipeline: dict[str, Any], project: int) -> bool:
    """Not a merge request's, whose ref is refs/merge-requests/…, nor a fork's. A tag may have the branch's name: its commit is looked at."""
    sha = pipeline.get("sha")
    return (
        pipeline.get("project_id") == project
        and pipeline.get("ref") == MAIN
        and pipeline.get("source") in SOURCES
        and isinstance(sha, str)
        and re.fullmatch("[0-9a-f]{40}", sha) is not None
        and is_on_main(sha)
    )


def is_on_main(sha: str) -> bool:
    if not MAIN_FETCHED:
        shallow = git("rev-parse", "--is-shallow-repository").stdout.strip() == "true"
        fetched = git("fetch", "--quiet", "--no-tags", *(["--unshallow"] if shallow else []), "origin", f"+refs/heads/{MAIN}:refs/dbt-envs/main")
        if fetched.returncode != 0:
            raise gitlab_api.Problem(f"git cannot fetch {MAIN} from origin, so nobody knows which commits are on it. Is git installed, and logged in?")
        MAIN_FETCHED.append(True)
    if git("cat-file", "-e", f"{sha}^{{commit}}").returncode != 0:
        return False  # all of main is here now
    return git("merge-base", "--is-ancestor", sha, "refs/dbt-envs/main").returncode == 0


MAIN_FETCHED: list[bool] = []


def git(*words: str) -> "subprocess.CompletedProcess[str]":
    command = ["git", "-c", "safe.directory=*", *words]
    try:
        return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        raise gitlab_api.Problem("git is not installed here. Add it to the image.") from None


def downloaded(api: gitlab_api.Api, package: Package, names: tuple[str, ...], largest: dict[str, int]) -> dict[str, bytes]:
    """Exactly these files, each as the pipeline on main has uploaded it."""
    if sorted(package.files) != sorted(names):
        raise gitlab_api.Problem(f"the package of {package.page} does not hold exactly {' and '.join(names)}. Deploy again to publish a new one.")
    contents = {}
    for name in names:
        promised = package.files[name].get("file_sha256")
        with tempfile.TemporaryFile() as file:
            digest = api.service.download(api.path(f"/packages/generic/{package.name}/{package.version}/{name}"), file, largest[name])
            if promised != digest:
                raise gitlab_api.Problem(f"{name} of {package.page} is not the file that the pipeline on {MAIN} uploaded: their digests differ. Deploy again.")
            file.seek(0)
            contents[name] = file.read()
    return contents
