import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findWarehouse } from '../src/catalogue.ts';
import { type PythonEnvironment, type PythonEnvironmentName, pythonEnvironment } from '../test/support/python.ts';
import { clean, run } from './stage.ts';

const bin = fileURLToPath(new URL('../dist/cli.cjs', import.meta.url));

/** Lines of dbt's output that say what was built, and what was not. */
const RESULTS =
  /^(?!\{).*(?:\bOK\b|\bERROR\b|\bFAIL\b|\bSKIP\b|Done\.|may not|permission denied|not on the roster|runs in CI only|Dropped|acts tried)|^WRONG +\|/;

export interface Repository {
  readonly folder: string;
  readonly python: PythonEnvironment;
  readonly dbt: (command: DbtCommand) => Promise<string>;
  /** One of the emitted scripts, as a job runs it. */
  readonly script: (command: DbtCommand & { readonly show?: RegExp }) => Promise<string>;
  /** The deploy job's commands, with what the warehouse does around them. */
  readonly deploy: (title: string, env: Readonly<Record<string, string>>) => Promise<void>;
}
export interface DbtCommand {
  readonly title: string;
  readonly args: string;
  readonly env: Readonly<Record<string, string>>;
  readonly refusal?: RegExp;
  /** Variables that hold secrets: set, and not shown. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** Writes a repository for priya and sam with the command that users have. */
export async function scaffold(warehouse: PythonEnvironmentName & ('duckdb' | 'postgres'), readers = ''): Promise<Repository> {
  const folder = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-demo-')), 'acme');
  const asked = readers === '' ? [] : ['--readers', readers];
  const flags = ['--yes', '--project-name', 'acme', '--warehouse', warehouse, '--team', 'priya, sam', ...asked, '--project-dir', folder];
  await run({
    title: 'One command writes the repository',
    typed: `npx generator-dbt-envs --yes --project-name acme --warehouse ${warehouse} --team "priya, sam"${readers === '' ? '' : ` --readers "${readers}"`}`,
    program: process.execPath,
    args: [bin, ...flags],
    cwd: path.dirname(folder),
    show: /^Files/,
  });
  const python = await pythonEnvironment(warehouse);
  const base = { ...clean(), PATH: `${python.binDir}${path.delimiter}${process.env.PATH ?? ''}`, DBT_PROFILES_DIR: folder };
  const start =
    (program: string, prefix: string, show: RegExp) =>
    ({ title, args, env, secrets = {}, refusal }: DbtCommand): Promise<string> =>
      run({
        title,
        typed: `${Object.entries(env)
          .map(([name, value]) => `${name}=${value} `)
          .join('')}${prefix}${args}`,
        program,
        args: args.split(' '),
        cwd: folder,
        env: { ...base, ...env, ...secrets },
        show,
        ...(refusal && { refusal }),
      });
  const dbt = start(python.dbt, 'dbt ', RESULTS);
  const script = ({ show = RESULTS, ...command }: DbtCommand & { readonly show?: RegExp }): Promise<string> => start(python.python, 'python ', show)(command);
  const { before, after } = findWarehouse(warehouse).deploy;
  const deploy = async (title: string, secrets: Readonly<Record<string, string>>): Promise<void> => {
    const around = (typed: string, what: string): Promise<string> => {
      const [program = '', ...args] = typed.split(' ');
      return run({ title: what, typed, program: program === 'python' ? python.python : program, args, cwd: folder, env: { ...base, ...secrets } });
    };
    for (const typed of before) await around(typed, 'The deploy job prepares a working copy of production');
    await dbt({ title, args: 'build --target prod', env: { DBT_ENVS_RUNNER: 'merge' }, secrets });
    for (const typed of after) await around(typed, 'The deploy job publishes what it built, at one stroke');
  };
  return { folder, python, dbt, script, deploy };
}
