"""Prepares this project on GitLab for its dbt jobs: main's protection, who may run what, schedules, variables.

    python scripts/dbt_envs/setup.py            says what is missing, changes nothing
    python scripts/dbt_envs/setup.py --apply    does it, and asks for each value that is missing

The login must be a maintainer's, with the scope api: GITLAB_TOKEN, or glab's. Whoever runs it owns the schedules, and a
schedule ends with its owner: let an account run it that is made for it. A value is taken from the environment variable of the same name
where there is one. What is set already stays as it is, unless it is named: --replace DBT_ENVS_GITLAB_TOKEN. Values are typed
unseen and stand on no command line. It adds to what protects the project, and takes nothing away.
"""

import argparse
import getpass
import os
import pathlib
import re
import sys
import urllib.parse
from typing import Any

import gitlab_api

MAIN = "main"
SETTINGS: list[dict[str, Any]] = [
    {
        "name": "DBT_DUCKDB_DIR",
        "secret": False,
        "scopes": ["pr/*", "prod", "sweep"],
        "what": "The folder with the database files: dev/, ci/ and prod/.",
        "example": "/srv/warehouse",
        "default": "warehouse",
    },
    {
        "name": "DBT_ENVS_GITLAB_TOKEN",
        "secret": True,
        "scopes": ["sweep-issue"],
        "what": "an access token of the project with the scope api and the role Reporter, which keeps one issue open while the sweep fails",
        "example": "glpat-…",
        "default": None,
    },
]
# Of these scopes' variables, only pipelines of a protected branch see any.
PROTECTED = ["prod", "sweep", "sweep-issue"]
SCHEDULES = [
    {"description": "dbt deploy", "cron": "17 5 * * *"},
    {"description": "dbt sweep", "cron": "43 3 * * *"},
]
# What a project setting has to be, and why. docs.gitlab.com/api/projects/#update-a-project
PROJECT_SETTINGS: list[tuple[str, Any, str]] = [
    ("ci_allow_fork_pipelines_to_run_in_parent_project", False, "what a fork sends never runs here, where it could read variables"),
    ("protect_merge_request_pipelines", False, "no merge request's pipeline reads protected variables"),
    ("only_allow_merge_if_pipeline_succeeds", True, "nothing is merged whose build has failed"),
    ("allow_merge_on_skipped_pipeline", False, "nor what a commit's [skip ci] has kept from being built"),
    ("auto_cancel_pending_pipelines", "enabled", "a push cancels a build that it makes pointless"),
]
# Whoever may give variables to a pipeline of main can set the host that gets production's password. The role counts only
# where the first of the two is true: docs.gitlab.com/api/projects/#update-a-project
RESTRICTED = "restrict_user_defined_variables"
OVERRIDE = "ci_pipeline_variables_minimum_override_role"
CLOSED = (0, 40, 60)  # nobody, maintainers, administrators: docs.gitlab.com/api/protected_branches
STRICT_ROLES = ("maintainer", "owner", "no_one_allowed")
# Since 17.8 a pipeline knows its schedule, and since 17.10 a draft: docs.gitlab.com/ci/variables/predefined_variables
OLDEST = (17, 10)
READING = "DBT_ENVS_GITLAB_TOKEN"  # for pr/* too, where a job's own token reads no merge requests
SOMEBODY_ELSES = '! The schedule "{}" is somebody else\'s. Take ownership, under Build, Pipeline schedules, and start this again.'
GIVEN: dict[str, str] = {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--apply", action="store_true", help="do it; without this, only say what is missing")
    parser.add_argument("--replace", action="append", default=[], metavar="NAME", help="ask for this value even if it is set")
    options = parser.parse_args()
    try:
        unknown = set(options.replace) - {setting["name"] for setting in SETTINGS}
        if unknown:
            raise gitlab_api.Problem(f"--replace {sorted(unknown)[0]}: the jobs read no such variable.")
        missing = prepare(gitlab_api.connect(pathlib.Path(__file__).resolve().parent), options.apply, options.replace)
    except gitlab_api.Problem as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    if missing and not options.apply:
        print(f"{missing} to do. Nothing has been changed; --apply does it.")
    elif missing:
        print(f"{missing} still to do.", file=sys.stderr)
    else:
        print("Everything is in place.")
    return 1 if missing and options.apply else 0


def prepare(api: gitlab_api.Api, apply: bool, replace: list[str]) -> int:
    """Does or lists every step; returns how many are left to do. Main is protected before anything secret is stored."""
    refuse_older(api)
    project = api.get("")
    print(f"Project {project.get('path_with_namespace')}, {project.get('visibility')}")
    missing = prepare_main(api, apply) + look_at_others(api) + prepare_project(api, project, apply)
    if apply and missing:
        print("! Nothing secret is stored before that is done.")
        return missing
    for schedule in SCHEDULES:
        try:
            missing += prepare_schedule(api, schedule, apply)
        except gitlab_api.Refused as refused:
            if refused.status != 403:
                raise
            # Only its owner may change one: docs.gitlab.com/ci/pipelines/schedules
            missing += say(SOMEBODY_ELSES.format(schedule["description"]))
    found = {(one.get("key"), one.get("environment_scope")): one for one in every_one(api, "/variables")}
    inherited = variables_above(api, project)
    for setting in SETTINGS:
        for scope in setting["scopes"]:
            missing += prepare_setting(api, setting, scope, found, apply, setting["name"] in replace)
        if is_guarded(setting):
            missing += look_elsewhere(setting, found) + look_above(setting, inherited)
    say_what_is_left(api, project)
    return missing


def refuse_older(api: gitlab_api.Api) -> None:
    """docs.gitlab.com/api/version"""
    try:
        version = str(api.service.get("/version").get("version"))
    except gitlab_api.Refused:
        print(f"! GitLab does not say which version it is. The jobs need {'.'.join(map(str, OLDEST))} or newer.")
        return
    number = re.match(r"([0-9]+)\.([0-9]+)\.", version)
    is_now = (int(number[1]), int(number[2])) if number else (0, 0)
    if is_now < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise gitlab_api.Problem(f"this GitLab is {inert(version)}, and the jobs need {needed}: on an older one, schedules start none of them, in silence.")


def prepare_main(api: gitlab_api.Api, apply: bool) -> int:
    """docs.gitlab.com/api/protected_branches: 0 is nobody, 30 developers, 40 maintainers."""
    path = f"/protected_branches/{urllib.parse.quote(MAIN, safe='')}"
    rules = list(api.every("/protected_branches"))
    found = next((rule for rule in rules if rule.get("name") == MAIN), None)
    missing = sum(say(by_hand(rule)) for rule in rules if covers_main(rule) and wrong_with(rule))
    if found is None:
        step(f"{MAIN}: changes by merge request alone, which maintainers merge", apply)
        if not apply:
            return missing + 1
        api.send("POST", "/protected_branches", {"name": MAIN, "push_access_level": 0, "merge_access_level": 40, "allow_force_push": False})
        found = api.get(path)
    if not wrong_with(found):
        return missing
    step(f"{MAIN}: {' and '.join(wrong_with(found))}; nobody pushes", apply)
    if not apply:
        return missing + 1
    # To change who may push takes Premium; GitLab Free passes over it. To unprotect the branch for it would open it meanwhile.
    gone = [{"id": one.get("id"), "_destroy": True} for one in found.get("push_access_levels", []) if one.get("access_level") != 0]
    try:
        api.send("PATCH", path, {"allowed_to_push": [*gone, {"access_level": 0}], "allow_force_push": False})
    except gitlab_api.Refused as refused:
        print(f"! {refused}")
    now = api.get(path)
    return missing + (say(by_hand(now)) if wrong_with(now) else 0)


def covers_main(rule: dict[str, Any]) -> bool:
    """Of several rules that fit a branch, the most permissive one counts: docs.gitlab.com/user/project/repository/branches/protected"""
    name = str(rule.get("name"))
    return "*" in name and re.fullmatch(".*".join(re.escape(part) for part in name.split("*")), MAIN) is not None


def by_hand(rule: dict[str, Any]) -> str:
    where = f"Settings, Repository, Protected branches, {inert(rule.get('name'))}: Allowed to push and merge, No one."
    return f"! {MAIN} is protected by the rule {inert(rule.get('name'))}, but {' and '.join(wrong_with(rule))}. By hand: {where}"


def wrong_with(branch: dict[str, Any]) -> list[str]:
    levels = branch.get("push_access_levels")
    pushed = not isinstance(levels, list) or any(not isinstance(one, dict) or one.get("access_level") != 0 for one in levels)
    forced = branch.get("allow_force_push") is not False
    return [*(["whoever may push can change it without a merge request"] if pushed else []), *(["it may be force-pushed"] if forced else [])]


def look_at_others(api: gitlab_api.Api) -> int:
    """A protected variable reaches the pipelines of every protected branch and tag: docs.gitlab.com/ci/variables/#protect-a-cicd-variable.
    Whoever may bring code there can have it printed. What is for maintainers alone is named, and left."""
    missing = 0
    for kind, path, keys in (
        ("branch", "/protected_branches", ("push_access_levels", "merge_access_levels")),
        ("tag", "/protected_tags", ("create_access_levels",)),
    ):
        for rule in every_one(api, path):
            name, levels = inert(rule.get("name")), [one for key in keys for one in rule.get(key, [{}])]
            if kind == "branch" and rule.get("name") == MAIN:
                continue
            others = sorted({whom(one) for one in levels if one.get("access_level") not in CLOSED})
            if others:
                missing += say(
                    f"! The {kind} {name} is protected, and {' and '.join(others)} may bring code there: "
                    "it can read what is protected, production's credentials too. "
                    f"By hand: Settings, Repository, Protected {kind}{'es' if kind == 'branch' else 's'}: let maintainers alone, or protect it no longer."
                )
            elif any(one.get("access_level") != 0 for one in levels):
                print(f"  The {kind} {name} is protected too, so maintainers can have production's credentials read there.")
    return missing


def whom(level: dict[str, Any]) -> str:
    return inert(level.get("access_level_description") or ("developers" if level.get("access_level") == 30 else "somebody who is no maintainer"))


def prepare_project(api: gitlab_api.Api, project: dict[str, Any], apply: bool) -> int:
    # What was never set comes as null, and is off.
    wrong = [(name, wanted, why) for name, wanted, why in PROJECT_SETTINGS if name in project and (project[name] or False) != wanted]
    missing = 0
    if project.get(OVERRIDE) not in STRICT_ROLES and OVERRIDE in project:
        wrong.append((OVERRIDE, "maintainer", "only maintainers give variables to a pipeline"))
    if project.get(RESTRICTED) is False:
        wrong.append((RESTRICTED, True, f"without it, {OVERRIDE} counts for nothing"))
    for name, _, _ in PROJECT_SETTINGS:
        if name not in project:
            print(f"! This GitLab does not say what {name} is: look at Settings, CI/CD and Merge requests.")
    if OVERRIDE not in project:
        missing += say(f"! GitLab does not show {OVERRIDE} to this login: is it a maintainer's?")
    for name, wanted, why in wrong:
        step(f"{name} = {wanted}: {why}", apply)
        missing += 1
    if not apply or not wrong:
        return missing
    api.send("PUT", "", {name: wanted for name, wanted, _ in wrong})
    now = api.get("")
    return missing - len(wrong) + sum(say(f"! GitLab took {name}, and it is still {now.get(name)!r}.") for name, wanted, _ in wrong if now.get(name) != wanted)


def prepare_schedule(api: gitlab_api.Api, schedule: dict[str, str], apply: bool) -> int:
    """docs.gitlab.com/api/pipeline_schedules. The jobs know it by its description. One whose owner is gone is reported, and left."""
    found = [one for one in api.every("/pipeline_schedules") if one.get("description") == schedule["description"] and short(one.get("ref")) == MAIN]
    if not found:
        step(f'schedule "{schedule["description"]}", {schedule["cron"]} UTC, on {MAIN}', apply)
        if not apply:
            return 1
        api.send("POST", "/pipeline_schedules", {"description": schedule["description"], "ref": f"refs/heads/{MAIN}", "cron": schedule["cron"]})
        return 0
    if any(one.get("active") is True for one in found):
        return 0
    off = found[0]
    # Fresh from GitLab: a list does not always say who owns one.
    if (api.get(f"/pipeline_schedules/{off['id']}").get("owner") or {}).get("state") != "active":
        return say(f'! The schedule "{schedule["description"]}" is off, and its owner is not active: take ownership, under Build, Pipeline schedules.')
    step(f'schedule "{schedule["description"]}": on', apply)
    if not apply:
        return 1
    api.send("PUT", f"/pipeline_schedules/{off['id']}", {"active": True})
    return 0


def short(ref: object) -> str:
    return str(ref).removeprefix("refs/heads/")


def every_one(api: gitlab_api.Api, path: str, group: str = "") -> list[dict[str, Any]]:
    """Every item of a list whose items have no id, to the last page; of the project, or of a group."""
    found: list[dict[str, Any]] = []
    place = f"/groups/{urllib.parse.quote(group, safe='')}{path}" if group else api.path(path)
    page = 1
    while True:
        items, headers = api.service.ask(f"{api.service.base}{place}?per_page=100&page={page}")
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items) or headers.get("x-next-page") not in ("", str(page + 1)):
            raise gitlab_api.Problem(f"GitLab's list of {path[1:].replace('_', ' ')} is of another shape.")
        found += items
        if headers.get("x-next-page") == "":
            return found
        page += 1


def prepare_setting(api: gitlab_api.Api, setting: dict[str, Any], scope: str, found: dict[Any, dict[str, Any]], apply: bool, replace: bool) -> int:
    place = f"variable {setting['name']} (environment {scope})"
    there = found.get((setting["name"], scope))
    if there is not None and not replace:
        return tighten(api, setting, scope, there, apply)
    if setting["default"] is not None and setting["name"] not in os.environ and not replace:
        print(f"  {place} is not set: {setting['default']!r} is used")
        return 0
    step(f"{place}: {setting['what']}", apply)
    if not apply:
        return 1
    value = value_of(setting)
    if value == "":
        print(f"! {setting['name']} is left unset")
        return 1
    body = {"value": value, "protected": scope in PROTECTED, "raw": True, "environment_scope": scope}
    hide = setting["secret"] and maskable(value)
    if there is None:
        # Only a new one can be hidden: docs.gitlab.com/ci/variables/#hide-a-cicd-variable
        hidden, shown = {"key": setting["name"], **body, "masked_and_hidden": True}, {"key": setting["name"], **body}
        masked = send_masked(api, "POST", "/variables", hidden if hide else shown, shown)
    else:
        # Changed in place: the old one stays where GitLab refuses the new one, as it does where one that is hidden would have to be shown.
        hidden, shown = {**body, "masked": True}, body if there.get("hidden") else {**body, "masked": False}
        masked = send_masked(api, "PUT", variable_path(setting["name"], scope), hidden if hide else shown, shown)
    if setting["secret"] and not masked:
        print(f"! GitLab cannot mask {setting['name']}: of several lines, short, or with blanks. It is stored, and a job that prints it shows it.")
    return 0


def send_masked(api: gitlab_api.Api, method: str, path: str, masked: dict[str, Any], shown: dict[str, Any]) -> bool:
    """Whether GitLab has masked it. What it does not mask, it answers with 400."""
    try:
        api.send(method, path, masked)
        return masked != shown
    except gitlab_api.Refused as refused:
        if refused.status != 400 or masked == shown:
            raise
    api.send(method, path, shown)
    return False


def tighten(api: gitlab_api.Api, setting: dict[str, Any], scope: str, there: dict[str, Any], apply: bool) -> int:
    """Of one that is set: for protected branches alone where it has to be, and masked where GitLab can."""
    open_to_all = scope in PROTECTED and there.get("protected") is not True
    shown = setting["secret"] and there.get("masked") is not True and maskable(str(there.get("value")))
    if not open_to_all and not shown:
        return 0
    done = [*(["for protected branches alone"] if open_to_all else []), *(["masked"] if shown else [])]
    step(f"variable {setting['name']} (environment {scope}): {' and '.join(done)}", apply)
    if not apply:
        return 1
    # The value of a hidden one is not shown, and is kept where none is sent.
    value = {} if there.get("hidden") else {"value": there.get("value")}
    body = {**value, "protected": scope in PROTECTED or there.get("protected") is True, "environment_scope": scope}
    if not send_masked(api, "PUT", variable_path(setting["name"], scope), {**body, "masked": True} if shown else body, body) and shown:
        print(f"! GitLab cannot mask {setting['name']} as it is stored: --replace {setting['name']} stores it anew.")
    return 0


def is_guarded(setting: dict[str, Any]) -> bool:
    """Whether it is a secret that pipelines of a protected branch alone may see."""
    return setting["secret"] and all(scope in PROTECTED for scope in setting["scopes"])


def look_elsewhere(setting: dict[str, Any], found: dict[Any, dict[str, Any]]) -> int:
    """A protected secret that is set once more, for an environment that a merge request's job may name, and open to every branch."""
    missing = 0
    for (name, scope), one in found.items():
        if name != setting["name"] or scope in setting["scopes"] or one.get("protected") is True:
            continue
        place = f"! variable {name} (environment {inert(scope)}) is not protected: pipelines of every branch read it."
        if name == READING and scope == "pr/*":
            print(f"{place} It must be another token than the one above, with the scope read_api alone.")
            continue
        missing += say(f"{place} Delete it, under Settings, CI/CD, Variables; and make the real value invalid, where it was that.")
    return missing


def variables_above(api: gitlab_api.Api, project: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Those of every group that the project is in, with the group's path; its owner may list them: docs.gitlab.com/api/group_level_variables"""
    found: list[tuple[str, dict[str, Any]]] = []
    names = [setting["name"] for setting in SETTINGS if is_guarded(setting)]
    personal = (project.get("namespace") or {}).get("kind") == "user"
    group = "" if personal or not names else str(project.get("path_with_namespace")).rpartition("/")[0]
    while group:
        try:
            found += [(group, one) for one in every_one(api, "/variables", group)]
        except gitlab_api.Refused as refused:
            if refused.status not in (403, 404):
                raise
            print(f"! Not looked at: the variables of the group {inert(group)}. {inert(refused)}")
            print(f"  None of these may stand there: {', '.join(names)}. Settings, CI/CD, Variables of this project lists what it inherits.")
        group = group.rpartition("/")[0]
    return found


def look_above(setting: dict[str, Any], inherited: list[tuple[str, dict[str, Any]]]) -> int:
    """A protected secret that a group has too: every project in it inherits it, and this one reads it where none of its own fits.
    docs.gitlab.com/ci/variables/#cicd-variable-precedence"""
    missing = 0
    for group, one in inherited:
        if one.get("key") == setting["name"]:
            readers = "protected branches" if one.get("protected") is True else "every branch"
            place = f"! variable {setting['name']} (group {inert(group)}, environment {inert(one.get('environment_scope'))})"
            way = "An owner deletes it, under Settings, CI/CD, Variables of the group; and make the real value invalid, where it was that."
            missing += say(f"{place}: pipelines of {readers} of all projects of the group read it. {way}")
    return missing


def maskable(value: str) -> bool:
    """One line, without blanks, at least 8 characters: docs.gitlab.com/ci/variables/#mask-a-cicd-variable"""
    return re.fullmatch(r"\S{8,}", value) is not None


def variable_path(name: str, scope: str) -> str:
    """Of several variables of one name, that of this scope: docs.gitlab.com/api/project_level_variables/#the-filter-parameter"""
    return f"/variables/{name}?{urllib.parse.urlencode({'filter[environment_scope]': scope})}"


def value_of(setting: dict[str, Any]) -> str:
    """Asked once, though several environments need it."""
    if setting["name"] not in GIVEN:
        GIVEN[setting["name"]] = os.environ.get(setting["name"]) or ask(setting)
    return GIVEN[setting["name"]]


def ask(setting: dict[str, Any]) -> str:
    if not sys.stdin.isatty():
        return ""
    if setting["secret"]:
        value = getpass.getpass(f"  {setting['name']}: ")
        if not value.startswith("-----BEGIN"):
            return value
        # A prompt ends with its line, and the rest of what was pasted is lost.
        print(f'! {setting["name"]} has several lines: give it in the environment, {setting["name"]}="$(cat key.p8)" python scripts/dbt_envs/setup.py --apply')
        return ""
    return input(f"  {setting['name']} (such as {setting['example']}): ").strip()


def say_what_is_left(api: gitlab_api.Api, project: dict[str, Any]) -> None:
    """What only a person can decide."""
    print("  Whoever may merge decides what production is built from. To ask for approvals takes GitLab Premium: Settings, Merge requests.")
    main = next((rule for rule in every_one(api, "/protected_branches") if rule.get("name") == MAIN), {})
    merging = sorted({whom(one) for one in main.get("merge_access_levels", []) if one.get("access_level") not in CLOSED})
    if merging:
        print(f"! {' and '.join(merging)} may merge to {MAIN}, so they are production. Settings, Repository, Protected branches, {MAIN}.")
    if project.get("ci_config_path") not in (None, "", ".gitlab-ci.yml"):
        read = f"This project reads {inert(project['ci_config_path'])} instead of .gitlab-ci.yml"
        print(f"! {read}: the jobs run only where that includes .gitlab/ci/dbt_*.yml. Settings, CI/CD, General pipelines.")
    if project.get("visibility") != "private" and project.get("public_jobs") is not False:
        print(
            "! Whoever sees the project reads its jobs' logs, which name people and what is in the warehouse. "
            "Settings, CI/CD, General pipelines: Project-based pipeline visibility."
        )
    if project.get(OVERRIDE) == "no_one_allowed":
        print("  Nobody may give variables to a pipeline, so nothing can be asked of a run by hand. To let maintainers: Settings, CI/CD, Variables.")
    if project.get("issues_access_level") == "disabled":
        print("! Issues are off, so nobody is told of a sweep that fails. Turn them on: Settings, General, Visibility.")
    if project.get("forked_from_project"):
        print("  This project is a fork: its merge requests are those that were opened against it, and the sweep asks for those alone.")


def inert(text: object) -> str:
    return "".join(one if one.isprintable() else " " for one in str(text))[:200]


def step(what: str, apply: bool) -> None:
    print(("* " if apply else "  to do: ") + what, flush=True)


def say(what: str) -> int:
    print(what)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
