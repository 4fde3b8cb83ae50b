"""Thirty days of a company, many times over, with the emitted sweep.py in process: python sweep_simulation.py <folder> <runs> <first seed>

Pull requests open, build, close and open again; hooks are lost, one by one and for days; people join, work, go on leave and leave;
schemas are pinned; others have schemas with evil names. Code host and warehouse fail in every way that they have, runs are killed
between two drops, two run at once, and the world goes on while a sweep runs. Everything follows from the seed.

Whoever wrote sweep.py did not write this: the world keeps its own books, in its own words, and looks after every drop and every night:

    1  nothing is dropped whose pull request is open at that moment, or was closed less than the keep time ago; no pr_<number> that
       was used within the keep time, whatever the code host says; no dev schema that was used within dev_days
    2  nothing of others is dropped, nothing without a whole name, nothing that is pinned; in a dry run nothing at all
    3  where more are overdue than may go, none goes, and the night says so
    4  after a night in which code host and warehouse worked, nothing is left that was overdue before it and still is
    5  a night in which something failed says so; one in which nothing did says that it is well
    6  every schema and every foreign one has exactly one entry with a reason; what is pinned is never said to go
    7  what goes, and was listed the night before with the same due day, had been announced then; a pin moves that day to its end

A pull request that is opened again between the sweep's last question and its drop builds at once, and the warehouse refuses what was
used since it was listed: that much is the contract of drop_stale_schemas, and this warehouse holds to it.
"""

import collections
import datetime
import json
import random
import sys
from typing import Any

sys.path.insert(0, sys.argv[1])
import dbt_command
import sweep

Time = datetime.datetime
DAYS = 30
PR_DAYS, DEV_DAYS, CAP, NOTICE = 7, 30, 25, 3
START = Time(2026, 3, 10, 12, 0, 0, tzinfo=datetime.UTC)  # a Tuesday; Europe's clocks change during the month
PEOPLE = ["priya", "sam", "sam_smith", "bo", "bo_li", "dee", "pr_1", "prod", "max", "x1"]
EVIL = ["PR_7", "pr_007", "pr_0", "pr_old", "pr_1 ", "pr_1\n", "Pr_12", "pr_٣", "pr_12_old", "pr_1; drop schema prod"]
EVIL += ["dev_", "dev_Priya", "DEV_SAM", "dev_priya__x"]
FIXED = "dev_max"  # could not be made again without an administrator, so it is emptied
HOST_FAULTS = ["says nothing", "no json", "no time", "odd state", "odd number", "no closing time", "from the future", "a list", "knows nothing"]


class Killed(BaseException):
    """The machine that ran the sweep is gone."""


class Wrong(Exception):
    """An invariant does not hold."""


class Schema:
    def __init__(self, used: Time) -> None:
        self.used, self.pin, self.relations = used, None, 3


class World:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = START
        self.ahead = {one: datetime.timedelta(seconds=self.random.uniform(-100, 100)) for one in ("warehouse", "host")}
        self.schemas: dict[str, Schema] = {}
        self.pulls: dict[int, Time | None] = {}  # when it was closed; None: it is open
        self.was_closed: dict[int, Time] = {}
        self.people = {name: self.random.choice(["works", "works", "is away", "has left"]) for name in self.random.sample(PEOPLE, 6)}
        self.next_number = 1
        self.hooks_lost_until = START
        self.others = self.random.sample(EVIL, 6) + [f"pr_{self.random.randint(1, 60)}"]
        self.seen: collections.Counter = collections.Counter()
        self.running = 0  # sweeps
        for name in self.people:
            if self.chance(0.9):
                self.schemas[f"dev_{name}"] = Schema(self.clock("warehouse") - self.days(0, 45))
        for _ in range(self.random.choice([3, 3, 12, 60])):  # a young project, or one with years behind it
            number = self.open_pull()
            if self.chance(0.8):
                self.close_pull(number, self.days(0, 40))
        if self.chance(0.5):
            self.schemas["pr_4711"] = Schema(self.clock("warehouse") - self.days(0, 12))

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def days(self, least: float, most: float) -> datetime.timedelta:
        return datetime.timedelta(days=self.random.uniform(least, most))

    def clock(self, whose: str) -> Time:
        return self.now + self.ahead[whose]

    # What people do.

    def open_pull(self) -> int:
        number = self.next_number
        self.next_number += self.random.choice([1, 1, 1, 2, 7])  # issues take numbers too
        self.pulls[number] = None
        if self.chance(0.9):
            self.build(f"pr_{number}")
        return number

    def build(self, name: str) -> None:
        if name in self.others:
            return  # another project has it, and the warehouse refuses
        schema = self.schemas.setdefault(name, Schema(self.clock("warehouse")))
        schema.used, schema.relations = self.clock("warehouse"), 3

    def close_pull(self, number: int, ago: datetime.timedelta = datetime.timedelta()) -> None:
        self.pulls[number] = self.was_closed[number] = (self.clock("host") - ago).replace(microsecond=0)
        name = f"pr_{number}"
        if ago and name in self.schemas:
            self.schemas[name].used = self.clock("warehouse") - ago - self.days(0, 3)
        lost = self.now < self.hooks_lost_until or self.chance(0.2) or (ago and self.chance(0.7))
        if not lost and not self.is_pinned(name):
            self.schemas.pop(name, None)

    def reopen_pull(self, number: int, builds: bool) -> None:
        self.pulls[number] = None
        if builds:
            self.build(f"pr_{number}")

    def is_pinned(self, name: str) -> bool:
        pin = self.schemas[name].pin if name in self.schemas else None
        return pin is not None and pin > self.clock("warehouse")

    def happens(self) -> None:
        """One thing, sometime in the day."""
        open_ones = [number for number, closed in self.pulls.items() if closed is None]
        closed_ones = [number for number, closed in self.pulls.items() if closed is not None]
        at_work = [name for name, state in self.people.items() if state == "works"]
        what = self.random.random()
        if what < 0.2:
            self.open_pull()
        elif what < 0.35 and open_ones:
            self.build(f"pr_{self.random.choice(open_ones)}")
        elif what < 0.55 and open_ones:
            self.close_pull(self.random.choice(open_ones))
        elif what < 0.62 and closed_ones:
            self.reopen_pull(self.random.choice(closed_ones), self.chance(0.6))
        elif what < 0.85 and at_work:
            self.build(f"dev_{self.random.choice(at_work)}")
        elif what < 0.9 and self.schemas:
            pinned = self.schemas[self.random.choice(sorted(self.schemas))]
            pinned.pin = None if self.chance(0.3) else (self.clock("warehouse") + self.days(1, 20)).replace(hour=0, minute=0, second=0, microsecond=0)
        elif what < 0.96 and self.people:
            name = self.random.choice(PEOPLE)
            self.people[name] = self.random.choice(["works", "is away", "has left"])
        elif what < 0.97:
            self.hooks_lost_until = self.now + self.days(1, 6)
        elif what < 0.98:
            self.build(f"pr_{self.random.randint(5000, 9999)}")  # by hand, of no pull request
        elif closed_ones:
            self.build(f"pr_{self.random.choice(closed_ones)}")  # by another repository's, or a runner that comes late

    def something_meanwhile(self, target: Any) -> None:
        """While a sweep runs, and just about the schema that it looks at. A pull request that is opened again now builds at once."""
        if not self.chance(0.06) or target not in self.schemas:
            return
        self.seen["in between"] += 1
        if target.startswith("pr_") and int(target[3:]) in self.pulls:
            self.reopen_pull(int(target[3:]), True)
        else:
            self.build(target)

    # What is true.

    def is_overdue(self, name: str) -> bool:
        return not self.is_pinned(name) and self.has_come(name, self.schemas[name])

    def has_come(self, name: str, schema: Schema) -> bool:
        unused = schema.used + datetime.timedelta(days=DEV_DAYS if name.startswith("dev_") else PR_DAYS)
        if unused > self.clock("warehouse"):
            return False
        if not self.by_closing(name):
            return True
        closed = self.pulls[int(name[3:])]
        return closed is not None and closed + datetime.timedelta(days=PR_DAYS) <= self.clock("host")

    def by_closing(self, name: str) -> bool:
        return name.startswith("pr_") and int(name[3:]) in self.pulls

    def due(self, name: str, schema: Schema) -> Time | None:
        """When it is to go, its pin included; None for an open pull request."""
        due = schema.used + datetime.timedelta(days=DEV_DAYS if name.startswith("dev_") else PR_DAYS)
        if self.by_closing(name):
            closed = self.pulls[int(name[3:])]
            if closed is None:
                return None
            due = max(due, closed + datetime.timedelta(days=PR_DAYS))
        return due if schema.pin is None else max(due, schema.pin)

    def litter(self) -> list[str]:
        return [name for name, schema in self.schemas.items() if self.is_overdue(name) and schema.relations]

    def drop(self, name: Any) -> str:
        if name not in self.schemas:
            raise Wrong(f"2: {name!r} is not the sweep's")
        if not self.is_overdue(name):
            raise Wrong(f"1: {name} goes, and is due {self.due(name, self.schemas[name])}, at {self.now}")
        if name == FIXED:
            self.seen["emptied"] += self.schemas[name].relations > 0
            self.schemas[name].relations = 0
            return "emptied"
        self.seen["drops"] += 1
        self.seen["of people" if name.startswith("dev_") else "of closed ones" if self.by_closing(name) else "of unknown ones"] += 1
        del self.schemas[name]
        return "dropped"


class Warehouse:
    """What the run-operations do, as docs/adding-a-warehouse.md has it."""

    def __init__(self, world: World, night: "Night") -> None:
        self.world, self.night = world, night

    def listing(self) -> Any:
        world, night = self.world, self.night
        night.listings += 1
        if night.fault == "no listing" or (night.fault == "no second listing" and night.listings == 2):
            night.fires()
            raise dbt_command.Problem("dbt run-operation env_schemas failed; what it said is above.")
        at = world.clock("warehouse")
        names = sorted(world.schemas)
        world.random.shuffle(names)
        if night.listings == 1:
            night.listed = {name: (world.schemas[name].used, world.is_pinned(name)) for name in names}
        world.now += datetime.timedelta(seconds=world.random.uniform(1, 30))
        for name in names:
            if night.listings == 1 and world.chance(0.02):
                world.something_meanwhile(name)
        return {
            "listed_at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "schemas": [self.entry(name) for name in names],
            "others": [{"schema": name, "owner": None, "relations": 1, "bytes": None} for name in world.others],
            "handover": "an administrator hands it over",
        }

    def entry(self, name: str) -> dict[str, Any]:
        schema = self.world.schemas[name]
        used = self.night.listed[name][0] if self.night.listings == 1 else schema.used
        pin = schema.pin.isoformat() if schema.pin else None
        known = {"created_by": "acme_ci_service", "relations": schema.relations, "bytes": None}
        return {"schema": name, "last_used_at": used.isoformat(), "keep_until": pin, **known}

    def clear(self, names: list[str], listed_at: str, dry_run: bool) -> Any:
        world, night = self.world, self.night
        if night.fault == "no clearing":
            night.fires()
            raise dbt_command.Problem("dbt run-operation drop_stale_schemas failed; what it said is above.")
        if dry_run != night.dry_run:
            raise Wrong("2: a dry run that clears, or none that does not")
        said: dict[str, list] = {"cleared": [], "kept": [], "failed": []}
        listed = Time.fromisoformat(listed_at.replace("Z", "+00:00"))
        for position, name in enumerate(names):
            world.something_meanwhile(name)
            world.now += datetime.timedelta(seconds=world.random.uniform(0, 2))
            now = position == min(night.moment, len(names) - 1) and not dry_run
            if night.fault == "killed" and now:
                night.fires()
                raise Killed
            if night.fault == "another sweep" and now:
                world.seen["another sweep"] += 1
                night.fault = None
                Night(world, None, CAP).run()
            if name in world.schemas and world.schemas[name].used > listed:
                said["kept"].append({"schema": name, "why": "it was used after it was listed"})
            elif name in world.schemas and world.is_pinned(name):
                said["kept"].append({"schema": name, "why": "it is pinned"})
            elif name not in world.schemas and sweep.is_whole_name(name) and name in night.listed:
                said["kept"].append({"schema": name, "why": "it is gone already"})
            elif night.fault == "a drop fails" and now:
                night.fires()
                said["failed"].append({"schema": name, "why": "canceling statement due to lock timeout"})
            else:
                how = "dropped"
                if night.fault == "a drop that is none" and now and name != FIXED:
                    night.fires()  # the warehouse says that it did, and did not
                elif not dry_run:
                    how = world.drop(name)
                    night.drops.append(name)
                said["cleared"].append({"schema": name, "how": how, "relations": 3, "took_along": []})
        return said


class Host:
    def __init__(self, world: World, night: "Night") -> None:
        self.world, self.night = world, night

    def all(self) -> Any:
        world, night = self.world, self.night
        world.now += datetime.timedelta(seconds=world.random.uniform(1, 30))
        answer = self.answer(list(world.pulls))
        night.looked_up()
        if night.fault == "misses some":
            night.fires(must_say=False)
            answer["pulls"] = {number: pull for number, pull in answer["pulls"].items() if world.chance(0.7)}
        # It answers, and people go on; a pull request may be opened again and not be built yet.
        for number, closed in list(world.pulls.items()):
            if closed is not None and world.chance(0.01):
                world.seen["reopened after the list"] += 1
                world.reopen_pull(number, world.chance(0.3) or world.running > 1)
        return self.spoiled(answer) if night.fault in HOST_FAULTS and night.moment % 2 == 0 else answer

    def some(self, numbers: list[int]) -> Any:
        world, night = self.world, self.night
        world.now += datetime.timedelta(seconds=world.random.uniform(0, 10))
        answer = self.answer([number for number in numbers if number in world.pulls])
        if night.fault == "contradicts itself" and answer["pulls"]:
            night.fires()
            del answer["pulls"][next(iter(answer["pulls"]))]
        return self.spoiled(answer) if night.fault in HOST_FAULTS and night.moment % 2 == 1 else answer

    def answer(self, numbers: list[int]) -> dict[str, Any]:
        pulls: dict[str, Any] = {}
        for number in numbers:
            closed = self.world.pulls[number]
            before = self.world.was_closed.get(number)
            pulls[str(number)] = {"state": "open" if closed is None else "closed", "closed_at": before.strftime("%Y-%m-%dT%H:%M:%SZ") if before else None}
        return {"asked_at": self.world.clock("host").strftime("%Y-%m-%dT%H:%M:%SZ"), "pulls": pulls}

    def spoiled(self, answer: dict[str, Any]) -> Any:
        fault, pulls = self.night.fault, answer["pulls"]
        shown = [f"pr_{number}" for number in pulls if not self.night.listed.get(f"pr_{number}", (None, True))[1]]
        one = next((pulls[name[3:]] for name in shown if pulls[name[3:]]["state"] == "closed"), None)
        if fault in ("says nothing", "no json"):
            self.night.fires()
            raise dbt_command.Problem("GitHub does not say which pull requests are open.")
        if fault == "a list":
            self.night.fires()
            return [answer]
        if fault == "no time":
            self.night.fires()
            return {"pulls": pulls}
        if fault == "odd number":
            self.night.fires()
            return {**answer, "pulls": {**pulls, "0012": {"state": "closed", "closed_at": "2026-01-01T00:00:00Z"}}}
        if fault == "knows nothing":
            # At first that proves nothing, and nothing goes; later it contradicts what was said before.
            self.night.fires(must_say=self.night.moment % 2 == 1 and bool(pulls))
            return {**answer, "pulls": {}}
        if one is not None:
            self.night.fires()
            spoils = {"odd state": {"state": "merged"}, "no closing time": {"closed_at": None}, "from the future": {"closed_at": "2031-01-01T00:00:00Z"}}
            one.update(spoils[fault])
        return answer


FAULTS = ["no listing", "no second listing", "no clearing", "killed", "another sweep", "a drop fails", "a drop that is none"]
FAULTS += ["contradicts itself", "misses some", *HOST_FAULTS]


class Night:
    """One sweep. `fault` is what goes wrong in it, if it comes to that."""

    def __init__(self, world: World, fault: str | None, allowed: int, dry_run: bool = False) -> None:
        self.world, self.fault, self.allowed, self.dry_run = world, fault, allowed, dry_run
        self.moment = world.random.randint(0, 5)
        self.fired = self.must_say = False
        self.listings = 0
        self.listed: dict[str, tuple[Time, bool]] = {}
        self.overdue: list[str] = []
        self.drops: list[str] = []

    def fires(self, must_say: bool = True) -> None:
        self.world.seen[self.fault] += 1
        self.fired = True
        self.must_say = self.must_say or must_say

    def looked_up(self) -> None:
        """At the moment at which the host answers: what the sweep has to find overdue, of what it was shown."""
        for name, (used, pinned) in self.listed.items():
            if not pinned and self.world.has_come(name, Schema(used)):
                self.overdue.append(name)

    def run(self) -> dict[str, Any] | None:
        world = self.world
        options = sweep.Options(dev_days=DEV_DAYS, pr_days=PR_DAYS, allowed=self.allowed, dry_run=self.dry_run)
        before = set(world.litter())
        world.running += 1
        try:
            result = sweep.sweep(Warehouse(world, self), Host(world, self), options)
        except dbt_command.Problem:
            if not self.fired:
                raise Wrong("5: it failed, and nothing had") from None
            return None
        except Killed:
            return None
        finally:
            world.running -= 1
        world.seen["well"] += result["ok"]
        self.look_after(result, before)
        return result

    def look_after(self, result: dict[str, Any], before: set[str]) -> None:
        if len(self.drops) > self.allowed:
            raise Wrong(f"3: {len(self.drops)} went where {self.allowed} may")
        # Those at the edge of a second may be seen either way.
        sure = [name for name in self.overdue if name in before]
        too_many = len(sure) > self.allowed
        if too_many and not self.fired and (self.drops or (result["ok"] and not self.dry_run)):
            raise Wrong(f"3: {len(sure)} are overdue and {self.allowed} may go: {len(self.drops)} went, and it says ok: {result['ok']}")
        if self.must_say and result["ok"]:
            raise Wrong(f"5: {self.fault}, and it says that it is well")
        if not self.fired and not too_many and len(self.overdue) <= self.allowed and not result["ok"]:
            raise Wrong(f"5: nothing failed, and it says: {result['problems']}")
        if not self.fired and not self.dry_run and len(self.overdue) <= self.allowed:
            left = before & set(self.world.litter())
            if left:
                raise Wrong(f"4: overdue before and after a night in which all worked: {sorted(left)}")
        entries = collections.Counter(one["schema"] for one in result["schemas"])
        if entries != collections.Counter([*self.listed, *self.world.others]) or any(not one["why"] for one in result["schemas"]):
            raise Wrong("6: an entry is missing, there twice, or without a reason")
        said = {one["schema"]: one["action"] for one in result["schemas"]}
        if any(said[name] != "report" for name in self.world.others) or any(said[name] not in ("keep", "announce") for name, (_, pinned) in self.listed.items() if pinned):
            raise Wrong("6: what is pinned, or belongs to others, is said to go")


def simulate(seed: int) -> tuple[collections.Counter, int]:
    world = World(seed)
    last: dict[str, tuple[str, Time | None]] = {}  # the night before: what was said of each, and its due day
    last_at = None
    largest = 0
    for day in range(DAYS):
        midnight = START + datetime.timedelta(days=day)
        for hour in sorted(world.random.uniform(0, 14) for _ in range(world.random.randint(0, 12))):
            world.now = max(world.now, midnight + datetime.timedelta(hours=hour))
            world.happens()
        world.now = max(world.now, midnight + datetime.timedelta(hours=world.random.uniform(15, 16)))
        if world.chance(0.03):
            continue  # the CI provider forgets one
        overdue = len(world.litter())
        allowed = overdue + 5 if overdue > CAP and world.chance(0.3) else CAP  # somebody has read the list
        dues = {name: world.due(name, schema) for name, schema in world.schemas.items()}
        fault = world.random.choice(FAULTS) if world.chance(0.3) else None
        night = Night(world, fault, allowed, dry_run=world.chance(0.05))
        result = night.run()
        world.seen["nights"] += 1
        largest = max(largest, len(world.litter()))
        for name in night.drops:
            said, due = last.get(name, ("announce", None))
            was_near = due == dues.get(name) and last_at is not None and due - datetime.timedelta(days=NOTICE) <= last_at
            if was_near and said not in ("announce", "clear"):
                raise Wrong(f"7: {name} went, and the night before said only: {said}")
        # A due day counts as told from some minutes after it came near, whatever the clocks say.
        last_at = world.now - datetime.timedelta(minutes=30) if result is not None and not night.fired else None
        own = [one for one in result["schemas"] if one["action"] != "report"] if result else []
        last = {one["schema"]: (one["action"], dues.get(one["schema"])) for one in own}
    return world.seen, largest


def main() -> int:
    runs, first = int(sys.argv[2]), int(sys.argv[3])
    sweep.say = lambda line: None
    total: collections.Counter = collections.Counter()
    largest = 0
    for seed in range(first, first + runs):
        try:
            seen, litter = simulate(seed)
        except Wrong as wrong:
            print(json.dumps({"seed": seed, "wrong": str(wrong)}))
            return 0
        total += seen
        largest = max(largest, litter)
    print(json.dumps({"runs": runs, "largest_litter": largest, "wrong": None, **total}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
