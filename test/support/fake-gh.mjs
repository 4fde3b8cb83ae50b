// gh, as far as scripts/dbt_envs/setup.py drives it. FAKE_GH names a folder: state.json is the repository on GitHub,
// log.txt gets every call and what came in on standard input. Of `--jq` it knows what setup.py asks for.
// Lists as in docs.github.com/rest/actions/secrets, /rest/deployments/environments and /rest/deployments/branch-policies;
// state.unseen names the areas that the login may not list, with the status.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const folder = process.env.FAKE_GH;
const args = process.argv.slice(2);
const input = readFileSync(0, 'utf8');
const file = path.join(folder, 'state.json');
const state = JSON.parse(readFileSync(file, 'utf8'));
appendFileSync(path.join(folder, 'log.txt'), `${args.join(' ')}${input === '' ? '' : ` < ${input}`}\n`);

const option = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const fail = (status, message) => {
  console.error(`gh: ${message} (HTTP ${status})`);
  process.exit(1);
};
/** Without `--paginate`, a list ends after its first page: docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api */
const page = (list) => (args.includes('--paginate') ? list : list.slice(0, 30));
const names = (list) => console.log(page(list).join('\n'));
const json = (value) => console.log(JSON.stringify(value));
const lines = (list) => names(list.map((one) => JSON.stringify(one)));
/** Things with a name: whole, or their names, as `--jq` asks. */
const listed = (list) => (option('--jq').endsWith('tojson') ? lines(list) : names(list.map(({ name }) => name)));
const called = (list) => listed(list.map((name) => ({ name })));
const UPGRADE = 'Upgrade to GitHub Pro or make this repository public to enable this feature.';

// A test may let it fail at its n-th write: a killed run leaves what was written before.
if (args[0] !== 'api' || option('--method') !== undefined) {
  if (state.writesLeft === 0) fail(502, 'Server Error');
  if (state.writesLeft !== undefined) state.writesLeft -= 1;
}

if (args[0] === 'api') {
  const method = option('--method') ?? 'GET';
  const given = args.find((arg) => arg.startsWith('repos/{owner}/{repo}')).slice('repos/{owner}/{repo}'.length);
  const [, area, name, under, last] = given.replace(/\?.*/, '').split('/');
  // Without it, a list ends after its first page.
  if (given.includes('per_page') && !args.includes('--paginate')) fail(500, 'only the first page was asked for');
  if (area !== undefined && area === state.broken) fail(502, 'Server Error');
  const unseen = Object.entries(state.unseen ?? {}).find(([start]) => given.startsWith(start));
  if (unseen !== undefined && method === 'GET') fail(unseen[1], unseen[1] === 404 ? 'Not Found' : 'Resource not accessible by personal access token');
  if (area === undefined) json(state.repository);
  else if (area === 'rules') rulesOf(decodeURIComponent(under));
  else if (area === 'branches') olderProtectionOf(decodeURIComponent(name));
  else if (area === 'rulesets') rulesets(method, name);
  else if (area === 'actions') actions(method, name, under, last);
  else if (area === 'environments') environments(method, name && decodeURIComponent(name), under);
  else if (area === 'codespaces' || area === 'dependabot') called(state[area] ?? []);
  else fail(404, 'Not Found');
} else {
  const [kind, , name] = args;
  const place = option('--env') === undefined ? state : state.environments[option('--env')];
  place[`${kind}s`][name] = input;
}
writeFileSync(file, JSON.stringify(state));

/** What holds for a branch: the active rulesets that name it, and the organisation's. */
function rulesOf(branch) {
  if (state.free) return fail(403, UPGRADE);
  const ref = `refs/heads/${branch}`;
  const ours = state.rulesets.filter(
    ({ enforcement, conditions: { ref_name: refs } }) => enforcement === 'active' && refs.include.includes(ref) && !refs.exclude.includes(ref),
  );
  return lines([...state.organisationRules, ...ours.flatMap(({ rules }) => rules)]);
}

function olderProtectionOf(branch) {
  if (state.free) return fail(403, UPGRADE);
  return branch in state.protection ? json(state.protection[branch]) : fail(404, 'Branch not protected');
}

function rulesets(method, id) {
  if (state.free) return fail(403, UPGRADE);
  const found = state.rulesets.find((one) => String(one.id) === id);
  if (method === 'GET') return id === undefined ? lines(state.rulesets.map(({ id: own, name }) => ({ id: own, name }))) : json(found);
  if (state.noRulesets) return fail(403, 'Repository rulesets are disabled by the organization');
  const body = JSON.parse(input);
  for (const { type, parameters } of body.rules)
    if (type === 'pull_request' && Object.keys(parameters).length < 5) return fail(422, 'Validation Failed: Invalid rules');
  if (method === 'POST') state.rulesets.push({ id: state.rulesets.length + 1, ...body });
  else Object.assign(found, body);
  return json({});
}

function actions(method, kind, name, setting) {
  if (kind === 'oidc') return state.subject === undefined ? fail(404, 'Not Found') : json(state.subject);
  if (kind === 'variables' && name !== undefined) return name in state.variables ? console.log(state.variables[name]) : fail(404, 'Not Found');
  if (kind === 'organization-secrets') return called(state.organisationSecrets ?? []);
  if (kind !== 'permissions') return called(Object.keys(state[kind]));
  const { private: isPrivate } = state.repository;
  if (name === 'fork-pr-workflows-private-repos') return isPrivate ? json(state.privateForks) : fail(422, 'only applies to internal and private repositories');
  if (name !== 'fork-pr-contributor-approval' || setting !== undefined) return fail(404, 'Not Found');
  if (isPrivate) return fail(422, 'Fork PR approval is not allowed for private repositories.');
  if (method === 'GET') return state.forks === undefined ? fail(404, 'Not Found') : json(state.forks);
  if (state.forksDecidedAbove) return fail(409, 'The organization decides this');
  state.forks = JSON.parse(input);
  return undefined;
}

function environments(method, name, under) {
  if (name === undefined) return listed(Object.entries(state.environments).map(([own, { settings }]) => ({ ...settings, name: own })));
  // Known without regard to case: docs.github.com/actions/how-tos/deploy/configure-and-manage-deployments/manage-environments
  const key = Object.keys(state.environments).find((own) => own.toLowerCase() === name.toLowerCase()) ?? name;
  const environment = state.environments[key];
  if (method === 'PUT') {
    if (state.free) return fail(422, 'Failed to create the environment protection rule. Please ensure the billing plan supports it.');
    state.environments[key] = { variables: {}, secrets: {}, branches: [], ...environment, settings: { name, ...JSON.parse(input) } };
    return undefined;
  }
  if (environment === undefined) return fail(404, 'Not Found');
  if (under === undefined) return json(environment.settings);
  if (under !== 'deployment-branch-policies') return called(Object.keys(environment[under]));
  const policies = (type, list) => list.map((one) => ({ name: one, type }));
  if (method !== 'POST') return listed([...policies('branch', environment.branches), ...policies('tag', environment.tags ?? [])]);
  environment.branches.push(JSON.parse(input).name);
  return undefined;
}
