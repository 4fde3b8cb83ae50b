import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { render } from '../../src/render.ts';
import { python } from './dbt.ts';

/** What the sweep left and what the warehouse says: any JSON, text that is none, or absent. */
export interface ReportInputs {
  readonly sweep?: unknown;
  readonly facts?: unknown;
}
export interface ReportRun {
  readonly code: number;
  readonly page: string;
  readonly printed: string;
}

export const MARKER = ' dbt-envs report: acme ';
const SCRIPTS = { 'dbt_command.py': {}, 'inert_markdown.py': {}, 'sweep_report.py': { project: 'acme' } } as const;

/** A project folder with the emitted scripts, or with a mistake planted in one, and a stand-in for dbt that prints the facts. */
export function reportProject(plant: (script: string, name: string) => string = (script) => script): string {
  const project = mkdtempSync(path.join(tmpdir(), 'dbt-envs-report-'));
  for (const folder of ['bin', 'scripts/dbt_envs']) mkdirSync(path.join(project, folder), { recursive: true });
  for (const [name, view] of Object.entries(SCRIPTS))
    writeFileSync(path.join(project, 'scripts/dbt_envs', name), plant(render(`pipeline/scripts/dbt_envs/${name}.ejs`, view), name));
  writeFileSync(
    path.join(project, 'bin/dbt'),
    '#!/bin/sh\necho "$@" > called\nif [ -f facts ]; then echo "priya: 3 relations"; cat facts; else echo "Database Error: refused"; exit 2; fi\n',
  );
  chmodSync(path.join(project, 'bin/dbt'), 0o755);
  return project;
}

/** Runs the script as CI does and returns the page. */
export async function makeReport(project: string, inputs: ReportInputs, env: Readonly<Record<string, string>> = {}): Promise<ReportRun> {
  const folder = path.join(project, 'target/dbt_envs');
  rmSync(path.join(project, 'target'), { recursive: true, force: true });
  const put = (file: string, value: unknown): void => {
    rmSync(file, { force: true });
    if (value === undefined) return;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  };
  put(path.join(folder, 'sweep.json'), inputs.sweep);
  put(path.join(project, 'facts'), inputs.facts);
  const { code, output } = await python(project, ['scripts/dbt_envs/sweep_report.py'], {
    env: { PATH: `${path.join(project, 'bin')}:/usr/bin:/bin`, ...env },
    python: 'tools',
  });
  const file = path.join(folder, 'report.md');
  return { code, page: existsSync(file) ? readFileSync(file, 'utf8') : '', printed: output };
}

/** Many pages in one process, as of 2026-11-27: `render` of the script as it stands in the project. */
export async function renderReports(project: string, cases: readonly ReportInputs[]): Promise<readonly string[]> {
  const script = `
import datetime, json, sys
sys.path.insert(0, "scripts/dbt_envs")
import sweep_report
now = datetime.datetime(2026, 11, 27, 5, tzinfo=datetime.timezone.utc)
with open("cases.json", encoding="utf-8") as file:
    cases = json.load(file)
def read(value):
    return value if isinstance(value, dict) else None
print(json.dumps([sweep_report.render(read(case.get("sweep")), read(case.get("facts")), now) for case in cases]))
`;
  writeFileSync(path.join(project, 'cases.json'), JSON.stringify(cases));
  const { code, output } = await python(project, ['-c', script], { python: 'tools' });
  if (code !== 0) throw new Error(output);
  return JSON.parse(output);
}
