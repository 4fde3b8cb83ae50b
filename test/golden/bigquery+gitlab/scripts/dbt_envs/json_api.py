"""JSON over HTTP, for the scripts that ask a code host or a CI provider. A module, not a command.

It fails closed: an answer that is late, incomplete, of another shape or no answer at all is an error, never an empty
list. The login goes to the API's own address and nowhere else, and stands in no message and on no command line.
"""

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
from datetime import datetime
from typing import Any, BinaryIO

TIMEOUT = 30  # seconds of silence
DEADLINE = 600  # seconds for one answer, however slowly it drips
LONGEST_WAIT = 60  # seconds until a request that was put off is tried again
TRIES = 3
LARGEST_ANSWER = 64 * 1024 * 1024
PASSING = (502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Problem(Exception):
    """What is wrong and what to do, in one line."""


class Refused(Problem):
    """The service answered, and the answer is no. A rate limit is a plain Problem: it says nothing about what was asked for."""

    def __init__(self, text: str, status: int, message: str) -> None:
        super().__init__(text)
        self.status = status
        self.message = message  # in the service's words


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Python's own handler would hand the login on to whatever address the answer names."""

    def redirect_request(self, *_: object) -> None:
        return None


OPENER = urllib.request.build_opener(NoRedirect)


class Service:
    """One API, at the address in `variable`. `login` is the header that logs in; `advice` says, by status, what to do about a
    refusal. With `follows`, what has moved within the API is read where it is now."""

    def __init__(
        self,
        name: str,
        variable: str,
        base: str,
        login: tuple[str, str],
        advice: dict[int, str],
        headers: dict[str, str] | None = None,
        follows: bool = False,
    ) -> None:
        address = urllib.parse.urlsplit(base)
        if not address.hostname or (address.scheme != "https" and not (address.scheme == "http" and address.hostname in LOOPBACK)):
            raise Problem(f"{variable} is no https:// address, and a login goes nowhere else.")
        if not re.fullmatch(r"[\x21-\x7e]+( [\x21-\x7e]+)?", login[1]):
            raise Problem(f"the login for {name} holds a character that no token has.")
        self.name = name
        self.base = base.rstrip("/")
        self.login = login
        self.advice = advice
        self.headers = {"Accept": "application/json", **(headers or {})}
        self.follows = follows
        self.date: str | None = None  # of the first answer, as the service wrote it

    def get(self, path: str) -> dict[str, Any]:
        """One object. Raises Refused where the service says no, Problem where it does not say."""
        answer, _ = self.ask(self.base + path)
        if not isinstance(answer, dict):
            raise Problem(f"the answer from {self.base + path} is of another shape.")
        return answer

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """POST, PUT or DELETE: once, whatever happens."""
        answer, _ = self.ask(self.base + path, method, json.dumps(body).encode())
        return answer

    def upload(self, path: str, file: pathlib.Path) -> None:
        """PUTs a file's bytes: once, whatever happens."""
        self.ask(self.base + path, "PUT", file.read_bytes(), "application/octet-stream")

    def asked_at(self) -> str:
        """When the first answer was given, by the service's own clock: 2026-11-27T03:43:02Z. This machine's may be wrong."""
        try:
            date = datetime.strptime(self.date or "", "%a, %d %b %Y %H:%M:%S GMT")
        except ValueError:
            raise Problem(f"the answers from {self.base} do not say when they were given: their Date is missing, or no date.") from None
        return date.strftime("%Y-%m-%dT%H:%M:%SZ")

    def download(self, path: str, target: BinaryIO, largest: int) -> str:
        """A file into `target`; returns its SHA-256. It may be at another storage, which gets no login: its address is itself
        the key, which is why no message names more of it than its host."""
        url = self.base + path
        response, own, at = self.open(url, "GET", None), urllib.parse.urlsplit(self.base), url
        for _ in range(TRIES):
            with response:
                if response.status not in REDIRECTS:
                    return self.saved(response, target, largest, url)
                at = urllib.parse.urljoin(at, response.headers.get("location", ""))
            address = urllib.parse.urlsplit(at)
            if address.scheme != "https" and not (address.scheme == own.scheme and address.hostname == own.hostname):
                raise Problem(f"{url} is said to be at an address that is not https.")
            try:
                response = OPENER.open(urllib.request.Request(at, headers={"User-Agent": "dbt-envs"}), timeout=TIMEOUT)
            except urllib.error.HTTPError as error:
                if error.code not in REDIRECTS:
                    with error:
                        raise Problem(f"the file of {url} could not be downloaded: {address.hostname} answers with status {error.code}. Try again.") from None
                response = error
            except (OSError, http.client.HTTPException) as error:
                raise Problem(f"the file of {url} could not be downloaded from {address.hostname}: {self.hidden(reason(error))}. Try again.") from None
        raise Problem(f"{url} leads from one address to the next.")

    def saved(self, response: Any, target: BinaryIO, largest: int, url: str) -> str:
        digest = hashlib.sha256()
        try:
            for piece in pieces(response, largest):
                digest.update(piece)
                target.write(piece)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Problem(f"the file of {url} could not be downloaded: {self.hidden(reason(error))}. Try again.") from None
        return digest.hexdigest()

    def ask(self, url: str, method: str = "GET", body: bytes | None = None, kind: str = "application/json") -> tuple[Any, http.client.HTTPMessage]:
        """The JSON of one answer and its headers; None where the answer has no body."""
        for _ in range(TRIES):
            response = self.open(url, method, body, kind)
            try:
                with response:
                    location = response.headers.get("location", "")
                    if response.status not in REDIRECTS:
                        text = bytearray()
                        for piece in pieces(response, LARGEST_ANSWER):
                            text += piece
                        answer = None if response.status == 204 and not text else json.loads(text)
                        self.date = response.headers.get("date", "") if self.date is None else self.date
                        return answer, response.headers
            except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
                raise Problem(f"the answer from {url} is not whole: {self.hidden(reason(error))}. Try again.") from None
            moved = urllib.parse.urljoin(url, location)
            if not self.follows or method != "GET" or location == "" or origin(moved) != origin(self.base):
                raise Problem(f"{url} has moved (status {response.status}). Was the repository renamed? Update the git remote.")
            url = moved
        raise Problem(f"{url} leads from one address to the next.")

    def open(self, url: str, method: str, body: bytes | None, kind: str = "application/json") -> Any:
        """The response, or a redirect, which is an answer here too. Only what was put off is tried again, and only GET."""
        for attempt in range(1, TRIES + 1):
            request = urllib.request.Request(url, data=body, method=method)
            for header, value in self.headers.items():
                request.add_header(header, value)
            request.add_header("User-Agent", "dbt-envs")
            if body is not None:
                request.add_header("Content-Type", kind)
            request.add_unredirected_header(*self.login)
            try:
                return OPENER.open(request, timeout=TIMEOUT)
            except urllib.error.HTTPError as error:
                if error.code in REDIRECTS:
                    return error
                wait = put_off(error)
                if wait is not None and method == "GET" and attempt < TRIES and wait <= LONGEST_WAIT:
                    error.close()
                    time.sleep(wait)
                    continue
                raise self.refusal(url, error, wait) from None
            except (OSError, http.client.HTTPException) as error:
                raise Problem(f"{url} does not answer: {self.hidden(reason(error))}.") from None
        raise Problem(f"{url} does not answer.")

    def refusal(self, url: str, error: urllib.error.HTTPError, wait: float | None) -> Problem:
        message = self.message_of(error)
        said = f"{self.name} answers {url} with status {error.code}" + (f" ({message})" if message else "")
        if wait is not None and error.code not in PASSING:
            return Problem(f"{said}: the rate limit is reached. Try again in {max(int(wait / 60 + 0.99), 1)} minutes.")
        if error.code >= 500:
            return Problem(f"{said}. {self.advice.get(500, 'Try again later')}.")
        return Refused(f"{said}. {self.advise(error)}.", error.code, message)

    def advise(self, error: urllib.error.HTTPError) -> str:
        return self.advice.get(error.code, "Nothing was read")

    def message_of(self, error: urllib.error.HTTPError) -> str:
        try:
            with error:
                answer = json.loads(error.read(65536))
        except (OSError, http.client.HTTPException, ValueError, RecursionError):
            return ""
        message = (answer.get("message") or answer.get("error")) if isinstance(answer, dict) else ""
        return self.hidden(message if isinstance(message, str) else json.dumps(message))

    def hidden(self, text: str) -> str:
        """One printable line without the login, whoever wrote it."""
        secret = self.login[1].rpartition(" ")[2]
        return "".join(one if one.isprintable() else " " for one in text.replace(secret, "***"))[:300].strip()


def put_off(error: urllib.error.HTTPError) -> float | None:
    """Seconds to wait where the answer is "later"; None where it is another answer. Some say so with status 403."""
    if error.code in PASSING:
        return 1
    if error.code not in (403, 429):
        return None
    headers = error.headers
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset", "")
    if after.isdigit():
        return int(after)
    if error.code == 403 and headers.get("x-ratelimit-remaining") != "0":
        return None
    return max(int(reset) - time.time(), 0) + 1 if reset.isdigit() else LONGEST_WAIT + 1


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


def reason(error: BaseException) -> str:
    inner = getattr(error, "reason", None) or error
    return str(inner) or type(inner).__name__


def origin(url: str) -> tuple[str, str | None, int | None]:
    address = urllib.parse.urlsplit(url)
    return address.scheme, address.hostname, address.port or {"https": 443, "http": 80}.get(address.scheme)


def output_of(command: list[str], folder: pathlib.Path, text: str = "") -> str:
    """What it printed; nothing where it is not installed, fails, or does not end. It may not ask anybody; its own words are not repeated."""
    silent = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "GCM_INTERACTIVE": "never"}
    try:
        done = subprocess.run(
            command, cwd=folder, input=text, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=TIMEOUT, env={**os.environ, **silent}
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def stored_by_git(host: str, folder: pathlib.Path, scheme: str = "https") -> str:
    """What a credential helper of git's remembers: git-scm.com/docs/git-credential."""
    fill = ["git", "-c", "core.askPass=", "-c", "credential.interactive=false", "credential", "fill"]
    answer = output_of(fill, folder, f"protocol={scheme}\nhost={host}\n\n")
    found = [line.partition("=")[2] for line in answer.splitlines() if line.startswith("password=")]
    return found[0] if found else ""


def remote_of(folder: pathlib.Path) -> str:
    """The address of the git remote "origin"; empty where there is none. It may hold a password."""
    return output_of(["git", "remote", "get-url", "origin"], folder).strip()


def host_and_path(url: str) -> tuple[str, str]:
    """Of https://, ssh:// and user@host:path; two empty texts where it is another address. A user and a password in it are
    passed over, and never printed."""
    if "://" in url:
        address = urllib.parse.urlsplit(url)
        if address.scheme not in ("http", "https", "ssh", "git") or not address.hostname:
            return "", ""
        port = f":{address.port}" if address.port and address.scheme in ("http", "https") else ""
        host, path = address.hostname + port, address.path
    else:
        scp = re.fullmatch(r"(?:[^@/]+@)?([A-Za-z0-9.-]{2,}):(.*)", url)
        host, path = scp.groups() if scp else ("", "")
    return host.lower(), path.strip("/").removesuffix(".git")
