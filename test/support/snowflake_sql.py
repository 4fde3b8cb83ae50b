"""What sqlfluff says of each Snowflake statement on standard input, a JSON list: null where it parses, else why not."""

import json
import sys

from sqlfluff.core import Linter

linter = Linter(dialect="snowflake")


def refusal(statement):
    parsed = linter.parse_string(statement)
    for violation in parsed.violations:
        return str(violation)
    if parsed.tree is None:
        return "nothing to parse"
    return next((f"cannot be parsed: {one.raw[:200]}" for one in parsed.tree.recursive_crawl("unparsable")), None)


seen = {}
for statement in (statements := json.load(sys.stdin)):
    if statement not in seen:
        seen[statement] = refusal(statement)
print(json.dumps([seen[statement] for statement in statements]))
