import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseWorkflow } from '../support/github-workflow.ts';
import { type PythonEnvironment, pythonEnvironment } from '../support/python.ts';
import { planned, scaffold } from '../support/scaffold.ts';

/** Google's own library, as dbt's adapter brings it, reads the file and runs the command that it names. */
const ASK = `
import google.auth.pluggable
credentials = google.auth.pluggable.Credentials.from_file("target/login.json", scopes=["https://www.googleapis.com/auth/bigquery"])
print(type(credentials).__module__, credentials.service_account_email, credentials.retrieve_subject_token(None))
`;
const PROVIDER = 'projects/123/locations/global/workloadIdentityPools/dbt-acme/providers/dbt-envs';

let python: PythonEnvironment;
let folder: string;
let github: Server;
const asked: string[] = [];
let fails = 0;
beforeAll(async () => {
  python = await pythonEnvironment('bigquery');
  folder = scaffold({ warehouse: 'bigquery' }, mkdtempSync('/tmp/dbt-envs-'));
  github = createServer((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`);
    if (fails-- > 0) response.writeHead(503).end();
    else response.end(JSON.stringify({ value: `token-${asked.length}` }));
  }).listen(0);
});
afterAll(() => github.close());

function run(args: readonly string[], changed: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  const env = {
    PATH: process.env.PATH ?? '',
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(github.address() as AddressInfo).port}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token',
    DBT_GCP_IDENTITY_PROVIDER: PROVIDER,
    DBT_GCP_SERVICE_ACCOUNT: 'acme-ci@acme-ci.iam.gserviceaccount.com',
    GOOGLE_APPLICATION_CREDENTIALS: 'target/login.json',
    GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: '1',
    ...changed,
  };
  return new Promise((resolve) => {
    execFile(python.python, [...args], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 127, output: stdout + stderr }),
    );
  });
}

describe('a job logs in at Google', () => {
  test('with a fresh token of the CI provider’s for each time that Google’s library asks', async () => {
    expect(await run(['scripts/dbt_envs/login.py'])).toMatchObject({ code: 0 });
    const { code, output } = await run(['-c', ASK]);
    expect(code, output).toBe(0);
    expect(output.trim()).toBe('google.auth.pluggable acme-ci@acme-ci.iam.gserviceaccount.com token-1');
    expect((await run(['-c', ASK])).output).toContain('token-2');
    expect(asked[0]).toBe(`bearer request-token /token?api-version=2.0&audience=${encodeURIComponent(`https://iam.googleapis.com/${PROVIDER}`)}`);
  });
  test('by a file without a secret in it', () => {
    const file = readFileSync(path.join(folder, 'target/login.json'), 'utf8');
    expect(file).not.toMatch(/token-[0-9]|request-token|private_key/);
    expect(JSON.parse(file)).toMatchObject({ audience: `//iam.googleapis.com/${PROVIDER}`, token_url: 'https://sts.googleapis.com/v1/token' });
  });
  test('and asks again where the provider fails for a moment', async () => {
    fails = 1;
    expect(await run(['scripts/dbt_envs/login.py', 'token'])).toMatchObject({ code: 0, output: expect.stringContaining('"success": true') });
  });
  test('not without the permission that makes a token, and not without knowing who trusts it', async () => {
    const none = await run(['scripts/dbt_envs/login.py', 'token'], { ACTIONS_ID_TOKEN_REQUEST_URL: '' });
    expect([none.code, JSON.parse(none.output)]).toMatchObject([1, { success: false, message: expect.stringContaining('id-token: write') }]);
    expect(await run(['scripts/dbt_envs/login.py'], { DBT_GCP_IDENTITY_PROVIDER: 'projects/acme/x' })).toMatchObject({
      code: 1,
      output: expect.stringContaining('grants/40_services.sh prints'),
    });
    expect(await run(['scripts/dbt_envs/login.py'], { DBT_GCP_SERVICE_ACCOUNT: 'priya@example.com' })).toMatchObject({ code: 1 });
  });
});

test('each job that reads credentials logs in before its first step, as its own account', () => {
  const texts = Object.fromEntries(planned({ warehouse: 'bigquery' }).map(({ path: name, contents }) => [name, contents]));
  const jobs = ['dbt_pull_request', 'dbt_deploy', 'dbt_sweep'].flatMap((name) =>
    Object.entries(parseWorkflow(texts[`.github/workflows/${name}.yml`] ?? '').jobs),
  );
  const logins = jobs.flatMap(([id, job]) => {
    const at = job.steps.findIndex(({ run: command }) => command === 'python scripts/dbt_envs/login.py');
    const work = job.steps.findIndex(({ run: command }) => /build_pr|drop_pr_schema|deploy_prod|scripts\/dbt_envs\/sweep\.py/.test(command ?? ''));
    return work < 0
      ? []
      : [
          [
            id,
            at >= 0 && at < work,
            JSON.stringify(job.permissions).includes('"id-token":"write"'),
            job.env?.DBT_GCP_SERVICE_ACCOUNT,
            job.env?.DBT_GCP_IDENTITY_PROVIDER,
          ],
        ];
  });
  expect(logins).toEqual([
    ['build', true, true, "${{ vars.DBT_CI_LOGIN || 'acme-ci@acme-ci.iam.gserviceaccount.com' }}", '${{ vars.DBT_CI_IDENTITY_PROVIDER }}'],
    ['drop', true, true, "${{ vars.DBT_CI_LOGIN || 'acme-ci@acme-ci.iam.gserviceaccount.com' }}", '${{ vars.DBT_CI_IDENTITY_PROVIDER }}'],
    ['deploy', true, true, "${{ vars.DBT_PROD_LOGIN || 'acme-prod@acme-prod.iam.gserviceaccount.com' }}", '${{ vars.DBT_PROD_IDENTITY_PROVIDER }}'],
    ['sweep', true, true, "${{ vars.DBT_JANITOR_LOGIN || 'acme-janitor@acme-ci.iam.gserviceaccount.com' }}", '${{ vars.DBT_CI_IDENTITY_PROVIDER }}'],
  ]);
});
