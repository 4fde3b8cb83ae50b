"""What deploys of main have left in GitLab's package registry. A module, not a command.

Whoever may push can write a package, and a tag can be called main: a name proves nothing. GitLab itself lists which jobs
deployed to the environment prod, from which branch, and notes of each file which pipeline uploaded it. Only the package of
such a job counts, 0.0.<job>, with files that its own pipeline uploaded, once each, for a commit that is on main; and what is
downloaded has to be that file, byte for byte.
"""

import itertools
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
JOB, ENVIRONMENT = "dbt-deploy", "prod"
LOOK_BACK = 200  # packages of which nobody knows the job
DEPLOYMENTS = 5000  # that are looked through for the job of a package
PROJECT = pathlib.Path(__file__).resolve().parents[2]


class Package(NamedTuple):
    id: int
    name: str
    version: str
    files: dict[str, dict[str, Any]]
    page: str


def newest(api: gitlab_api.Api, names: tuple[str, ...]) -> Iterator[Package]:
    """The packages of these names that deploys of main have written, the newest first."""
    project, deploys = own_id(api), Deploys(api)
    asked = "/packages?package_type=generic&order_by=created_at&sort=desc&package_name="
    found = [one for name in names for one in api.every(asked + name) if one.get("name") == name]
    # GitLab numbers jobs upwards. Which packages there are says nothing yet, so somebody else's cost no request and hide none of ours.
    numbered = [(int(one["version"][4:]), one) for one in found if re.fullmatch(r"0\.0\.[1-9][0-9]{0,18}", str(one.get("version")))]
    numbered.sort(key=lambda pair: pair[0], reverse=True)
    any_of_ours, unshown = False, []
    for job, one in numbered:
        pipeline = deploys.pipeline_of(job)
        every = [] if pipeline is None else files_of(api, one)
        files = attested(every, project, pipeline)
        if files:
            any_of_ours = True
            yield Package(one["id"], one["name"], one["version"], files, f"job {job}")
        elif every and not any(file["pipelines"] for file in every):
            unshown.append(one)
    if not any_of_ours and numbered:
        refuse_doubt(api, project, [one for _, one in numbered], unshown != [])


class Deploys:
    """The jobs that deployed main to prod: docs.gitlab.com/api/deployments. One that was made without a job has none."""

    def __init__(self, api: gitlab_api.Api) -> None:
        listed = api.every(f"/deployments?environment={ENVIRONMENT}&order_by=id&sort=desc")
        self.rest = itertools.islice(listed, DEPLOYMENTS)
        self.pipelines: dict[int, int] = {}

    def pipeline_of(self, job: int) -> int | None:
        """Of a deploy, the pipeline that it ran in. Reads on until the job is found; None where it is no deploy of main."""
        while job not in self.pipelines:
            deployment = next(self.rest, None)
            if deployment is None:
                return None
            self.note(deployment.get("deployable"))
        return self.pipelines[job]

    def note(self, job: Any) -> None:
        if job is None:
            return
        pipeline = job.get("pipeline") if isinstance(job, dict) else None
        known = isinstance(pipeline, dict) and isinstance(pipeline.get("id"), int) and isinstance(job.get("id"), int)
        if not known or not isinstance(job.get("tag"), bool):
            raise gitlab_api.Problem("GitLab's list of deployments is of another shape.")
        if job.get("name") == JOB and job.get("ref") == MAIN and not job["tag"]:
            self.pipelines[job["id"]] = pipeline["id"]


def refuse_doubt(api: gitlab_api.Api, project: int, packages: list[dict[str, Any]], unshown: bool) -> None:
    """None of these is ours. Raises where that may not be so: "nothing was published yet" makes every build a full one."""
    written = [file["pipelines"] for one in packages[:LOOK_BACK] for file in files_of(api, one)]
    if unshown or not any(written):
        raise gitlab_api.Problem(
            f"GitLab says of no package {packages[0]['name']} which pipeline has written it: that pipeline was deleted (deploy again), "
            "a person wrote it (delete it, under Deploy, Package registry), or this login may not read pipelines."
        )
    if any(is_ours(one, project) for pipelines in written for one in pipelines):
        raise gitlab_api.Problem(
            f"a package {packages[0]['name']} is of a pipeline on {MAIN}, and GitLab knows of no {JOB} to {ENVIRONMENT} that wrote it. "
            f"Was the environment {ENVIRONMENT} deleted? Deploy again, or delete the package, under Deploy, Package registry."
        )
    if len(packages) > LOOK_BACK:
        raise gitlab_api.Problem(
            f"there are {len(packages)} packages {packages[0]['name']}, and no deploy wrote the newest {LOOK_BACK}. "
            "Delete them, under Deploy, Package registry."
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


def attested(every: list[dict[str, Any]], project: int, pipeline: int | None) -> dict[str, dict[str, Any]]:
    """The files that this pipeline has written into a package, by name. What somebody else has put beside them is passed over;
    put over one of them, its digest differs, and that is an error."""
    files: dict[str, dict[str, Any]] = {}
    for file in every:
        if file["pipelines"] != [] and all(one.get("id") == pipeline and is_ours(one, project) for one in file["pipelines"]):
            if file["file_name"] in files:
                raise gitlab_api.Problem(
                    f"pipeline {pipeline} has uploaded {file['file_name']} twice, which no deploy does: another job of it has. Deploy again."
                )
            files[file["file_name"]] = file
    return files


def is_ours(pipeline: dict[str, Any], project: int) -> bool:
    """Not a merge request's, whose ref is refs/merge-requests/…, nor a fork's; a tag may have the branch's name too."""
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
