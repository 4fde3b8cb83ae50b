"""Builds production beside the file that everybody reads, and puts it in place at once.

    python scripts/dbt_envs/publish_prod.py prepare    before the build: copies prod.duckdb to prod/next
    python scripts/dbt_envs/publish_prod.py publish    after it: moves the copy over prod.duckdb

DuckDB lets nobody read a file that somebody writes. So dbt writes a copy: incremental models and snapshots find what
they had, readers keep the old file until the new one is whole, and a build that failed is never seen by anyone.
The folder is DBT_DUCKDB_DIR (default: warehouse). Python's standard library only.
"""

import hashlib
import os
import pathlib
import shutil
import sys
import time

PROD = pathlib.Path(os.environ.get("DBT_DUCKDB_DIR") or "warehouse") / "prod"
PUBLISHED = PROD / "prod.duckdb"
NEXT = PROD / "next"
COPY = NEXT / "prod.duckdb"
ORIGIN = NEXT / "origin"  # what the copy was made from
NOTHING = "nothing was published"


def prepare() -> str:
    if NEXT.exists():
        shutil.rmtree(NEXT)  # left by a build that failed
    NEXT.mkdir(parents=True)
    if PUBLISHED.exists():
        shutil.copy(PUBLISHED, COPY)  # with its mode: what was readable stays readable
    ORIGIN.write_text(fingerprint(PUBLISHED), encoding="ascii")
    return f"{COPY} is ready: build with --target prod, then publish."


def publish() -> str:
    if not ORIGIN.exists() or not COPY.exists():
        raise Refused(f"{COPY} was not prepared and built: run prepare, then dbt build --target prod.")
    if COPY.with_name("prod.duckdb.wal").exists():
        raise Refused(f"{COPY} is still open, or a build of it was interrupted: run prepare and build again.")
    if fingerprint(PUBLISHED) != ORIGIN.read_text(encoding="ascii"):
        raise Refused(f"{PUBLISHED} has changed since prepare, so another deploy published: run prepare and build again.")
    with COPY.open("rb+") as file:
        os.fsync(file.fileno())
    move(COPY, PUBLISHED)
    shutil.rmtree(NEXT)
    return f"{PUBLISHED} is published."


def fingerprint(file: pathlib.Path) -> str:
    if not file.exists():
        return NOTHING
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        for block in iter(lambda: opened.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def move(source: pathlib.Path, destination: pathlib.Path) -> None:
    """One rename. Windows refuses it while somebody has the old file open: try for a minute."""
    for _ in range(60):
        try:
            source.replace(destination)
            return
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(1)
    raise Refused(f"{destination} is open in another program: close it and publish again.")


class Refused(Exception):
    pass


def main(arguments: list[str]) -> int:
    commands = {"prepare": prepare, "publish": publish}
    if len(arguments) != 1 or arguments[0] not in commands:
        print("Usage: python scripts/dbt_envs/publish_prod.py prepare|publish", file=sys.stderr)
        return 2
    try:
        print(commands[arguments[0]]())
        return 0
    except (Refused, OSError) as error:
        print(f"publish_prod: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
