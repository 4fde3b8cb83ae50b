import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ciProviders, codeHosts, warehouses } from '../src/catalogue.ts';
import type { CiProvider } from '../src/ci-provider.ts';
import { contextOf } from '../src/context.ts';
import { LEFT, type Pipeline } from '../src/pipeline.ts';
import type { FileRequest } from '../src/planned-file.ts';
import { parseAnswers } from '../src/questions.ts';
import { render } from '../src/render.ts';
import { templateOf } from '../src/template-store.ts';
import type { Warehouse } from '../src/warehouse.ts';

/** What a provider's own scripts are called: documents and other scripts name them. */
const SCRIPTS = { fetch_state: 'puts production’s state into state/', setup: 'makes environments and asks for secrets' } as const;
/** What a code host's scripts are called. */
const HOST_SCRIPTS = ['pull_request_state', 'open_prs'] as const;

/** What a provider's folder and its code host's still lack, a line each; empty when nothing is missing. */
export function ciLacks(provider: CiProvider): readonly string[] {
  const { id } = provider;
  const host = codeHosts.find((one) => one.id === provider.codeHost);
  const pipeline = samplePipeline();
  const requests = [...provider.commonFiles(pipeline), ...provider.files(pipeline), ...provider.sweepFiles(pipeline)];
  const untemplated = [
    ...requests,
    ...Object.entries(provider.docs(pipeline)).map(([topic, fragment]) => ({ path: `the passage ${topic}`, ...fragment })),
  ].filter(({ template }) => templateOf(template) === undefined);
  const text = requests
    .filter(({ template }) => templateOf(template) !== undefined)
    .map(({ template, view }) => render(template, view))
    .join('\n');
  const named = (files: readonly FileRequest[], name: string): boolean => files.some(({ path }) => path === `scripts/dbt_envs/${name}.py`);
  return [
    ...has(existsSync(`templates/ci/${id}/provider.ts`), `templates/ci/${id}/provider.ts: the folder of this provider`),
    ...has(
      ciProviders.some((one) => one.id === id),
      'templates/ci/all.ts: one import and one entry',
    ),
    ...has(host !== undefined, `templates/code-hosts/${provider.codeHost}/ and its entry in templates/code-hosts/all.ts`),
    ...HOST_SCRIPTS.flatMap((name) =>
      has(host !== undefined && named([...host.files(), ...host.sweepFiles()], name), `scripts/dbt_envs/${name}.py, from the code host ${provider.codeHost}`),
    ),
    ...new Map(untemplated.map(({ path, template }) => [template, `templates/${template}: for ${path}`])).values(),
    ...Object.entries(SCRIPTS).flatMap(([name, what]) => has(named(requests, name), `scripts/dbt_envs/${name}.py: ${what}`)),
    ...pipeline.jobs.flatMap(({ id: job, steps }) => steps.flatMap(({ run }) => has(text.includes(run), `the job ${job}: ${run}`))),
    ...[...pipeline.inputs, ...pipeline.sweepInputs].flatMap(({ name, variable }) =>
      has(text.includes(variable), `${variable}: what may be asked by hand as ${name}`),
    ),
    ...pipeline.prodRuns.flatMap((run) =>
      has(new RegExp(`DBT_ENVS_RUNNER[^]*\\b${run}\\b`).test(text), `DBT_ENVS_RUNNER=${run}: production refuses to run without it`),
    ),
    ...Object.entries({ card: LEFT.card, state: LEFT.state, account: LEFT.account }).flatMap(([name, file]) =>
      has(text.includes(file), `${file}: nothing takes the ${name} on`),
    ),
    ...loginLacks(provider),
    ...warehouses.flatMap(({ id: warehouse }) => has(existsSync(`test/golden/${warehouse}+${id}`), `test/golden/${warehouse}+${id}: npm run golden`)),
  ];
}

const has = (claim: boolean, line: string): readonly string[] => (claim ? [] : [line]);

/** What it lacks for a warehouse whose services log in with a token of the provider's own. */
function loginLacks(provider: CiProvider): readonly string[] {
  const pipeline = samplePipeline(warehouses.find((one: Warehouse) => one.workloadIdentity !== undefined));
  const { run, trust } = pipeline.workloadIdentity ?? { run: '', trust: '' };
  const files = [...provider.commonFiles(pipeline), ...provider.files(pipeline), ...provider.sweepFiles(pipeline)].filter(
    ({ template }) => templateOf(template) !== undefined,
  );
  const textOf = (name: string): string =>
    files
      .filter(({ path }) => path === name)
      .map(({ template, view }) => render(template, view))
      .join('\n');
  const [token, setup] = ['scripts/dbt_envs/identity_token.py', 'scripts/dbt_envs/setup.py'];
  const workflows = files
    .filter(({ path }) => !path.startsWith('scripts/'))
    .map(({ template, view }) => render(template, view))
    .join('\n');
  const logins = workflows.split(run).length - 1;
  return [
    ...has(textOf(token) !== '', `${token}: prints a token of this provider’s own, for the audience that it is given`),
    ...has(logins >= pipeline.jobs.length, `${run}: ${logins} of ${pipeline.jobs.length} jobs log in where no password is stored`),
    ...['TOKEN_ISSUER', ...pipeline.jobs.map(({ identity }) => `${identity.toUpperCase()}_CLAIMS`), trust]
      .filter((word, at, all) => all.indexOf(word) === at)
      .flatMap((word) => has(textOf(setup).includes(word), `${word}: ${setup} says to nobody what a warehouse has to trust`)),
  ];
}

/** The pipeline of the default answers: of a warehouse that has secrets, lets a deploy be retried, and runs on any trigger. */
function samplePipeline(warehouse: Warehouse = warehouses.find((one) => one.deploy.keepsWhatSucceeded) ?? warehouses[0]): Pipeline {
  const answers = parseAnswers({ projectName: 'acme', team: 'priya', warehouse: warehouse.id });
  return contextOf(answers, { developers: answers.team, leavers: [], readers: answers.readers }, { projectDir: '' }, ['ci', 'cleanup']).pipeline;
}

function main(id: string | undefined): number {
  const provider = ciProviders.find((one) => one.id === id);
  if (!provider) {
    console.error(
      `usage: npm run ci:check <id>, with one of: ${ciProviders.map((one) => one.id).join(', ')} (a new one needs its entry in templates/ci/all.ts first)`,
    );
    return 2;
  }
  const missing = ciLacks(provider);
  for (const line of missing) console.log(`lacks  ${line}`);
  console.log(missing.length === 0 ? `${provider.label} lacks nothing.` : `${provider.label} lacks ${missing.length} things.`);
  return missing.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = main(process.argv[2]);
