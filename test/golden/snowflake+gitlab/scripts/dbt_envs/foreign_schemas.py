"""Finds SQL that names the schema of an environment by hand: pr_142.orders, dev_priya.orders.

Such a model builds today and fails, or reads a stranger's test, once that schema is dropped. Looks at what dbt compiled,
outside comments and quoted text. A mention of this build's own schema is dbt's work where a ref leads there.
"""

import json
import pathlib
import re

NAME = r"""(?:"([^"]+)"|`([^`]+)`|\[([^\]]+)\]|(\w+))"""
SCHEMA = re.compile(r"""(?<![\w$])["`\[]?\b(pr_[1-9][0-9]{0,9}|dev_[a-z][a-z0-9_]*)\b["`\]]?\s*\.\s*""" + NAME, re.IGNORECASE)
# Line comments, block comments, and 'text'. What begins first ends the others.
SILENT = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)


def foreign_schemas(manifest: pathlib.Path, own: str) -> list:
    """One line a finding: which node names which schema. Without a manifest there is nothing to look at."""
    if not manifest.is_file():
        return []
    project = json.loads(manifest.read_text(encoding="utf-8"))
    nodes, tools = project["nodes"], source_schemas(project)
    problems = []
    for unique_id, node in sorted(nodes.items()):
        if not node.get("compiled_code"):
            continue
        made = {relation(nodes, one) for one in [unique_id, *read_by(nodes, unique_id)]}
        for schema, name in sorted(mentions(node["compiled_code"])):
            if schema not in tools and (schema != own or name not in made):
                way_out = "use ref()" if schema == own or name in aliases(nodes) else "use ref() or source()"
                problems.append(f"{unique_id} names {schema}.{name}, which is dropped with its environment: {way_out}.")
    return problems


def source_schemas(project: dict) -> set:
    """Schemas of sources that merely begin like a developer's: dev_tools. One of somebody on the roster is none of them."""
    answers = next((one["macro_sql"] for key, one in project.get("macros", {}).items() if key.endswith(".dbt_envs_answers")), "")
    roster = set(re.findall(r"'([a-z0-9_]+)'", answers.partition("'developers': [")[2].partition("]")[0]))
    schemas = {str(source.get("schema", "")).lower() for source in project.get("sources", {}).values()}
    return {schema for schema in schemas if schema.startswith("dev_") and schema[4:] not in roster}


def read_by(nodes: dict, unique_id: str) -> set:
    """What this node's refs lead to. dbt puts the SQL of an ephemeral model into the node that reads it, with its refs."""
    found = set()
    waiting = [unique_id]
    while waiting:
        for one in nodes.get(waiting.pop(), {}).get("depends_on", {}).get("nodes", []):
            if one not in found:
                found.add(one)
                if nodes.get(one, {}).get("config", {}).get("materialized") == "ephemeral":
                    waiting.append(one)
    return found


def mentions(sql: str) -> set:
    """(schema, relation) for each environment schema in this SQL, in lower case."""
    text = SILENT.sub(" ", sql)
    found = set()
    for match in SCHEMA.finditer(text):
        schema = match[1]
        # A table's alias or a CTE of such a name stands somewhere without a dot.
        if not re.search(rf"""(?<![\w$."`])\b{re.escape(schema)}\b(?!["`\]]?\s*\.)""", text):
            found.add((schema.lower(), next(one for one in match.groups()[1:] if one).lower()))
    return found


def aliases(nodes: dict) -> set:
    return {relation(nodes, unique_id) for unique_id in nodes}


def relation(nodes: dict, unique_id: str) -> str:
    node = nodes.get(unique_id, {})
    return str(node.get("alias") or node.get("name") or "").lower()
