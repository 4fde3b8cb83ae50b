import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { contextOf } from '../../src/context.ts';
import { cleanupFiles } from '../../src/parts/cleanup.ts';
import { parseAnswers } from '../../src/questions.ts';
import { render } from '../../src/render.ts';
import { pythonEnvironment } from './python.ts';

/** When the imaginary night is, on the warehouse's clock and on the code host's. */
export const NIGHT = '2026-11-27T03:43:00.5Z';
/** So many days, hours and minutes before it. */
export const ago = (days: number, hours = 0, minutes = 0): string => new Date(Date.parse(NIGHT) - ((days * 24 + hours) * 60 + minutes) * 60_000).toISOString();

export interface Listed {
  readonly schema: string;
  readonly last_used_at: string | null;
  readonly keep_until: string | null;
  readonly created_by: string | null;
  readonly relations: number | null;
  readonly bytes: number | null;
}
/** A schema as `env_schemas` lists it; used `days` ago. */
export const schema = (name: string, days: number | null, more: Partial<Listed> = {}): Listed => ({
  schema: name,
  created_by: name.startsWith('pr_') ? 'acme_ci_service' : name.slice(4),
  last_used_at: days === null ? null : ago(days),
  keep_until: null,
  relations: 3,
  bytes: 24_576,
  ...more,
});
export const listing = (schemas: readonly Listed[], others: readonly object[] = [], at = NIGHT): object => ({
  listed_at: at,
  schemas,
  others,
  handover: 'an administrator hands it over by its name',
});
/** Pull requests by number: open, or closed so many days ago. */
export const host = (pulls: Readonly<Record<number, 'open' | number>>, at = NIGHT): { asked_at: string; pulls: Record<string, object> } => ({
  asked_at: at,
  pulls: Object.fromEntries(
    Object.entries(pulls).map(([number, state]) => [number, state === 'open' ? { state } : { state: 'closed', closed_at: ago(state).replace(/\.\d+Z/, 'Z') }]),
  ),
});

/** What the warehouse and the code host say; test/support/sweep_night.py says how each is used. */
export interface World {
  readonly listing: unknown;
  readonly host: unknown;
  readonly again?: unknown;
  readonly after?: unknown;
  readonly clear?: unknown;
  readonly kept?: Readonly<Record<string, string>>;
  readonly failed?: Readonly<Record<string, string>>;
  readonly along?: Readonly<Record<string, readonly string[]>>;
  readonly stays?: readonly string[];
  readonly options?: { readonly allowed?: number; readonly dry_run?: boolean; readonly dev_days?: number; readonly pr_days?: number };
}
export interface Swept {
  readonly schema: string;
  readonly action: string;
  readonly why: string;
  readonly due: string | null;
  readonly done: string | null;
}
export interface Outcome {
  readonly problem?: string;
  readonly result?: { readonly ok: boolean; readonly problems: readonly string[]; readonly notes: readonly string[]; readonly schemas: readonly Swept[] };
  readonly cleared: readonly string[];
  readonly asked: readonly (readonly number[])[];
  readonly log: string;
}

/** Writes the emitted scripts into a folder of their own; `change` plants a mistake. */
export function sweepScripts(change: (text: string) => string = (text) => text): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-sweep-'));
  mkdirSync(path.join(folder, 'scripts/dbt_envs'), { recursive: true });
  const answers = parseAnswers({ projectName: 'acme', team: 'priya, sam' });
  const files = cleanupFiles(contextOf(answers, { developers: answers.team, leavers: [], readers: [] }, { projectDir: '' }, ['cleanup']));
  for (const { path: file, template, view } of files.filter((one) => /\/(?:sweep|dbt_command|open_prs|github_api|json_api)\.py$/.test(one.path))) {
    const contents = render(template, view);
    writeFileSync(path.join(folder, file), file.endsWith('/sweep.py') ? change(contents) : contents);
  }
  return path.join(folder, 'scripts/dbt_envs');
}

const { python } = await pythonEnvironment('tools');

/** Runs one night. Throws where Python itself fails. */
export function night(scripts: string, world: World, env: Readonly<Record<string, string>> = {}): Outcome {
  const done = spawnSync(python, [fileURLToPath(new URL('sweep_night.py', import.meta.url)), scripts], {
    input: JSON.stringify(world),
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', ...env },
  });
  if (done.status !== 0) throw new Error(done.stderr);
  return { ...JSON.parse(done.stdout), log: done.stderr };
}

/** Runs one night that asks the API at `url`; this process goes on answering meanwhile. */
export function nightAsking(url: string, scripts: string, world: World): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const env = { PATH: '/usr/bin:/bin', GITHUB_API_URL: url, GITHUB_REPOSITORY: 'acme/dbt', GITHUB_TOKEN: 'a-token' };
    const child = spawn(python, [fileURLToPath(new URL('sweep_night.py', import.meta.url)), scripts], { env });
    let [printed, log] = ['', ''];
    child.stdout.on('data', (text) => (printed += text));
    child.stderr.on('data', (text) => (log += text));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve({ ...JSON.parse(printed), log }) : reject(new Error(log))));
    child.stdin.end(JSON.stringify(world));
  });
}
