"""GitHub's REST API, for the scripts beside this file. A module, not a command; json_api.py says how it fails.

GITHUB_API_URL       where the API is, as GitHub Actions sets it (default: that of the host of the git remote "origin")
GITHUB_REPOSITORY    owner/name (default: from the same remote)
GITHUB_TOKEN         the login; without it GH_TOKEN, then what gh is logged in with, then what git has stored for the host
"""

import http.client
import json
import os
import pathlib
import re
import urllib.error
import urllib.parse
from collections.abc import Iterator
from typing import Any, BinaryIO

from json_api import Problem, Refused, Service, host_and_path, origin, output_of, remote_of, stored_by_git

__all__ = ["Api", "Problem", "Refused", "connect"]
PER_PAGE = 100  # the most that GitHub gives: docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api


def connect(folder: pathlib.Path) -> "Api":
    """The API of the repository that this folder belongs to, with the first login that is found."""
    base = os.environ.get("GITHUB_API_URL", "").rstrip("/")
    repository = os.environ.get("GITHUB_REPOSITORY", "")
    if repository == "":
        host, repository = remote(folder)
        base = base or api_of(host)
    base = base or api_of("github.com")
    if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", repository):
        raise Problem("GITHUB_REPOSITORY is not owner/name.")
    address = urllib.parse.urlsplit(base)
    return Api(base, repository, token_for(web_host(address), address.scheme, folder))


def remote(folder: pathlib.Path) -> tuple[str, str]:
    """Host and owner/name of the remote "origin"."""
    url = remote_of(folder)
    if url == "":
        raise Problem('this folder has no git remote "origin". Set GITHUB_REPOSITORY=owner/name.')
    return host_and_repository(url)


def host_and_repository(url: str) -> tuple[str, str]:
    host, repository = host_and_path(url)
    if host == "" or not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", repository):
        raise Problem('the git remote "origin" is no repository on GitHub. Set GITHUB_REPOSITORY=owner/name, and GITHUB_API_URL where it is not github.com.')
    return host, repository


def api_of(host: str) -> str:
    """Addresses as in docs.github.com/en/rest (GitHub Enterprise Server: https://HOST/api/v3) and, for ghe.com, in
    docs.github.com/en/enterprise-cloud@latest/admin/data-residency."""
    if host in ("github.com", "www.github.com", "ssh.github.com"):
        return "https://api.github.com"
    if host.endswith(".ghe.com"):
        return f"https://api.{host}"
    return f"https://{host}/api/v3"


def web_host(address: urllib.parse.SplitResult) -> str:
    """The host that gh and git know a login for."""
    host = address.netloc.rpartition("@")[2].lower()
    return host.removeprefix("api.") if host == "api.github.com" or host.endswith(".ghe.com") else host


def token_for(host: str, scheme: str, folder: pathlib.Path) -> str:
    """The first login that is found. Nobody is asked for one: a script in CI must not wait for a person."""
    token = (
        os.environ.get("GITHUB_TOKEN")
        or os.environ.get("GH_TOKEN")
        or output_of(["gh", "auth", "token", "--hostname", host], folder).strip()
        or stored_by_git(host, folder, scheme)
    )
    if token == "":
        raise Problem(f"there is no login for {host}. Run: gh auth login --hostname {host} (or set GITHUB_TOKEN).")
    return token


class Github(Service):
    def advise(self, error: urllib.error.HTTPError) -> str:
        """GitHub says what a login would need."""
        needs = re.sub(r"[^\w=,; -]", "", error.headers.get("x-accepted-github-permissions", ""))
        return super().advise(error) + (f"; it needs {needs}" if needs and error.code == 403 else "")


class Api:
    def __init__(self, base: str, repository: str, token: str) -> None:
        self.repository = repository
        self.service = Github(
            "GitHub",
            "GITHUB_API_URL",
            base,
            ("Authorization", f"Bearer {token}"),
            {
                401: "The token is not valid: log in again (gh auth login), or set GITHUB_TOKEN",
                403: "This login may not do that",
                404: f"It is not there, or this login may not see {repository}",
                500: "Try again later; www.githubstatus.com says whether GitHub has trouble",
            },
            headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
            follows=True,  # a renamed repository's old address
        )

    def path(self, path: str) -> str:
        """A path below the repository: "/pulls/142"; "" is the repository itself."""
        return f"/repos/{self.repository}{path}"

    def url(self, path: str) -> str:
        return f"{self.service.base}{self.path(path)}"

    def get(self, path: str) -> dict[str, Any]:
        return self.service.get(self.path(path))

    def ask(self, url: str) -> tuple[Any, http.client.HTTPMessage]:
        return self.service.ask(url)

    def asked_at(self) -> str:
        return self.service.asked_at()

    def send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST or PATCH: once, whatever happens."""
        answer = self.service.send(method, self.path(path), body)
        if not isinstance(answer, dict):
            raise Problem(f"the answer to {method} {self.url(path)} is of another shape.")
        return answer

    def download(self, path: str, target: BinaryIO, largest: int) -> str:
        """An artifact's zip into `target`; returns its SHA-256. GitHub answers with the address of another storage, good
        for a minute: docs.github.com/en/rest/actions/artifacts#download-an-artifact."""
        return self.service.download(self.path(path), target, largest)

    def every(self, path: str, key: str = "") -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page; `key` where the list is inside an object. It ends after the last page or
        raises: with a page that comes twice, or is missing, nothing is known of what is not in the list."""
        url = self.url(path) + ("&" if "?" in path else "?") + f"per_page={PER_PAGE}"
        asked: set[str] = set()
        known: set[object] = set()
        count, page, last, total = 0, 1, 1, 0
        while True:
            asked.add(url)
            answer, headers = self.service.ask(url)
            items = answer.get(key) if key and isinstance(answer, dict) else answer
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise Problem(f"the answer from {url} is of another shape.")
            if key and not isinstance(answer.get("total_count"), int):
                raise Problem(f"the answer from {url} is of another shape: it does not say how many there are.")
            names = {item.get("id", json.dumps(item, sort_keys=True)) for item in items}
            if items and names <= known:
                raise Problem(f"GitHub gave the same page twice ({url}): the list is not complete. Try again.")
            known |= names
            count += len(items)
            total = max(total, answer["total_count"]) if key else 0
            yield from items
            links = links_in(headers)
            last = max(last, page_in(links.get("last", "")))
            following = links.get("next", "")
            if following == "" and len(items) >= PER_PAGE:  # a full page may be the last one; ask, lest a proxy dropped the link
                following = with_page(url, page + 1)
            if following == "":
                empty = 1 < page <= last and not items  # promised, and nothing on it
                break
            if origin(following) != origin(self.service.base):
                raise Problem(f"the next page of {url} is said to be at another address.")
            if following in asked:
                raise Problem(f"the next page of {url} is one that was read before: the list is not complete. Try again.")
            url, page = following, page + 1
        if page < last or empty or len(known) < total:
            raise Problem(f"the list {self.url(path)} ended early, at page {page} of {last} and {count} of {max(total, count)} items. Try again.")


def links_in(headers: http.client.HTTPMessage) -> dict[str, str]:
    return {name: url for url, name in re.findall(r'<([^>]*)>\s*;\s*rel="([a-z]+)"', ",".join(headers.get_all("link") or []))}


def page_in(url: str) -> int:
    page = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query).get("page", ["1"])[0]
    return int(page) if page.isdigit() else 1


def with_page(url: str, page: int) -> str:
    address = urllib.parse.urlsplit(url)
    query = [pair for pair in urllib.parse.parse_qsl(address.query) if pair[0] != "page"]
    return address._replace(query=urllib.parse.urlencode([*query, ("page", str(page))])).geturl()
