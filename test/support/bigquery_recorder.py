"""Runs dbt with its real BigQuery adapter, and a client that connects to nothing: writes every request down and answers from a list.

dbt-host.py starts it, with <record.json> <world.json> and what dbt takes.

The world is {"datasets": {"<project>.<dataset>": {"<table>": "TABLE"}}, "answers": [[regular expression, columns, rows]]}.
A dataset that the project lists is seen and read; every other one is not there. The first answer that fits a statement is its
result; rows that are a text are the error that the statement raises. What fits none has succeeded and said nothing. A table that a
statement creates is there afterwards, and so is a dataset. An answer's fourth member is a regular expression: it answers only after
a statement that fits that one.

With "catalog", {"python", "script", "projects": {"<project>": {"SCHEMATA": [{…}], …}}}, the query of the datasets is run over those
tables (bigquery_listing.py says how, that Python runs it); DROP SCHEMA, the emptying of a dataset and ALTER SCHEMA … labels change
them, and the world is written back with what is left: one night after the other.

The record is a list of texts: a statement as it was sent, after dbt's comment, or a request of Google's API in one line, with --
before it; and `labels`, those of each job.
"""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import dbt.adapters.bigquery.connections as connections
from google.api_core.exceptions import Forbidden, NotFound
from google.cloud.bigquery import QueryJobConfig, SchemaField

answers: list[tuple] = []
catalog: dict = {}
datasets: dict[str, dict[str, str]] = {}
statements: list[str] = []
labels: list[dict[str, str]] = []
settings: list[dict[str, object]] = []
TYPES = {bool: "BOOLEAN", int: "INTEGER", float: "FLOAT"}
NAME = r"(?:`?[a-z0-9-]+`?\.)`?[a-z0-9_]+`?"


def place(*parts: str) -> str:
    return ".".join(parts).replace("`", "")


def happened(after: str = "") -> bool:
    return after == "" or any(re.search(after, sql) for sql in statements[:-1])


LISTING = re.compile(r"from `([a-z0-9-]+)`\.`region-us`\.INFORMATION_SCHEMA\.SCHEMATA as s")
DROPPED = re.compile(r"drop schema `([a-z0-9-]+)`\.(\w+) cascade")
EMPTIED = re.compile(r"for object in .* from `([a-z0-9-]+)`\.(\w+)\.INFORMATION_SCHEMA\.ROUTINES", re.S)
LABELLED = re.compile(r"alter schema `([a-z0-9-]+)`\.(\w+) set options \(labels = \[(.*)\]\)", re.S)


def in_catalog(sql: str) -> tuple[list[str], list[list[object]]] | None:
    """What the tables of the catalog answer, and how they change."""
    found = LISTING.search(sql)
    if found:
        asked = {"query": sql, "catalog": f"`{found[1]}`.`region-us`.INFORMATION_SCHEMA.", "worlds": [catalog["projects"][found[1]]]}
        done = subprocess.run([catalog["python"], catalog["script"]], input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True)
        return ["f0_"], [[json.dumps(row)] for row in json.loads(done.stdout)[0]]
    for gone, kept in ((DROPPED, ()), (EMPTIED, ("SCHEMATA", "SCHEMATA_OPTIONS"))):
        found = gone.search(sql)
        if found:
            tables = catalog["projects"][found[1]]
            for name in set(tables) - set(kept):
                tables[name] = [row for row in tables[name] if found[2] not in (row.get("schema_name"), row.get("table_schema"))]
            return ["failed"], [[""]]
    found = LABELLED.search(sql)
    if found:
        labels = ", ".join(f'STRUCT("{name}", "{text}")' for name, text in re.findall(r"\('([^']*)', '([^']*)'\)", found[3]))
        for row in catalog["projects"][found[1]]["SCHEMATA_OPTIONS"]:
            if row["schema_name"] == found[2] and row["option_name"] == "labels":
                row["option_value"] = f"[{labels}]"
    return None


class Rows:
    def __init__(self, columns: list[str], rows: list[list[object]]) -> None:
        first = rows[0] if rows else [""] * len(columns)
        self.schema = [SchemaField(name, TYPES.get(type(value), "STRING")) for name, value in zip(columns, first)]
        self.rows = [tuple(row) for row in rows]
        self.total_rows = len(rows)

    def __iter__(self):
        return iter(dict(zip([field.name for field in self.schema], row)) for row in self.rows)


class Job:
    project, location, job_id, slot_millis, num_dml_affected_rows = "acme-ci", "US", "1", 0, 0
    total_bytes_processed = total_bytes_billed = 0

    def __init__(self, sql: str) -> None:
        # dbt's comment stands before the statement.
        self.sql = re.sub(r"^\s*/\*.*?\*/\s*", "", sql, flags=re.S)
        statements.append(self.sql)
        words = re.sub(r"(--[^\n]*\n|\s)+", " ", self.sql).strip().lower()
        kinds = {"create or replace view": "CREATE_VIEW", "create view": "CREATE_VIEW", "merge": "MERGE", "insert": "INSERT", "begin": "SCRIPT", "declare": "SCRIPT"}
        self.statement_type = next((kind for start, kind in kinds.items() if words.startswith(start)), "DDL" if not words.startswith("select") else "SELECT")
        self.destination = SimpleNamespace(dataset_id="_anonymous", table_id="anonymous", project="acme-ci")
        found = (in_catalog(self.sql) if catalog else None) or next((one[1:3] for one in answers if one[0].search(self.sql) and happened(*one[3:])), (["status"], []))
        self.columns, self.rows = found
        if isinstance(self.rows, str):
            return
        made = re.match(rf"create (?:or replace )?(table|view) ({NAME})\.(`?[\w]+`?)", words)
        if made:
            datasets.setdefault(place(made[2]), {})[place(made[3])] = made[1].upper()
        made = re.match(rf"create schema if not exists ({NAME})", words)
        if made:
            datasets.setdefault(place(made[1]), {})
        gone = re.match(rf"drop (?:table|view|materialized view|external table) if exists ({NAME})\.(`?[\w]+`?)", words)
        if gone:
            datasets.get(place(gone[1]), {}).pop(place(gone[2]), None)

    def result(self, **_: object) -> Rows:
        if isinstance(self.rows, str):
            kind = Forbidden if "denied" in self.rows.lower() else NotFound
            raise kind(self.rows, errors=[{"message": self.rows}])
        return Rows(self.columns, self.rows)


class Client:
    def __init__(self, credentials: object) -> None:
        self.credentials = credentials

    def query(self, query: str, job_config: QueryJobConfig, **_: object) -> Job:
        labels.append(dict(job_config.labels))
        settings.append({"maximum_bytes_billed": job_config.maximum_bytes_billed})
        return Job(query)

    def list_datasets(self, project: str, **_: object):
        return [SimpleNamespace(dataset_id=name.split(".")[1]) for name in datasets if name.split(".")[0] == project]

    def tables(self, reference):
        name = place(reference.project, reference.dataset_id)
        if name not in datasets:
            raise NotFound(f"Not found: Dataset {name}")
        return datasets[name]

    def list_tables(self, reference, **_: object):
        known = self.tables(reference)
        return [SimpleNamespace(project=reference.project, dataset_id=reference.dataset_id, table_id=name, table_type=kind) for name, kind in known.items()]

    def list_routines(self, *_: object):
        return []

    def get_routine(self, *_: object):
        raise NotFound("no routine")

    def get_table(self, reference):
        if reference.dataset_id == "_anonymous":
            return SimpleNamespace(num_rows=0)
        kind = self.tables(reference).get(reference.table_id)
        if kind is None:
            raise NotFound(f"Not found: Table {reference.table_id}")
        names = next((columns for fits, columns, *_ in answers if fits.search(f"-- columns {reference.table_id}")), ["id"])
        return SimpleNamespace(
            project=reference.project, dataset_id=reference.dataset_id, table_id=reference.table_id, table_type=kind, num_rows=0,
            schema=[SchemaField(*name.split(":")) if ":" in name else SchemaField(name, "STRING") for name in names],
            range_partitioning=None, time_partitioning=None, clustering_fields=None,
        )

    def delete_table(self, reference, **_: object) -> None:
        statements.append(f"-- delete table {place(reference.project, reference.dataset_id, reference.table_id)}")
        datasets.get(place(reference.project, reference.dataset_id), {}).pop(reference.table_id, None)

    def delete_dataset(self, dataset, delete_contents: bool = False, **_: object) -> None:
        statements.append(f"-- delete dataset {place(dataset.project, dataset.dataset_id)}{' with its contents' if delete_contents else ''}")
        datasets.pop(place(dataset.project, dataset.dataset_id), None)

    def create_dataset(self, dataset, **_: object) -> None:
        statements.append(f"-- create dataset {dataset}")

    def copy_table(self, sources, destination, job_config, **_: object):
        names = ", ".join(place(one.project, one.dataset_id, one.table_id) for one in sources)
        statements.append(f"-- copy {names} to {place(destination.project, destination.dataset_id, destination.table_id)}, {job_config.write_disposition}")
        return SimpleNamespace(result=lambda **_: None)

    def load_table_from_file(self, _file, table, **_: object):
        statements.append(f"-- load {place(table.project, table.dataset_id, table.table_id)}")
        self.tables(table)[table.table_id] = "TABLE"
        return SimpleNamespace(result=lambda **_: SimpleNamespace(state="DONE", error_result=None))

    def close(self) -> None:
        pass


def run(args: list[str], dbt) -> None:
    record, place_of_world, *given = args
    with open(place_of_world, encoding="utf-8") as file:
        world = json.load(file)
    answers.extend((re.compile(one[0], re.I | re.S), *one[1:]) for one in world["answers"])
    datasets.update(world["datasets"])
    catalog.update(world.get("catalog", {}))
    connections.create_bigquery_client = Client
    sys.argv = ["dbt", *given]
    try:
        dbt()
    finally:
        with open(record, "w", encoding="utf-8") as file:
            json.dump({"statements": statements, "labels": labels, "settings": settings}, file)
        if catalog:
            with open(place_of_world, "w", encoding="utf-8") as file:
                json.dump({**world, "catalog": catalog}, file)
