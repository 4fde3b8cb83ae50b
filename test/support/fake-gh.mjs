// gh, as far as scripts/dbt_envs/setup.py drives it. FAKE_GH names a folder: state.json is the repository on GitHub,
// log.txt gets every call and what came in on standard input.
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
const names = (list) => console.log(list.join('\n'));

if (args[0] === 'api') {
  const route = args.find((arg) => arg.startsWith('repos/{owner}/{repo}')).slice('repos/{owner}/{repo}'.length);
  const [, area, name, under] = route.split('/');
  const environment = state.environments[name];
  if (area === undefined) console.log(JSON.stringify(state.repository));
  else if (area === 'branches')
    decodeURIComponent(name) in state.branches ? console.log(state.branches[decodeURIComponent(name)]) : fail(404, 'Branch not found');
  else if (area === 'actions') names(Object.keys(state.variables));
  else if (area !== 'environments') fail(404, 'Not Found');
  else if (option('--method') === 'PUT') {
    if (state.free) fail(422, 'Failed to create the environment protection rule. Please ensure the billing plan supports it.');
    state.environments[name] = { variables: {}, secrets: {}, branches: [], ...environment, settings: { name, ...JSON.parse(input) } };
  } else if (environment === undefined) fail(404, 'Not Found');
  else if (under === undefined) console.log(JSON.stringify(environment.settings));
  else if (under === 'deployment-branch-policies')
    option('--method') === 'POST' ? environment.branches.push(JSON.parse(input).name) : names(environment.branches);
  else names(Object.keys(environment[under]));
} else {
  const [kind, , name] = args;
  const place = option('--env') === undefined ? state : state.environments[option('--env')];
  place[`${kind}s`][name] = input;
}
writeFileSync(file, JSON.stringify(state));
