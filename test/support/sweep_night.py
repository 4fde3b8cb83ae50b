"""One night of the emitted sweep.py, in process: a warehouse and a code host that say what the JSON on standard input says.

argv[1] is the folder with sweep.py. Prints {"result": ..., "cleared": [...], "asked": [...]}, or {"problem": ...}.
A `problem` in place of an answer is raised. With `host` "real" the emitted open_prs.py is asked.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])
import dbt_command  # noqa: E402
import sweep  # noqa: E402

world = json.load(sys.stdin)
sweep.say = lambda line: print(line, file=sys.stderr)
done: dict = {"cleared": [], "asked": [], "listed": 0}


def said(answer):
    if isinstance(answer, dict) and "problem" in answer:
        raise dbt_command.Problem(answer["problem"])
    return answer


class Warehouse:
    def listing(self):
        done["listed"] += 1
        answer = world["after"] if done["listed"] > 1 and "after" in world else world["listing"]
        said(answer)
        if done["listed"] > 1 and "after" not in world:
            gone = [one for one in done["cleared"] if one not in world.get("stays", [])]
            answer = {**answer, "schemas": [one for one in answer["schemas"] if one["schema"] not in gone]}
        return answer

    def clear(self, names, listed_at, dry_run):
        done["listed_at"] = listed_at
        if "clear" in world:
            return said(world["clear"])
        kept = {name: why for name, why in world.get("kept", {}).items() if name in names}
        failed = {name: why for name, why in world.get("failed", {}).items() if name in names}
        going = [name for name in names if name not in kept and name not in failed]
        if not dry_run:
            done["cleared"] += going
        return {
            "cleared": [{"schema": name, "how": "dropped", "relations": 1, "took_along": world.get("along", {}).get(name, [])} for name in going],
            "kept": [{"schema": name, "why": why} for name, why in kept.items()],
            "failed": [{"schema": name, "why": why} for name, why in failed.items()],
        }


class Host:
    def all(self):
        return said(world["host"])

    def some(self, numbers):
        done["asked"].append(numbers)
        again = said(world.get("again", world["host"]))
        return {**again, "pulls": {number: pull for number, pull in again["pulls"].items() if int(number) in numbers}}


try:
    options = sweep.Options(**world.get("options", {}))
    host = sweep.Host() if world["host"] == "real" else Host()
    print(json.dumps({"result": sweep.sweep(Warehouse(), host, options), **done}))
except dbt_command.Problem as problem:
    print(json.dumps({"problem": str(problem), **done}))
