"""The door of Snowflake, run: its procedures as grants/20_boundary.sql has them, on fakesnow (DuckDB behind Snowflake's driver).

    python snowflake_engine.py <task.json>

fakesnow has no procedures, no roles and no ages, so those are ours: this file steps through a procedure's body and gives each of its
queries and expressions to the engine as it stands; the information schema and ACCOUNT_USAGE are tables of the database PLANTED, which
the task fills and which follow CREATE, DROP, UNDROP and RENAME of a schema. Rights are not looked at. What is shown is what the
door's own text decides: names, owners, pins, ages, dependents; and what dbt makes of its answers.

task.json: {"boundary": text, "setup": [sql], "steps": [{"dbt": [arguments]} | {"call": sql} | {"sql": sql}]}. Prints a JSON list of
what each step said: {"ok", "lines"} of dbt, or the rows.
"""

import contextlib
import datetime
import decimal
import io
import json
import logging
import os
import re
import sys
import warnings

warnings.filterwarnings("ignore")

import fakesnow  # noqa: E402

logging.getLogger("sqlglot").setLevel(logging.ERROR)

PROCEDURE = re.compile(r"CREATE OR REPLACE PROCEDURE (\S+?)\(([^)]*)\)\nRETURNS VARCHAR\nLANGUAGE SQL\nEXECUTE AS \w+\nAS\n\$\$\n(.*?)\n\$\$;", re.S)
STRING = r"'(?:[^'\\]|\\.|'')*'"


# Functions of Snowflake's that fakesnow does not know, in DuckDB's words.
MISSING = {
    "try_to_timestamp_ntz(text)": "TRY_CAST(text AS TIMESTAMP)",
    "to_char_of(moment, format)": """CASE format
        WHEN 'YYYY-MM-DD' THEN strftime(moment::TIMESTAMP, '%Y-%m-%d')
        WHEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' THEN strftime(moment::TIMESTAMP, '%Y-%m-%dT%H:%M:%SZ')
        WHEN 'YYYY-MM-DD"T"HH24:MI:SS.FF6"Z"' THEN strftime(moment::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%fZ')
    END""",
}


class Raised(Exception):
    pass


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, decimal.Decimal)):
        return str(value)
    if isinstance(value, datetime.datetime):
        return f"'{value.replace(tzinfo=None).isoformat(sep=' ')}'::TIMESTAMP_NTZ"
    if isinstance(value, datetime.date):
        return f"'{value}'::DATE"
    text = str(value).replace("\\", "\\\\").replace("'", "''")
    return f"PARSE_JSON('{text}')" if isinstance(value, Json) else f"'{text}'"


class Json(str):
    """An array, as the driver hands it over."""


def chunks(body):
    """Statements, and the heads of blocks, in order."""
    body = re.sub(rf"({STRING})|--[^\n]*", lambda found: found.group(1) or "", body)
    at = 0
    while body[at:].strip():
        at += len(body[at:]) - len(body[at:].lstrip())
        head = re.compile(r"(BEGIN|DECLARE|EXCEPTION\b(?=\s+WHEN)|ELSE(?=\s)|WHEN OTHER THEN)\b").match(body, at)
        if head:
            yield head.group(1)
            at = head.end()
            continue
        is_condition = re.match(r"(?:ELSE)?IF\s*\(", body[at:])
        found = re.compile(rf"(?:{STRING}|[^';])*?{r'[)] THEN' if is_condition else ';'}").match(body, at)
        if found is None:
            raise ValueError(f"not understood: {body[at:at + 200]}")
        yield found.group(0)
        at = found.end()


def tree(parts, ends):
    """What is done up to one of these, which is read over: a list of statements, conditions and blocks."""
    steps = []
    for part in parts:
        if part in ends or re.match("|".join(ends), part):
            return steps, part
        if part.startswith("IF"):
            ways, test = [], part
            while True:
                inside, end = tree(parts, ["END IF;", "ELSEIF", "ELSE$"])
                ways.append((test[test.index("(") :].removesuffix(" THEN") if test != "ELSE" else "TRUE", inside))
                if end == "END IF;":
                    break
                test = end
            steps.append(("if", ways))
        elif part == "BEGIN":
            steps.append(("block", block(parts)))
        else:
            steps.append(("do", part.removesuffix(";").strip()))
    raise ValueError("it has no end")


def block(parts):
    body, end = tree(parts, ["EXCEPTION$", "END;"])
    if end == "END;":
        return body, None
    if next(parts) != "WHEN OTHER THEN":
        raise ValueError("another handler than that for all")
    return body, tree(parts, ["END;"])[0]


class Door:
    def __init__(self, boundary, cursor):
        self.cursor = cursor
        self.procedures = {}
        for name, parameters, body in PROCEDURE.findall(boundary):
            parts = chunks(f"{body.strip()}")
            self.procedures[name] = ([one.split()[0] for one in parameters.split(",") if one.strip()], body)
            list(parts)

    def ask(self, sql):
        self.cursor.original(self.elsewhere(sql))
        return self.cursor.fetchall(), [column.name for column in self.cursor.description or []]

    @staticmethod
    def elsewhere(sql):
        sql = re.sub(r"\b(\w+)\.information_schema\.(schemata|tables)\b", r"planted.of_\1.\2", sql)
        sql = re.sub(r"\bTO_CHAR\(", "TO_CHAR_OF(", sql)
        return re.sub(r"\bsnowflake\.account_usage\.", "planted.account_usage.", sql)

    def call(self, name, arguments):
        parameters, body = self.procedures[name]
        scope = dict(zip(parameters, arguments))
        self.arrays = set()
        parts = chunks(body)
        if next(parts) == "DECLARE":
            for part in parts:
                if part == "BEGIN":
                    break
                word, kind, *rest = part.removesuffix(";").split(None, 2)
                if kind == "EXCEPTION":
                    scope[word] = None
                    continue
                if kind.removesuffix(";") == "ARRAY":
                    self.arrays.add(word)
                start = rest[0].removeprefix("DEFAULT").strip() if rest else "NULL"
                scope[word] = self.value(start, scope)
        return self.steps(block(parts), scope)

    def steps(self, whole, scope):
        body, handler = whole
        try:
            return self.run(body, scope)
        except Exception as error:  # noqa: BLE001
            if handler is None:
                raise
            try:
                return self.run(handler, {**scope, "SQLERRM": str(error)})
            except Raised as again:
                raise error if str(again) == "" else again from None

    def run(self, body, scope):
        for kind, what in body:
            said = None
            if kind == "if":
                way = next((inside for test, inside in what if self.value(test, scope)), [])
                said = self.run(way, scope)
            elif kind == "block":
                said = self.steps(what, scope)
            else:
                said = self.do(what, scope)
            if said is not None:
                return said
        return None

    def value(self, text, scope):
        def known(found):
            return found.group(1) or (literal(scope[found.group(2)]) if found.group(2) in scope else found.group(2))

        rows, _ = self.ask("SELECT " + re.sub(rf"({STRING})|(\b\w+\b)", known, text))
        return self.held(rows[0][0])

    @staticmethod
    def held(value):
        return Json(value) if isinstance(value, str) and re.match(r"\[[\s\"\]{]", value) else value

    def bound(self, sql, scope):
        return re.sub(rf"({STRING})|(?<!:):(\w+)", lambda found: found.group(1) or literal(scope[found.group(2)]), sql)

    def do(self, sql, scope):
        if sql.startswith("RETURN"):
            return self.value(sql.removeprefix("RETURN"), scope)
        if sql.startswith("RAISE"):
            raise Raised(sql.removeprefix("RAISE").strip())
        assigned = re.match(r"(\w+) := (.*)", sql, re.S)
        if assigned:
            scope[assigned.group(1)] = self.value(assigned.group(2), scope)
        elif sql.startswith("EXECUTE IMMEDIATE :"):
            self.define(scope[sql.removeprefix("EXECUTE IMMEDIATE :")])
        elif sql.startswith("CALL"):
            self.called(self.bound(sql, scope))
        else:
            into = re.search(r"\s+INTO\s+(:\w+(?:,\s*:\w+)*)", sql)
            rows, _ = self.ask(self.bound(sql.replace(into.group(0), "", 1) if into else sql, scope))
            if into:
                for word, value in zip(re.findall(r":(\w+)", into.group(1)), rows[0]):
                    # ARRAY_AGG of no rows is []: https://docs.snowflake.com/en/sql-reference/functions/array_agg
                    scope[word] = Json("[]") if value is None and word in self.arrays else self.held(value)
        return None

    def called(self, sql):
        name, arguments = re.fullmatch(r"\s*call\s+([\w.]+)\((.*)\)\s*;?\s*", sql, re.S | re.I).groups()
        values = [self.held(value) for value in self.ask(f"SELECT {arguments}")[0][0]] if arguments.strip() else []
        return self.call(name.lower(), values)

    def define(self, sql):
        """CREATE, DROP, UNDROP and RENAME of a schema, in the engine and in what is planted. GRANT is read over: there are no roles."""
        words = sql.split(" WITH MANAGED ACCESS")[0]
        name = re.search(r'(\w+)\."([^"]+)"', words)
        if sql.startswith("GRANT"):
            return
        database, schema = name.groups()
        there = bool(self.ask(f"SELECT 1 FROM planted.of_{database}.schemata WHERE schema_name = {literal(schema)}")[0])
        where = f"WHERE schema_name = {literal(schema)}"
        inside = f"WHERE table_schema = {literal(schema)}"
        if words.startswith(("DROP SCHEMA", "CREATE OR REPLACE")) and there:
            for kind, which in (("schemata", where), ("tables", inside)):
                self.ask(f"DELETE FROM planted.of_{database}.dropped_{kind} {which}")
                self.ask(f"INSERT INTO planted.of_{database}.dropped_{kind} SELECT * FROM planted.of_{database}.{kind} {which}")
                self.ask(f"DELETE FROM planted.of_{database}.{kind} {which}")
            self.ask(f'DROP SCHEMA IF EXISTS {database}."{schema}" CASCADE')
        if words.startswith("CREATE") and (not there or "OR REPLACE" in words):
            self.ask(f'CREATE SCHEMA IF NOT EXISTS {database}."{schema}"')
            self.ask(f"INSERT INTO planted.of_{database}.schemata SELECT {literal(schema)}, 'ACME_ENV_OWNER', SYSDATE()")
        elif words.startswith("UNDROP"):
            if there or not self.ask(f"SELECT 1 FROM planted.of_{database}.dropped_schemata {where}")[0]:
                raise Raised(f"schema {schema} cannot come back")
            for kind, which in (("schemata", where), ("tables", inside)):
                self.ask(f"INSERT INTO planted.of_{database}.{kind} SELECT * FROM planted.of_{database}.dropped_{kind} {which}")
            self.ask(f'CREATE SCHEMA IF NOT EXISTS {database}."{schema}"')
        elif words.startswith("ALTER SCHEMA"):
            new = re.search(r'RENAME TO \w+\."([^"]+)"', words).group(1)
            self.ask(f"UPDATE planted.of_{database}.schemata SET schema_name = {literal(new)} {where}")
            self.ask(f"UPDATE planted.of_{database}.tables SET table_schema = {literal(new)} {inside}")
            self.ask(f'DROP SCHEMA IF EXISTS {database}."{schema}"')
            self.ask(f'CREATE SCHEMA {database}."{new}"')
        elif not words.startswith(("DROP SCHEMA", "CREATE")):
            raise ValueError(f"not understood: {sql}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    said = []
    with fakesnow.patch():
        import snowflake.connector
        from fakesnow.cursor import FakeSnowflakeCursor

        original = FakeSnowflakeCursor.execute
        connection = snowflake.connector.connect(user="x", password="x", account="x", database="ACME_NONPROD", schema="PUBLIC")
        cursor = connection.cursor()
        cursor.original = lambda sql: original(cursor, sql)
        for name, meaning in MISSING.items():
            cursor._duck_conn.execute(f"CREATE OR REPLACE TEMP MACRO {name} AS {meaning}")
        for sql in task["setup"]:
            original(cursor, sql)
        door = Door(task["boundary"], cursor)
        for sql in re.findall(r"^CREATE TABLE IF NOT EXISTS .*?;", task["boundary"], re.S | re.M):
            original(cursor, sql)

        def execute(self, sql, *arguments, **options):
            plain = re.sub(r"/\*.*?\*/", "", sql, flags=re.S).strip()
            if re.match(r"call\s", plain, re.I):
                return original(self, f"SELECT {literal(door.called(plain))} AS answer")
            return original(self, sql, *arguments, **options)

        FakeSnowflakeCursor.execute = execute
        for step in task["steps"]:
            if "dbt" in step:
                from dbt.cli.main import dbtRunner

                out = io.StringIO()
                with contextlib.redirect_stdout(out):
                    result = dbtRunner().invoke(step["dbt"])
                said.append({"ok": result.success, "lines": out.getvalue().splitlines()})
            elif "call" in step:
                try:
                    said.append(door.called(step["call"]))
                except Raised as error:
                    said.append({"raised": str(error)})
            else:
                rows, _ = door.ask(step["sql"])
                said.append([[str(value) if isinstance(value, (datetime.datetime, decimal.Decimal)) else value for value in row] for row in rows])
    print(json.dumps(said))


if __name__ == "__main__":
    os.environ.setdefault("DBT_USE_COLORS", "false")
    main()
