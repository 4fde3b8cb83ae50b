import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { python } from './dbt.ts';
import { ciTexts } from './pipeline.ts';

/** What stands in target/dbt_envs/ and what the warehouse says: any JSON, text that is none, or absent. */
export interface CardInputs {
  readonly build?: unknown;
  readonly manifest?: unknown;
  readonly results?: unknown;
  readonly facts?: unknown;
}
export interface CardRun {
  readonly code: number;
  readonly card: string;
  readonly printed: string;
}

export const MARKER = ' dbt-envs: acme ';
const SCRIPTS = ['dbt_command.py', 'inert_markdown.py', 'review_card.py'] as const;

/** A project folder with the emitted scripts, or with a mistake planted in one, and a stand-in for dbt that prints the facts. */
export function cardProject(plant: (script: string, name: string) => string = (script) => script): string {
  const project = mkdtempSync(path.join(tmpdir(), 'dbt-envs-card-'));
  for (const folder of ['bin', 'scripts/dbt_envs']) mkdirSync(path.join(project, folder), { recursive: true });
  for (const name of SCRIPTS) {
    const text = ciTexts()[`scripts/dbt_envs/${name}`] ?? '';
    writeFileSync(path.join(project, 'scripts/dbt_envs', name), name === 'dbt_command.py' ? text : plant(text, name));
  }
  writeFileSync(
    path.join(project, 'bin/dbt'),
    '#!/bin/sh\necho "$@" > called\necho "Running: select secret-of-the-warehouse" \nif [ -f facts ]; then cat facts; else echo "Database Error: secret-of-the-warehouse" >&2; exit 2; fi\n',
  );
  chmodSync(path.join(project, 'bin/dbt'), 0o755);
  return project;
}

/** Runs the script as CI does and returns the card. */
export async function makeCard(project: string, inputs: CardInputs, env: Readonly<Record<string, string>> = {}): Promise<CardRun> {
  const folder = path.join(project, 'target/dbt_envs');
  rmSync(folder, { recursive: true, force: true });
  const put = (file: string, value: unknown): void => {
    rmSync(file, { force: true });
    if (value === undefined) return;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  };
  put(path.join(folder, 'build.json'), inputs.build);
  put(path.join(folder, 'manifest.json'), inputs.manifest);
  put(path.join(folder, 'run_results.json'), inputs.results);
  put(path.join(project, 'facts'), inputs.facts);
  const { code, output } = await python(project, ['scripts/dbt_envs/review_card.py'], {
    env: { PATH: `${path.join(project, 'bin')}:/usr/bin:/bin`, PR_NUMBER: '142', ...env },
    python: 'tools',
  });
  const file = path.join(folder, 'card.md');
  return { code, card: existsSync(file) ? readFileSync(file, 'utf8') : '', printed: output };
}

/** Many cards in one process: `render` of the script as it stands in the project. */
export async function renderCards(project: string, cases: readonly CardInputs[]): Promise<readonly string[]> {
  const script = `
import json, sys
sys.path.insert(0, "scripts/dbt_envs")
import review_card
with open("cases.json", encoding="utf-8") as file:
    cases = json.load(file)
def read(value):
    return None if value is None else review_card.parse(json.dumps(value).encode())
print(json.dumps([review_card.render(*[read(case.get(name)) for name in ("build", "manifest", "results", "facts")]) for case in cases]))
`;
  writeFileSync(path.join(project, 'cases.json'), JSON.stringify(cases));
  const { code, output } = await python(project, ['-c', script], { env: { PR_NUMBER: '142' }, python: 'tools' });
  if (code !== 0) throw new Error(output);
  return JSON.parse(output);
}
