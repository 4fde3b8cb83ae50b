"""GitHub's REST API, for the scripts beside this file. A module, not a command.

It fails closed: an answer that is late, incomplete, of another shape or no answer at all is an error, never an empty
list. The token goes to the API's own address and nowhere else, and stands in no message and on no command line.

GITHUB_API_URL       where the API is, as GitHub Actions sets it (default: that of the host of the git remote "origin")
GITHUB_REPOSITORY    owner/name (default: from the same remote)
GITHUB_TOKEN         the login; without it GH_TOKEN, then what gh is logged in with, then what git has stored for the host
"""

import datetime
import hashlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any, BinaryIO

TIMEOUT = 30  # seconds of silence
DEADLINE = 600  # seconds for one answer, however slowly it drips
LONGEST_WAIT = 60  # seconds until a request that GitHub put off is tried again
TRIES = 3
PER_PAGE = 100  # the most that GitHub gives: docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
LARGEST_ANSWER = 64 * 1024 * 1024
PASSING = (502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Problem(Exception):
    """What is wrong and what to do, in one line."""


class Refused(Problem):
    """GitHub answered, and the answer is no. A rate limit is a plain Problem: it says nothing about what was asked for."""

    def __init__(self, text: str, status: int, message: str) -> None:
        super().__init__(text)
        self.status = status
        self.message = message  # in GitHub's words


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
    if not address.hostname or (address.scheme != "https" and not (address.scheme == "http" and address.hostname in LOOPBACK)):
        raise Problem("GITHUB_API_URL is no https:// address, and a token goes nowhere else.")
    return Api(base, repository, token_for(web_host(address), address.scheme, folder))


def remote(folder: pathlib.Path) -> tuple[str, str]:
    """Host and owner/name of the remote "origin"."""
    url = output_of(["git", "remote", "get-url", "origin"], folder=folder).strip()
    if url == "":
        raise Problem('this folder has no git remote "origin". Set GITHUB_REPOSITORY=owner/name.')
    return host_and_repository(url)


def host_and_repository(url: str) -> tuple[str, str]:
    """Of https://, ssh:// and user@host:owner/name. A user and a password in it are passed over, and never printed."""
    if "://" in url:
        address = urllib.parse.urlsplit(url)
        host = address.hostname or ""
        if address.scheme in ("http", "https") and address.port:
            host = f"{host}:{address.port}"
        path = address.path if address.scheme in ("http", "https", "ssh", "git") else ""
    else:
        scp = re.fullmatch(r"(?:[^@/]+@)?([A-Za-z0-9.-]{2,}):(.*)", url)
        host, path = scp.groups() if scp else ("", "")
    repository = path.strip("/").removesuffix(".git")
    if host == "" or not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", repository):
        raise Problem('the git remote "origin" is no repository on GitHub. Set GITHUB_REPOSITORY=owner/name, and GITHUB_API_URL where it is not github.com.')
    return host.lower(), repository


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
        or output_of(["gh", "auth", "token", "--hostname", host], folder=folder).strip()
        or stored_by_git(host, scheme, folder)
    )
    if token == "":
        raise Problem(f"there is no login for {host}. Run: gh auth login --hostname {host} (or set GITHUB_TOKEN).")
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise Problem(f"the token for {host} holds a character that no token has. Log in again, or set GITHUB_TOKEN.")
    return token


def stored_by_git(host: str, scheme: str, folder: pathlib.Path) -> str:
    """What a credential helper of git's remembers: git-scm.com/docs/git-credential. It may not open a prompt or a window."""
    silent = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "GCM_INTERACTIVE": "never"}
    answer = output_of(
        ["git", "-c", "core.askPass=", "-c", "credential.interactive=false", "credential", "fill"],
        folder=folder,
        text=f"protocol={scheme}\nhost={host}\n\n",
        env={**os.environ, **silent},
    )
    found = [line.partition("=")[2] for line in answer.splitlines() if line.startswith("password=")]
    return found[0] if found else ""


def output_of(command: list[str], folder: pathlib.Path, text: str = "", env: dict[str, str] | None = None) -> str:
    """What it printed; nothing where it is not installed, fails, or does not end. Its own words are not repeated."""
    try:
        done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=TIMEOUT, env=env)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Python's own handler would hand the token on to whatever address the answer names."""

    def redirect_request(self, *_: object) -> None:
        return None


OPENER = urllib.request.build_opener(NoRedirect)


class Api:
    def __init__(self, base: str, repository: str, token: str) -> None:
        self.base = base
        self.repository = repository
        self.token = token
        self.date: str | None = None  # of the first answer, as GitHub wrote it

    def url(self, path: str) -> str:
        """A path below the repository: "/pulls/142"; "" is the repository itself."""
        return f"{self.base}/repos/{self.repository}{path}"

    def get(self, path: str) -> dict[str, Any]:
        """One object. Raises Refused where GitHub says no, Problem where it does not say."""
        answer, _ = self.ask(self.url(path))
        if not isinstance(answer, dict):
            raise Problem(f"the answer from {self.url(path)} is of another shape.")
        return answer

    def every(self, path: str, key: str = "") -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page; `key` where the list is inside an object. It ends after the last page or
        raises: with a page that comes twice, or is missing, nothing is known of what is not in the list."""
        url = self.url(path) + ("&" if "?" in path else "?") + f"per_page={PER_PAGE}"
        asked: set[str] = set()
        known: set[object] = set()
        count, page, last, total = 0, 1, 1, 0
        while True:
            asked.add(url)
            answer, headers = self.ask(url)
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
            if origin(following) != origin(self.base):
                raise Problem(f"the next page of {url} is said to be at another address.")
            if following in asked:
                raise Problem(f"the next page of {url} is one that was read before: the list is not complete. Try again.")
            url, page = following, page + 1
        if page < last or empty or len(known) < total:
            raise Problem(f"the list {self.url(path)} ended early, at page {page} of {last} and {count} of {max(total, count)} items. Try again.")

    def asked_at(self) -> str:
        """When the first answer was given, by GitHub's own clock: 2026-11-27T03:43:02Z. This machine's may be wrong."""
        try:
            date = datetime.datetime.strptime(self.date or "", "%a, %d %b %Y %H:%M:%S GMT")
        except ValueError:
            raise Problem(f"the answers from {self.base} do not say when they were given: their Date is missing, or no date.") from None
        return date.strftime("%Y-%m-%dT%H:%M:%SZ")

    def send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST or PATCH: once, whatever happens."""
        answer, _ = self.ask(self.url(path), method, json.dumps(body).encode())
        if not isinstance(answer, dict):
            raise Problem(f"the answer to {method} {self.url(path)} is of another shape.")
        return answer

    def download(self, path: str, target: BinaryIO, largest: int) -> str:
        """An artifact's zip into `target`; returns its SHA-256. GitHub answers with the address of another storage, good
        for a minute (docs.github.com/en/rest/actions/artifacts#download-an-artifact). That storage gets no token: the address
        is itself the key, which is why no message names more of it than its host."""
        url = self.url(path)
        response = self.open(url, "GET", None)
        with response:
            status, location = response.status, response.headers.get("location", "")
        if status not in REDIRECTS or location == "":
            raise Problem(f"{url} did not say where the file is (status {status}).")
        own, at = urllib.parse.urlsplit(self.base), url
        for _ in range(TRIES):
            at = urllib.parse.urljoin(at, location)
            address = urllib.parse.urlsplit(at)
            if address.scheme != "https" and not (address.scheme == own.scheme and address.hostname == own.hostname):
                raise Problem(f"{url} is said to be at an address that is not https.")
            try:
                request = urllib.request.Request(at, headers={"User-Agent": "dbt-envs"})
                with OPENER.open(request, timeout=TIMEOUT) as response:
                    return save(response, target, largest)
            except urllib.error.HTTPError as error:
                with error:
                    location = error.headers.get("location", "")
                    if error.code not in REDIRECTS or location == "":
                        raise Problem(f"the file of {url} could not be downloaded: {address.hostname} answers with status {error.code}. Try again.") from None
            except (OSError, http.client.HTTPException) as error:
                raise Problem(f"the file of {url} could not be downloaded from {address.hostname}: {self.hidden(reason(error))}. Try again.") from None
        raise Problem(f"{url} leads from one address to the next.")

    def ask(self, url: str, method: str = "GET", body: bytes | None = None) -> tuple[Any, http.client.HTTPMessage]:
        """The JSON of one answer and its headers. A renamed repository's old address is followed, within the API."""
        for _ in range(TRIES):
            response = self.open(url, method, body)
            try:
                with response:
                    location = response.headers.get("location", "")
                    if response.status not in REDIRECTS:
                        text = bytearray()
                        for piece in pieces(response, LARGEST_ANSWER):
                            text += piece
                        answer = json.loads(text)
                        self.date = response.headers.get("date", "") if self.date is None else self.date
                        return answer, response.headers
            except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
                raise Problem(f"the answer from {url} is not whole: {self.hidden(reason(error))}. Try again.") from None
            moved = urllib.parse.urljoin(url, location)
            if method != "GET" or location == "" or origin(moved) != origin(self.base):
                raise Problem(f"{url} has moved (status {response.status}). Was the repository renamed? Update the git remote.")
            url = moved
        raise Problem(f"{url} leads from one address to the next.")

    def open(self, url: str, method: str, body: bytes | None) -> Any:
        """The response, or a redirect, which is an answer here too. Only what GitHub put off is tried again, and only GET."""
        for attempt in range(1, TRIES + 1):
            request = urllib.request.Request(url, data=body, method=method)
            request.add_header("Accept", "application/vnd.github+json")
            request.add_header("X-GitHub-Api-Version", "2022-11-28")
            request.add_header("User-Agent", "dbt-envs")
            if body is not None:
                request.add_header("Content-Type", "application/json")
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
            try:
                return OPENER.open(request, timeout=TIMEOUT)
            except urllib.error.HTTPError as error:
                if error.code in REDIRECTS:
                    return error
                wait = self.put_off(error)
                if wait is not None and method == "GET" and attempt < TRIES and wait <= LONGEST_WAIT:
                    error.close()
                    time.sleep(wait)
                    continue
                raise self.refusal(url, error, wait) from None
            except (OSError, http.client.HTTPException) as error:
                raise Problem(f"{url} does not answer: {self.hidden(reason(error))}.") from None
        raise Problem(f"{url} does not answer.")

    def put_off(self, error: urllib.error.HTTPError) -> float | None:
        """Seconds to wait where the answer is "later": docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api."""
        if error.code in PASSING:
            return 1
        if error.code not in (403, 429):
            return None
        after, reset = error.headers.get("retry-after", ""), error.headers.get("x-ratelimit-reset", "")
        if after.isdigit():
            return int(after)
        if error.headers.get("x-ratelimit-remaining") == "0":
            return max(int(reset) - time.time(), 0) + 1 if reset.isdigit() else LONGEST_WAIT + 1
        return LONGEST_WAIT + 1 if error.code == 429 else None

    def refusal(self, url: str, error: urllib.error.HTTPError, wait: float | None) -> Problem:
        message = self.message_of(error)
        said = f"GitHub answers {url} with status {error.code}" + (f" ({message})" if message else "")
        if wait is not None and error.code in (403, 429):
            return Problem(f"{said}: the rate limit is reached. Try again in {max(int(wait / 60 + 0.99), 1)} minutes.")
        if error.code >= 500:
            return Problem(f"{said}. Try again later; www.githubstatus.com says whether GitHub has trouble.")
        needs = re.sub(r"[^\w=,; -]", "", error.headers.get("x-accepted-github-permissions", ""))
        advice = {
            401: "The token is not valid: log in again (gh auth login), or set GITHUB_TOKEN",
            403: f"This login may not do that; it needs {needs}" if needs else "This login may not do that",
            404: f"It is not there, or this login may not see {self.repository}",
        }.get(error.code, "Nothing was read")
        return Refused(f"{said}. {advice}.", error.code, message)

    def message_of(self, error: urllib.error.HTTPError) -> str:
        try:
            with error:
                answer = json.loads(error.read(65536))
        except (OSError, http.client.HTTPException, ValueError, RecursionError):
            return ""
        message = answer.get("message") if isinstance(answer, dict) else ""
        return self.hidden(message) if isinstance(message, str) else ""

    def hidden(self, text: str) -> str:
        """One printable line without the token, whoever wrote it."""
        return "".join(one if one.isprintable() else " " for one in text.replace(self.token, "***"))[:300].strip()


def pieces(response: Any, largest: int) -> Iterator[bytes]:
    """The whole body. Python takes a connection that broke for the end, so the length is compared; and read(), unlike
    read1(), would wait for a full piece, however slowly it drips."""
    promised = response.headers.get("content-length")
    end, length = time.monotonic() + DEADLINE, 0
    while piece := response.read1(65536):
        length += len(piece)
        if length > largest:
            raise ValueError(f"it is larger than {largest} bytes")
        if time.monotonic() > end:
            raise TimeoutError(f"it took longer than {DEADLINE} seconds")
        yield piece
    if promised is not None and promised.isdigit() and length != int(promised):
        raise ValueError(f"it broke off after {length} of {promised} bytes")


def save(response: Any, target: BinaryIO, largest: int) -> str:
    digest = hashlib.sha256()
    try:
        for piece in pieces(response, largest):
            digest.update(piece)
            target.write(piece)
    except ValueError as error:
        raise OSError(str(error)) from None
    return digest.hexdigest()


def reason(error: BaseException) -> str:
    inner = getattr(error, "reason", None) or error
    return str(inner) or type(inner).__name__


def origin(url: str) -> tuple[str, str | None, int | None]:
    address = urllib.parse.urlsplit(url)
    return address.scheme, address.hostname, address.port or {"https": 443, "http": 80}.get(address.scheme)


def links_in(headers: http.client.HTTPMessage) -> dict[str, str]:
    return {name: url for url, name in re.findall(r'<([^>]*)>\s*;\s*rel="([a-z]+)"', ",".join(headers.get_all("link") or []))}


def page_in(url: str) -> int:
    page = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query).get("page", ["1"])[0]
    return int(page) if page.isdigit() else 1


def with_page(url: str, page: int) -> str:
    address = urllib.parse.urlsplit(url)
    query = [pair for pair in urllib.parse.parse_qsl(address.query) if pair[0] != "page"]
    return address._replace(query=urllib.parse.urlencode([*query, ("page", str(page))])).geturl()
