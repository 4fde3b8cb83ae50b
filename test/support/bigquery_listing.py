"""Answers a query on BigQuery's INFORMATION_SCHEMA from tables of ours: sqlglot translates it, DuckDB runs it.

    python bigquery_listing.py < {"query": …, "catalog": …, "worlds": [{"SCHEMATA": [{…}]}]}

Prints a list of rows a world: the first column, read where it is JSON. Regular expressions are RE2's in both engines. What DuckDB calls otherwise is defined below; whatever
else BigQuery and DuckDB understand differently shows nothing here.
"""

import json
import sys
import tempfile

import duckdb
import sqlglot

COLUMNS = {
    "SCHEMATA": {"schema_name": "VARCHAR", "creation_time": "TIMESTAMPTZ"},
    "SCHEMATA_OPTIONS": {"schema_name": "VARCHAR", "option_name": "VARCHAR", "option_value": "VARCHAR"},
    "TABLES": {"table_schema": "VARCHAR", "table_name": "VARCHAR", "creation_time": "TIMESTAMPTZ"},
    "TABLE_OPTIONS": {"table_schema": "VARCHAR", "table_name": "VARCHAR", "option_name": "VARCHAR", "option_value": "VARCHAR"},
    "TABLE_STORAGE": {"table_schema": "VARCHAR", "table_name": "VARCHAR", "total_logical_bytes": "BIGINT", "storage_last_modified_time": "TIMESTAMPTZ", "deleted": "BOOLEAN"},
}

asked = json.load(sys.stdin)
bigquery = asked["query"].replace(asked["catalog"], "").replace("%E6S", "%S.%f")
translated = sqlglot.transpile(bigquery, read="bigquery", write="duckdb")[0]
answers = []
for world in asked["worlds"]:
    engine = duckdb.connect()
    engine.execute("set timezone = 'UTC'")
    for table, columns in COLUMNS.items():
        engine.execute(f"create table {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        rows = world.get(table, [])
        if rows:
            with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
                file.write("\n".join(json.dumps(row) for row in rows))
                file.flush()
                kinds = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
                engine.execute(f"insert into {table} by name select * from read_json('{file.name}', format = 'newline_delimited', columns = {{{kinds}}})")
    texts = [row[0] for row in engine.execute(translated).fetchall()]
    answers.append([json.loads(text) if text.startswith("{") else text for text in texts])
json.dump(answers, sys.stdout)
