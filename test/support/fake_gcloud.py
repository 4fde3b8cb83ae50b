"""gcloud and bq, as far as grants/*.sh ask them: a world in the file that WORLD names. What it does not know ends with status 64."""

import hashlib
import json
import os
import pathlib
import re
import sys

WORLD = pathlib.Path(os.environ["WORLD"])
world = json.loads(WORLD.read_text())
program = pathlib.Path(sys.argv[0]).name
words = [word for word in sys.argv[1:] if not word.startswith("--")]
options = dict((word[2:].split("=", 1) + [""])[:2] for word in sys.argv[1:] if word.startswith("--"))
parameters = [word.split("=", 1)[1].split("::", 1) for word in sys.argv[1:] if word.startswith("--parameter=")]
with open(os.environ["WORLD"] + ".log", "a") as log:
    log.write(json.dumps([program, *sys.argv[1:]]) + "\n")


def done(answer=None) -> None:
    WORLD.write_text(json.dumps(world))
    if answer is not None:
        print(answer if isinstance(answer, str) else json.dumps(answer))
    sys.exit(0)


def missing(what: str) -> None:
    print(f"ERROR: NOT_FOUND: {what}", file=sys.stderr)
    sys.exit(1)


def bind(policy: list, role: str, member: str, add: bool) -> None:
    if add and member.startswith("deleted:"):
        missing(member)
    # gcloud asks, and fails where nobody answers: https://docs.cloud.google.com/sdk/gcloud/reference/projects/add-iam-policy-binding
    if any("condition" in one for one in policy) and not {"condition", "all"} & options.keys():
        print("ERROR: the policy contains conditions. Run the command again with --condition=None", file=sys.stderr)
        sys.exit(1)
    if "all" in options:
        held = [one for one in policy if one["role"] == role and member in one["members"]]
        for one in held:
            one["members"].remove(member)
        policy[:] = [one for one in policy if one["members"]]
        return None if held else missing(f"{role} {member}")
    found = next((one for one in policy if one["role"] == role and "condition" not in one), None)
    if add and found is None:
        policy.append({"role": role, "members": [member]})
    elif add and member not in found["members"]:
        found["members"].append(member)
    elif not add:
        if found is None or member not in found["members"]:
            missing(f"{role} {member}")
        found["members"].remove(member)
        if not found["members"]:
            policy.remove(found)


def gcloud() -> None:
    project = options.get("project", "")
    denied = os.environ.get("DENIED")
    if denied and denied in " ".join(words):
        print("ERROR: PERMISSION_DENIED", file=sys.stderr)
        sys.exit(1)
    match words:
        case ["iam", "service-accounts", "list"]:
            email = options["filter"].split("=", 1)[1]
            done([{"email": email, "description": world["accounts"][email]}] if email in world["accounts"] else [])
        case ["iam", "service-accounts", "create", name]:
            world["accounts"][f"{name}@{project}.iam.gserviceaccount.com"] = options["description"]
            done()
        case ["iam", "roles", "list"]:
            name = options["filter"].split("=", 1)[1]
            role = world["roles"].get(name)
            deleted = {"deleted": True} if role and role.get("deleted") else {}
            done([] if role is None else [{"name": name, "description": role["description"], **deleted}])
        case ["iam", "roles", "create", name]:
            world["roles"][f"projects/{project}/roles/{name}"] = {"description": options["description"], "permissions": options["permissions"].split(",")}
            done()
        case ["iam", "roles", "undelete", name]:
            del world["roles"][f"projects/{project}/roles/{name}"]["deleted"]
            done()
        case ["iam", "roles", "update", name]:
            if world["roles"][f"projects/{project}/roles/{name}"].get("deleted"):
                missing(name)
            world["roles"][f"projects/{project}/roles/{name}"]["permissions"] = options["permissions"].split(",")
            done()
        case ["iam", "roles", "describe", name]:
            whole = f"projects/{project}/roles/{name}" if project else name
            if whole not in world["roles"]:
                missing(whole)
            done({"includedPermissions": world["roles"][whole]["permissions"]})
        case ["projects", "describe", name]:
            done(str(world["numbers"][name]))
        case ["projects", "get-ancestors-iam-policy", name]:
            if name not in world["above"]:
                missing(name)
            own = {"type": "project", "id": name, "policy": {"bindings": world["policies"].get(name, [])}}
            done([own, {"type": "folder", "id": "1", "policy": {"bindings": world["above"][name]}}])
        case ["projects", "get-iam-policy", name]:
            done({"bindings": world["policies"].get(name, [])})
        case ["projects", "add-iam-policy-binding" | "remove-iam-policy-binding" as verb, name]:
            bind(world["policies"].setdefault(name, []), options["role"], options["member"], verb.startswith("add"))
            done()
        case ["iam", "service-accounts", "get-iam-policy", email]:
            done({"bindings": world["policies"].get(email, [])})
        case ["iam", "service-accounts", "add-iam-policy-binding" | "remove-iam-policy-binding" as verb, email]:
            bind(world["policies"].setdefault(email, []), options["role"], options["member"], verb.startswith("add"))
            done()
        case ["iam", "service-accounts", "keys", "list"]:
            done("\n".join(world["keys"].get(options["iam-account"], [])))
        case ["iam", "workload-identity-pools", "describe", name]:
            if f"{project}/{name}" not in world["pools"]:
                missing(name)
            pool = world["pools"][f"{project}/{name}"]
            done(pool.get("state", "ACTIVE") if options.get("format") == "value(state)" else pool["description"])
        case ["iam", "workload-identity-pools", "undelete", name]:
            del world["pools"][f"{project}/{name}"]["state"]
            done()
        case ["iam", "workload-identity-pools", "providers", "undelete", _]:
            del world["pools"][f"{project}/{options['workload-identity-pool']}"]["provider_state"]
            done()
        case ["iam", "workload-identity-pools", "create", name]:
            world["pools"][f"{project}/{name}"] = {"description": options["description"]}
            done()
        case ["iam", "workload-identity-pools", "providers", "list"]:
            pool = world["pools"][f"{project}/{options['workload-identity-pool']}"]
            name = f"projects/{world['numbers'][project]}/locations/global/workloadIdentityPools/{options['workload-identity-pool']}/providers/"
            own = {
                "name": f"{name}dbt-envs",
                "attributeCondition": pool.get("condition"),
                "attributeMapping": dict([pool["mapping"].split("=", 1)]) if "mapping" in pool else {},
                "oidc": {"issuerUri": pool.get("issuer"), **({"jwksJson": pool["keys"]} if "keys" in pool else {})},
            }
            done(([own] if "condition" in pool else []) + [{"name": name + one, "oidc": {"issuerUri": "https://evil.example"}} for one in pool.get("others", [])])
        case ["iam", "workload-identity-pools", "providers", "describe", _]:
            if "condition" not in world["pools"][f"{project}/{options['workload-identity-pool']}"]:
                missing("provider")
            pool = world["pools"][f"{project}/{options['workload-identity-pool']}"]
            done(pool["condition"] if options.get("format") == "value(attributeCondition)" else pool.get("provider_state", "ACTIVE"))
        case ["iam", "workload-identity-pools", "providers", "create-oidc" | "update-oidc" as verb, _]:
            pool = world["pools"][f"{project}/{options['workload-identity-pool']}"]
            if (verb == "create-oidc") == ("condition" in pool) or "state" in pool or "provider_state" in pool:
                missing(verb)
            pool.update(condition=options["attribute-condition"], issuer=options["issuer-uri"], mapping=options["attribute-mapping"])
            if "jwk-json-path" in options:
                pool["keys"] = pathlib.Path(options["jwk-json-path"]).read_text()
            done()
    sys.exit(64)


def etag(name: str) -> str:
    """Another one after each change: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset.FIELDS.etag"""
    return hashlib.md5(json.dumps([world["datasets"][key(name)], world["labels"].get(name.split(":")[1], {})]).encode()).hexdigest()


def key(name: str) -> str:
    """A dataset stands in the world as project:dataset, or by its name alone."""
    return name if name in world["datasets"] else name.split(":")[1]


def bq() -> None:
    denied = os.environ.get("DENIED")
    if denied and denied in " ".join(words):
        print("BigQuery error: Access Denied", file=sys.stderr)
        sys.exit(1)
    labels = world.setdefault("labels", {})
    match words:
        case ["ls"] if "datasets" in options:
            project = options["project_id"]
            whole = [name if ":" in name else f"acme-prod:{name}" for name in world["datasets"]]
            found = [name.split(":")[1] for name in whole if name.startswith(f"{project}:")]
            done([{"datasetReference": {"projectId": project, "datasetId": name}, "labels": labels.get(name, {})} for name in found])
        case ["mk", name]:
            dataset = name.split(":")[1]
            if dataset in world["datasets"]:
                print("already exists", file=sys.stderr)
                sys.exit(1)
            groups = [("OWNER", "projectOwners"), ("WRITER", "projectWriters"), ("READER", "projectReaders")]
            access = [{"role": role, "specialGroup": group} for role, group in groups]
            world["datasets"][dataset] = [*access, {"role": "OWNER", "userByEmail": "dba@example.com"}]
            labels[dataset] = dict(word.split("=", 1)[1].split(":") for word in sys.argv[1:] if word.startswith("--label="))
            done()
        case ["show", name]:
            answer = {"etag": etag(name), "access": world["datasets"][key(name)], "labels": labels.get(name.split(":")[1], {})}
            # Without bigquery.datasets.getIamPolicy: https://docs.cloud.google.com/bigquery/docs/dataset-access-control
            if os.environ.get("HIDDEN") == name:
                del answer["access"]
                done(answer)
            # Somebody else lets one more in, right after we have looked.
            if os.environ.get("MEANWHILE") == name:
                world["datasets"][key(name)] = [*answer["access"], {"role": "READER", "userByEmail": "meanwhile@example.com"}]
            done(answer)
        case ["update", name] if "set_label" in options:
            label, value = options["set_label"].split(":")
            labels.setdefault(name.split(":")[1], {})[label] = value
            done()
        case ["update", file, name] if "source" in options:
            # https://docs.cloud.google.com/bigquery/docs/reference/bq-cli-reference#bq_update
            if options.get("etag", etag(name)) != etag(name):
                print("BigQuery error in update operation: Precondition check failed.", file=sys.stderr)
                sys.exit(2)
            world["datasets"][key(name)] = json.loads(pathlib.Path(file).read_text())["access"]
            done()
        case ["query", sql]:
            row = dict((name, value) for name, _, value in ([one[0], "", one[1]] for one in parameters))
            if "INFORMATION_SCHEMA.TABLES" in sql:
                done([{"n": str(world.get("tables", 0))}])
            if "INFORMATION_SCHEMA.SCHEMATA" in sql:
                done([{"n": str(int(re.search(r"schema_name = '(\w+)'", sql)[1] in world["datasets"]))}])
            if sql.startswith("SELECT COUNT(*) AS n "):
                kind = re.search(r"kind = '(\w+)'", sql)[1]
                done([{"n": str(sum(one["kind"] == kind for one in world["taken"]))}])
            if sql.startswith("INSERT INTO "):
                if row not in world["taken"]:
                    world["taken"].append(row)
                done()
            if sql.startswith("SELECT DISTINCT kind"):
                done([one for one in world["taken"] if one["kind"] in ("PROJECT", "ENTRY")])
            if sql.startswith("DELETE FROM "):
                world["taken"] = [one for one in world["taken"] if one != row]
                done()
    sys.exit(64)


gcloud() if program == "gcloud" else bq()
