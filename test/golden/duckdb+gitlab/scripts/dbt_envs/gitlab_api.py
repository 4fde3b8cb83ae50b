"""GitLab's REST API, for the scripts beside this file. A module, not a command; json_api.py says how it fails.

CI_API_V4_URL           where the API is, as GitLab CI sets it (default: that of the host of the git remote "origin")
CI_PROJECT_ID           the project, as GitLab CI sets it (default: the path of the same remote)
DBT_ENVS_GITLAB_TOKEN   the login; without it CI_JOB_TOKEN, GITLAB_TOKEN, what glab is logged in with, what git has stored
"""

import os
import pathlib
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

from json_api import Problem, Refused, Service, host_and_path, output_of, remote_of, stored_by_git

__all__ = ["Api", "Problem", "Refused", "connect"]
PER_PAGE = 100  # the most that GitLab gives: docs.gitlab.com/api/rest/#offset-based-pagination


def connect(folder: pathlib.Path) -> "Api":
    """The API of the project that this folder belongs to, with the first login that is found."""
    base, project = os.environ.get("CI_API_V4_URL", "").rstrip("/"), os.environ.get("CI_PROJECT_ID", "")
    host, path = host_and_path(remote_of(folder)) if base == "" or project == "" else ("", "")
    base = base or (f"https://{host}/api/v4" if host else "")
    project = project or path
    if base == "" or not re.fullmatch(r"[0-9]+|[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+", project):
        raise Problem('the git remote "origin" is no project on GitLab. Set CI_API_V4_URL and CI_PROJECT_ID.')
    return Api(base, project, login_for(urllib.parse.urlsplit(base).netloc.rpartition("@")[2], folder))


def login_for(host: str, folder: pathlib.Path) -> tuple[str, str]:
    """The first login that is found, as a header. Nobody is asked for one: a script in CI must not wait for a person."""
    named, job = os.environ.get("DBT_ENVS_GITLAB_TOKEN"), os.environ.get("CI_JOB_TOKEN")
    if not named and job:
        return "JOB-TOKEN", job
    token = named or os.environ.get("GITLAB_TOKEN")
    token = token or output_of(["glab", "config", "get", "token", "--host", host], folder).strip() or stored_by_git(host, folder)
    if not token:
        raise Problem(f"there is no login for {host}. Run: glab auth login --hostname {host} (or set GITLAB_TOKEN).")
    return "Authorization", f"Bearer {token}"  # access tokens and OAuth tokens alike: docs.gitlab.com/api/rest/authentication


class Api:
    def __init__(self, base: str, project: str, login: tuple[str, str]) -> None:
        self.project = project
        self.with_job_token = login[0] == "JOB-TOKEN"
        needs = "a job's token reads merge requests and packages on newer GitLabs alone; set DBT_ENVS_GITLAB_TOKEN (scope read_api)"
        self.service = Service(
            "GitLab",
            "CI_API_V4_URL",
            base,
            login,
            {
                401: "The login is not valid: log in again (glab auth login), or set GITLAB_TOKEN",
                403: f"This login may not do that: {needs}" if self.with_job_token else "This login may not do that",
                404: f"It is not there, or this login may not see it: {needs}" if self.with_job_token else "It is not there, or this login may not see it",
            },
        )

    def path(self, path: str) -> str:
        """A path below the project: "/merge_requests/142"; "" is the project itself."""
        return f"/projects/{urllib.parse.quote(self.project, safe='')}{path}"

    def get(self, path: str) -> dict[str, Any]:
        return self.service.get(self.path(path))

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        return self.service.send(method, self.path(path), body)

    def asked_at(self) -> str:
        return self.service.asked_at()

    def every(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page. It ends after the last page or raises: with a page that comes twice, or is
        missing, nothing is known of what is not in the list."""
        first = self.service.base + self.path(path) + ("&" if "?" in path else "?") + f"per_page={PER_PAGE}"
        known: set[object] = set()
        page, total = 1, 0
        while True:
            url = f"{first}&page={page}"
            items, headers = self.service.ask(url)
            if not isinstance(items, list) or not all(isinstance(item, dict) and isinstance(item.get("id"), int) for item in items):
                raise Problem(f"the answer from {url} is of another shape.")
            following = headers.get("x-next-page")
            if headers.get("x-page") != str(page) or following not in ("", str(page + 1)):
                raise Problem(f"the answer from {url} does not say which page it is, or which comes next: the list is not complete.")
            names = {item["id"] for item in items}
            if names & known or len(names) != len(items):
                raise Problem(f"GitLab gave the same item twice ({url}): the list is not complete. Try again.")
            known |= names
            said = headers.get("x-total", "")  # not said of more than 10,000 items
            total = max(total, int(said)) if said.isdigit() else total
            yield from items
            if following != "" and not items:
                raise Problem(f"page {page} of {self.path(path)} was promised and is empty: the list is not complete. Try again.")
            if following == "" and len(items) < PER_PAGE:  # a full page may be the last one; ask, lest a proxy changed the header
                break
            page += 1
        if len(known) < total:
            raise Problem(f"the list {self.path(path)} ended early, at {len(known)} of {total} items. Try again.")
