"""dbt with its real BigQuery adapter and Google's own client, against an emulator of BigQuery's API (bqemulator: sqlglot's reading of
GoogleSQL, DuckDB behind it).

    python bigquery_engine.py <python of the emulator> <task.json>

The emulator has no rights and no logins, and forgets labels and descriptions. It knows no @@error.message, no
INFORMATION_SCHEMA.SCHEMATA_OPTIONS and no __TABLES__, lists the tables of a dataset that is not there, and calls a clone something else
than a table. So these are ours: a script that only says what went wrong in its one block is run as that block and that answer; labels
of datasets are the task's; a table has 0 rows in __TABLES__; a dataset is asked for before its tables; a clone is a table. Everything
else goes to the emulator as it stands. What is shown is what dbt builds of the emitted project, where it lands, and what is dropped.

task.json: {"labels": {"<dataset>": text}, "steps": [{"dbt": [arguments], "env": {}} | {"sql": text, "project": text}]}. Prints a JSON
list of what each step said: {"ok", "output"} of dbt, or the rows.
"""

import contextlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import google.auth
from google.api_core.exceptions import GoogleAPIError
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

emulator, task = sys.argv[1], json.load(open(sys.argv[2], encoding="utf-8"))
SAYS = re.compile(r"\s*begin\s+(.*?);?\s*exception when error then\s+select @@error\.message as failed;\s*end\s*", re.S | re.I)
LABELS = re.compile(r"`[a-z0-9-]+`\.`region-us`\.INFORMATION_SCHEMA\.SCHEMATA_OPTIONS")
COUNTS = re.compile(r"(`[a-z0-9-]+`\.\w+)\.__TABLES__")
COMMENT = re.compile(r"^\s*/\*.*?\*/", re.S)


def text(value: str) -> str:
    return json.dumps(value)


def labels() -> str:
    rows = [f"select {text(name)} as schema_name, 'labels' as option_name, {text(value)} as option_value" for name, value in task.get("labels", {}).items()]
    return f"({' union all '.join(rows)})" if rows else "(select '' as schema_name, '' as option_name, '' as option_value)"


asked, listed = bigquery.Client.query, bigquery.Client.list_tables


def answered(self, query, *args, **options):
    sql = LABELS.sub(lambda _: labels(), COMMENT.sub("", query))
    sql = COUNTS.sub(r"(select table_name as table_id, 0 as row_count from \1.INFORMATION_SCHEMA.TABLES)", sql)
    script = SAYS.fullmatch(sql)
    if not script:
        return asked(self, sql, *args, **options)
    try:
        job = asked(self, script[1], *args, **options)
        job.result(retry=None)
        return job
    except GoogleAPIError as error:
        options.pop("job_id", None)
        return asked(self, f"select {text(str(error))} as failed", *args, **options)


def tables(self, dataset, *args, **options):
    self.get_dataset(dataset)
    for table in listed(self, dataset, *args, **options):
        if table._properties.get("type") == "CLONE":
            table._properties["type"] = "TABLE"  # https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables#Table has no CLONE
        yield table


def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start() -> subprocess.Popen:
    subprocess.run([emulator, "-c", "from duckdb_extensions import import_extension\nfor name in ('icu', 'spatial'): import_extension(name)"], check=True)
    port = free()
    command = [emulator, "-m", "bqemulator", "start", "--rest-port", str(port), "--grpc-port", str(free()), "--project", "acme-prod", "--log-level", "error"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ["BIGQUERY_EMULATOR_HOST"] = f"http://127.0.0.1:{port}"
    for _ in range(600):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/bigquery/v2/projects/acme-prod/datasets")
            return running
        if running.poll() is not None:
            break
        time.sleep(0.1)
    running.kill()
    raise SystemExit("the emulator did not start")


def dbt(step: dict) -> dict:
    from dbt.cli.main import dbtRunner

    before = dict(os.environ)
    os.environ.update(step.get("env", {}))
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            done = dbtRunner().invoke(step["dbt"])
    finally:
        os.environ.clear()
        os.environ.update(before)
    return {"ok": done.success, "output": output.getvalue()}


def rows(step: dict) -> list[list[str]]:
    client = bigquery.Client(project=step["project"], credentials=AnonymousCredentials(), client_options={"api_endpoint": os.environ["BIGQUERY_EMULATOR_HOST"]})
    return [[str(value) for value in row.values()] for row in asked(client, step["sql"]).result()]


google.auth.default = lambda *_, **__: (AnonymousCredentials(), None)
bigquery.Client.query, bigquery.Client.list_tables = answered, tables
engine = start()
try:
    answers = [dbt(step) if "dbt" in step else rows(step) for step in task["steps"]]
finally:
    engine.terminate()
    engine.wait()
print(json.dumps(answers))
