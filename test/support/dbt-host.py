"""Runs dbt without importing it every time: importing takes longer than most of what our tests ask of it.

Reads one request a line, {"args", "cwd", "env", "uid", "stdout", "stderr"}; runs dbt as its command line does, in a
process of its own that is forked after the import (of dbt alone: DuckDB starts threads, which no fork survives); answers with its exit status on one line.

    python dbt-host.py [<a Python file>]

With a file, its run(args, dbt) runs in dbt's place: it may change what the adapter connects to first.
"""

import importlib.util
import json
import os
import sys

from dbt.cli.main import cli


def loaded(name: str):
    specification = importlib.util.spec_from_file_location("instead", name)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


instead = loaded(sys.argv[1]) if len(sys.argv) > 1 else None


def run(request: dict) -> None:
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_APPEND), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    if request["uid"] is not None:
        os.setgroups([])
        os.setgid(request["uid"])
        os.setuid(request["uid"])
    if instead is not None:
        sys.exit(instead.run(request["args"], cli))
    sys.argv = ["dbt", *request["args"]]
    sys.exit(cli())


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(json.loads(line))
    _, status = os.waitpid(child, 0)
    os.write(1, (json.dumps(os.waitstatus_to_exitcode(status)) + "\n").encode())
