"""Runs dbt with its real Snowflake adapter, and a driver that connects to nothing: writes every statement down and answers from a list.

    python snowflake_recorder.py <record.json> <answers.json> <what dbt takes>

answers.json is a list of [regular expression, columns, rows]: the first that fits a statement answers it. Rows that are a text are
the error that the statement raises. What fits none has succeeded without saying anything.
"""

import json
import os
import re
import sys

import snowflake.connector
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from snowflake.connector.cursor import ResultMetadata

record, answers = sys.argv[1], [(re.compile(one[0], re.I | re.S), *one[1:]) for one in json.load(open(sys.argv[2], encoding="utf-8"))]
statements = []
# The driver's own numbers: a number, a truth value; everything else is a text.
TYPES = {int: 0, bool: 13}


class Cursor:
    sfqid, sqlstate, rowcount, stats = "0", "SUCCESS", 0, None

    def __init__(self):
        self.description, self.rows = [], []

    def execute(self, sql, bindings=None, **_):
        statements.append(sql)
        columns, rows = next(((columns, rows) for fits, columns, rows in answers if fits.search(sql)), (["status"], [["done"]]))
        if isinstance(rows, str):
            raise snowflake.connector.errors.ProgrammingError(msg=rows, errno=3001, sqlstate="42501", sfqid="0")
        first = rows[0] if rows else [""] * len(columns)
        self.description = [ResultMetadata(name, TYPES.get(type(value), 2), None, None, None, None, True) for name, value in zip(columns, first)]
        self.rows, self.rowcount = [tuple(row) for row in rows], len(rows)
        return self

    def fetchall(self):
        rows, self.rows = self.rows, []
        return rows

    def fetchmany(self, count):
        rows, self.rows = self.rows[:count], self.rows[count:]
        return rows

    def fetchone(self):
        return next(iter(self.fetchmany(1)), None)

    def close(self):
        pass


class Connection:
    session_id = 1

    def __init__(self, **settings):
        how = settings.get("authenticator") or ("key pair" if settings.get("private_key") else "nothing")
        cloud = settings.get("workload_identity_provider") or ""
        statements.append(f"-- {settings.get('user')} {settings.get('role')} {settings.get('session_parameters')} by {how} {cloud}".rstrip())

    def cursor(self, *_):
        return Cursor()

    def is_closed(self):
        return False

    def close(self):
        pass


snowflake.connector.connect = lambda **settings: Connection(**settings)
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
for secret in ("DBT_ENV_SECRET_CI_PRIVATE_KEY", "DBT_ENV_SECRET_PROD_PRIVATE_KEY"):
    os.environ[secret] = pem
# A developer's own, with a passphrase.
passphrase = os.environ["DBT_ENV_SECRET_DEV_PRIVATE_KEY_PASSPHRASE"] = "correct horse"
os.environ["DBT_DEV_PRIVATE_KEY_PATH"] = sys.argv[1] + ".p8"
with open(os.environ["DBT_DEV_PRIVATE_KEY_PATH"], "wb") as file:
    file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(passphrase.encode())))

from dbt.cli.main import cli  # noqa: E402

sys.argv = ["dbt", *sys.argv[3:]]
try:
    cli()
finally:
    with open(record, "w", encoding="utf-8") as file:
        json.dump(statements, file)
