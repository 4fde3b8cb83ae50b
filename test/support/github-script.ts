import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Finished } from './dbt.ts';
import { python } from './dbt.ts';
import type { GithubApi } from './github-api.ts';
import { ciTexts } from './pipeline.ts';

/** The login that the scripts are given here. It may be seen by GitHub's API alone. */
export const TOKEN = 'ghs_planted0Token0That0Nobody0May0See';

export interface GithubScripts {
  /** The project that they stand in. */
  readonly folder: string;
  /** Everything that they have printed so far. */
  readonly printed: readonly string[];
  run(script: string, args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** A few lines of Python that know the module `github_api`. In the environment is nothing of a job's. */
  ask(code: string, env?: Readonly<Record<string, string>>): Promise<Finished>;
}

/** A mistake planted in a script: the tests must notice. */
export interface Mistake {
  readonly in: string;
  readonly from: string;
  readonly to: string;
}

/** The emitted scripts in a folder of their own, as a job of acme/dbt starts them. */
export function githubScripts(api: GithubApi, mistake?: Mistake): GithubScripts {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  const printed: string[] = [];
  for (const [name, text] of Object.entries(ciTexts()).filter(([name]) => name.startsWith('scripts/'))) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    if (name === `scripts/dbt_envs/${mistake?.in}.py` && !text.includes(mistake?.from ?? '')) throw new Error(`${name} does not have ${mistake?.from}`);
    const wrong = name === `scripts/dbt_envs/${mistake?.in}.py` ? text.replace(mistake?.from ?? '', () => mistake?.to ?? '') : text;
    writeFileSync(path.join(folder, name), wrong);
  }
  return {
    folder,
    printed,
    async run(script, args = [], env = {}) {
      const job = { GITHUB_API_URL: api.url, GITHUB_REPOSITORY: 'acme/dbt', GITHUB_TOKEN: TOKEN };
      const done = await python(folder, [`scripts/dbt_envs/${script}.py`, ...args], { env: { ...job, ...env }, python: 'tools' });
      printed.push(done.output);
      return done;
    },
    async ask(code, env = {}) {
      const lines = ['import pathlib, sys', 'sys.path.insert(0, "scripts/dbt_envs")', 'import github_api', 'HERE = pathlib.Path(".").resolve()', code];
      const done = await python(folder, ['-c', lines.join('\n')], { env, python: 'tools' });
      printed.push(done.output);
      return done;
    },
  };
}

/** Runs git in a folder; throws with its words where it fails. */
export const git = (folder: string, ...args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile('git', [...args], { cwd: folder }, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
  });
