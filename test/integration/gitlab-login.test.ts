import { createSign, createVerify, generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { departure, emittedNames, installation, script } from '../support/bigquery-installed.ts';
import type { BigQueryModel } from '../support/bigquery-model/model.ts';
import { ADMIN, world } from '../support/bigquery-world.ts';
import { python } from '../support/dbt.ts';
import { filesOf, type GitlabRun } from '../support/gitlab-ci.ts';
import { type GitlabJob, gitlabJobs } from '../support/gitlab-files.ts';
import { type GitlabSite, startGitlabSite } from '../support/gitlab-site.ts';
import { gitlabTokens, gitlabTrust } from '../support/gitlab-tokens.ts';
import { scaffold } from '../support/scaffold.ts';

/**
 * From GitLab's token to an account of Google's: the emitted jobs, run by gitlab-ci-local, with Google's own library, which asks a
 * Google that lets in whom the pool of the emitted 40_services.sh lets in. GitLab's key signs; what comes back says who one is.
 */
const key = generateKeyPairSync('rsa', { modulusLength: 2048 });
const model = (() => {
  const names = emittedNames('three');
  return world('narrow', names, installation('three', 'before'), departure('three'));
})();
const handed = Object.fromEntries(
  [...model.shell(script('three', '40_services.sh').text, ADMIN, gitlabTrust()).matchAll(/^(DBT_\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [
    name,
    value,
  ]),
);
const row = (what: string): Readonly<Record<string, string>> => {
  const found = gitlabTokens.find((one) => one.what === what);
  if (found === undefined) throw new Error(`there is no token of ${what}`);
  return Object.fromEntries(Object.entries(found.token.claims).map(([name, value]) => [name, String(value)]));
};
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** What GitLab puts into DBT_ENVS_ID_TOKEN. */
function signed(claims: Readonly<Record<string, string>>, aud: string, seconds = 3600): string {
  const text = `${part({ alg: 'RS256', typ: 'JWT', kid: 'ours' })}.${part({ iss: 'https://gitlab.com', aud, exp: Math.floor(Date.now() / 1000) + seconds, ...claims })}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key.privateKey, 'base64url')}`;
}

/** Google's token service and what it makes of an account: https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token */
function google(of: BigQueryModel): Server {
  const bearers = new Map<string, readonly string[]>();
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const send = (status: number, json: object): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
      if (request.url === '/v1/token') {
        const asked = new URLSearchParams(body);
        const [head = '', said = '', signature = ''] = (asked.get('subject_token') ?? '').split('.');
        const { iss, aud, ...claims } = JSON.parse(Buffer.from(said, 'base64url').toString());
        const isOurs = createVerify('RSA-SHA256').update(`${head}.${said}`).verify(key.publicKey, signature, 'base64url');
        const accounts = isOurs && aud === `https:${asked.get('audience')}` ? of.logsInAs({ issuer: iss, claims }) : [];
        if (accounts.length === 0)
          return send(400, { error: 'unauthorized_client', error_description: 'The given credential is rejected by the attribute condition.' });
        bearers.set(`federated-${bearers.size}`, accounts);
        return send(200, {
          access_token: `federated-${bearers.size - 1}`,
          issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          token_type: 'Bearer',
          expires_in: 3600,
        });
      }
      const email = /serviceAccounts\/([^:]+):generateAccessToken$/.exec(decodeURIComponent(request.url ?? ''))?.[1] ?? '';
      const accounts = bearers.get((request.headers.authorization ?? '').replace('Bearer ', '')) ?? [];
      if (!accounts.includes(`serviceAccount:${email}`))
        return send(403, { error: { code: 403, message: 'Permission iam.serviceAccounts.getAccessToken denied' } });
      return send(200, { accessToken: `token of ${email}`, expireTime: new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z') });
    });
  });
}

/** The work of a job: it logs in, twice as in a long build, with the file that login.py wrote. */
const work = (url: string): string => `
import json, os, pathlib
import google.auth.pluggable, google.auth.transport.requests
says = json.loads(pathlib.Path(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
says["token_url"] = says["token_url"].replace("https://sts.googleapis.com", "${url}")
says["service_account_impersonation_url"] = says["service_account_impersonation_url"].replace("https://iamcredentials.googleapis.com", "${url}")
for turn in ("first", "again"):
    credentials = google.auth.pluggable.Credentials.from_info(says, scopes=["https://www.googleapis.com/auth/bigquery"])
    credentials.refresh(google.auth.transport.requests.Request())
    print(turn, credentials.token)
`;

let site: GitlabSite;
let server: Server;
let jobs: Readonly<Record<string, GitlabJob>>;
let folder: string;
beforeAll(async () => {
  server = google(model).listen(0);
  folder = scaffold({ warehouse: 'bigquery', ci: 'gitlab', database: 'acme-prod' });
  for (const name of ['build_pr', 'review_card', 'deploy_prod', 'sweep', 'sweep_report'])
    writeFileSync(path.join(folder, `scripts/dbt_envs/${name}.py`), work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  const files = ['merge_request', 'deploy', 'sweep'].map((name) => [name, readFileSync(path.join(folder, `.gitlab/ci/dbt_${name}.yml`), 'utf8')] as const);
  jobs = gitlabJobs(Object.fromEntries(files));
  site = await startGitlabSite(folder, {
    python: 'bigquery',
    variables: {
      DBT_CI_IDENTITY_PROVIDER: { 'pr/*': handed.DBT_CI_IDENTITY_PROVIDER ?? '', sweep: handed.DBT_CI_IDENTITY_PROVIDER ?? '' },
      DBT_PROD_IDENTITY_PROVIDER: { prod: handed.DBT_PROD_IDENTITY_PROVIDER ?? '' },
    },
  });
  site.push('discounts', () => writeFileSync(path.join(site.desk, 'models/discounts.sql'), 'select 1 as id'));
  site.open(12, 'discounts');
});
afterAll(async () => {
  server.close();
  await site.stop();
});

/** The token of a job of this file, as GitLab makes it: for the audience that it names. */
function tokenOf(job: string, what: string): string {
  const named = JSON.stringify(jobs[job]?.id_tokens);
  const aud: string = JSON.parse(named).DBT_ENVS_ID_TOKEN.aud.replace(/\$(\w+)/g, (_: string, name: string) => handed[name] ?? '');
  return signed(row(what), aud);
}
const written = ({ artifacts }: GitlabRun, job: string): string =>
  filesOf(artifacts(job))
    .filter((name) => /\.\w+$/.test(name))
    .map((name) => readFileSync(path.join(artifacts(job), name), 'utf8'))
    .join('\n');

describe('a job logs in at Google as its own account, with its own token', () => {
  test.each([
    ['dbt-build', 'a build of a merge request', 'acme-ci@acme-ci.iam.gserviceaccount.com'],
    ['dbt-deploy', 'a deploy after a merge', 'acme-prod@acme-prod.iam.gserviceaccount.com'],
    ['dbt-sweep', 'the nightly sweep', 'acme-janitor@acme-ci.iam.gserviceaccount.com'],
  ])('%s', async (job, what, account) => {
    const token = tokenOf(job, what);
    const given = { DBT_ENVS_ID_TOKEN: token, ...(job === 'dbt-sweep' && { CI_PIPELINE_SCHEDULE_DESCRIPTION: 'dbt sweep' }) };
    const done = job === 'dbt-build' ? await site.onMerge(12, [], given) : await site.onMain(job === 'dbt-sweep' ? 'schedule' : 'push', given);
    expect(done.results[job], done.output).toBe('success');
    for (const turn of ['first', 'again']) expect(done.output).toContain(`${turn} token of ${account}`);
    expect(done.output + written(done, job)).not.toContain(token.slice(-40));
  });
  test('where a job printed its token, or left it in the card, that would be seen', async () => {
    site.push('leaky', (desk) => {
      const card = `import os, pathlib\nprint(os.environ["DBT_ENVS_ID_TOKEN"])\npathlib.Path("target/dbt_envs").mkdir(parents=True, exist_ok=True)\npathlib.Path("target/dbt_envs/card.md").write_text(os.environ["DBT_ENVS_ID_TOKEN"])\n`;
      writeFileSync(path.join(desk, 'scripts/dbt_envs/review_card.py'), card);
    });
    site.open(13, 'leaky');
    const token = tokenOf('dbt-build', 'a build of a merge request');
    const done = await site.onMerge(13, [], { DBT_ENVS_ID_TOKEN: token });
    expect(done.output).toContain(token.slice(-40));
    expect(written(done, 'dbt-build')).toContain(token.slice(-40));
  });
  test.each([
    ['dbt-build', 'a merge request of a fork, run here'],
    ['dbt-deploy', 'main while nobody protects it'],
    ['dbt-deploy', 'another protected branch'],
    ['dbt-deploy', 'the same path, of somebody else'],
    ['dbt-sweep', 'a push that says sweep'],
  ])('and %s does not with the token of %s', async (job, what) => {
    const given = { DBT_ENVS_ID_TOKEN: tokenOf(job, what), ...(job === 'dbt-sweep' && { CI_PIPELINE_SCHEDULE_DESCRIPTION: 'dbt sweep' }) };
    const done = job === 'dbt-build' ? await site.onMerge(12, [], given) : await site.onMain(job === 'dbt-sweep' ? 'schedule' : 'push', given);
    expect(done.results[job], done.output).toBe('failure');
    expect(done.output).toContain('rejected by the attribute condition');
    expect(done.output).not.toContain('token of acme');
  });
});

describe('whoever writes the job of a merge request', () => {
  const login = (env: Readonly<Record<string, string>>) =>
    python(
      folder,
      [
        '-c',
        `import subprocess, sys\nif subprocess.run([sys.executable, "scripts/dbt_envs/login.py"]).returncode: sys.exit(3)\n${work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)}`,
      ],
      {
        env: { GOOGLE_APPLICATION_CREDENTIALS: 'target/login.json', GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: '1', ...env },
        python: 'bigquery',
      },
    );
  const as = (account: string, provider: string, token: string) =>
    login({ DBT_GCP_SERVICE_ACCOUNT: account, DBT_GCP_IDENTITY_PROVIDER: provider, DBT_ENVS_ID_TOKEN: token });
  const PROD = 'acme-prod@acme-prod.iam.gserviceaccount.com';
  const provider = (name: 'CI' | 'PROD'): string => handed[`DBT_${name}_IDENTITY_PROVIDER`] ?? '';
  const forGoogle = (name: 'CI' | 'PROD'): string => `https://iam.googleapis.com/${provider(name)}`;

  test('becomes CI, and neither production nor the sweep, whatever audience and account it names', async () => {
    for (const what of [
      'a merge request whose job says prod',
      'a merge request of main into another branch',
      'the same, where merge requests of protected branches are protected',
    ]) {
      expect((await as('acme-ci@acme-ci.iam.gserviceaccount.com', provider('CI'), signed(row(what), forGoogle('CI')))).output).toContain(
        'first token of acme-ci@',
      );
      for (const [account, where] of [
        [PROD, 'PROD'],
        [PROD, 'CI'],
        ['acme-janitor@acme-ci.iam.gserviceaccount.com', 'CI'],
      ] as const) {
        const { code, output } = await as(account, provider(where), signed(row(what), forGoogle(where)));
        expect([what, account, code === 0, output.includes('token of acme')], output).toEqual([what, account, false, false]);
      }
    }
  });
  test('and the same account is there for whoever is on main: the control', async () => {
    expect((await as(PROD, provider('PROD'), signed(row('a deploy after a merge'), forGoogle('PROD')))).output).toContain(`first token of ${PROD}`);
  });
});

describe('the token', () => {
  const AUDIENCE = 'https://iam.googleapis.com/x';
  const ask = (token: string | undefined, ...args: readonly string[]) =>
    python(folder, ['scripts/dbt_envs/identity_token.py', ...args], { env: token === undefined ? {} : { DBT_ENVS_ID_TOKEN: token }, python: 'bigquery' });
  const good = signed(row('a deploy after a merge'), AUDIENCE);

  test('is printed for the audience that it was made for', async () => expect(await ask(good, AUDIENCE)).toMatchObject({ code: 0, output: `${good}\n` }));
  test.each([
    ['is not there', undefined, 'Its id_tokens must have DBT_ENVS_ID_TOKEN'],
    ['is none', 'a password', 'is no token of GitLab'],
    ['is for somebody else', signed(row('a deploy after a merge'), 'https://vault.example'), "is for 'https://vault.example'"],
    ['is no longer good', signed(row('a deploy after a merge'), AUDIENCE, -1), 'raise that'],
  ])('is not where it %s', async (_, token, said) => {
    const { code, output } = await ask(token, AUDIENCE);
    expect([code, output.includes(said)], output).toEqual([1, true]);
    if (token !== undefined) expect(output).not.toContain(token);
  });
});

test('only the jobs that log in have a token, each for the provider of its own identity, and log in after their settings and before their work', () => {
  const named = Object.fromEntries(Object.entries(jobs).flatMap(([name, { id_tokens: tokens }]) => (tokens ? [[name, tokens]] : [])));
  const CI = { DBT_ENVS_ID_TOKEN: { aud: 'https://iam.googleapis.com/$DBT_CI_IDENTITY_PROVIDER' } };
  expect(named).toEqual({
    'dbt-build': CI,
    'dbt-drop': CI,
    'dbt-deploy': { DBT_ENVS_ID_TOKEN: { aud: 'https://iam.googleapis.com/$DBT_PROD_IDENTITY_PROVIDER' } },
    'dbt-sweep': CI,
    'dbt-sweep-dry-run': CI,
  });
  const work: Readonly<Record<string, string>> = { 'dbt-build': 'build_pr.py', 'dbt-drop': 'drop_pr_schema', 'dbt-deploy': 'deploy_prod.py' };
  for (const name of Object.keys(named)) {
    const text = jobs[name]?.script?.join('\n') ?? '';
    const order = ['requirements.txt', 'export DBT_GCP_SERVICE_ACCOUNT=', 'python scripts/dbt_envs/login.py', work[name] ?? 'dbt_envs/sweep.py'];
    const places = order.map((word) => text.indexOf(word));
    expect([name, places]).toEqual([name, places.filter((place) => place >= 0).toSorted((one, other) => one - other)]);
  }
});
