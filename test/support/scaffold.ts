import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Context, contextOf } from '../../src/context.ts';
import { type PartName, plan } from '../../src/plan.ts';
import type { PlannedFile } from '../../src/planned-file.ts';
import { parseAnswers } from '../../src/questions.ts';

export const TEAM = 'priya, sam';

/** What a warehouse cannot do without, beside the answers that every project has. */
const NEEDS: Readonly<Record<string, Record<string, string>>> = { bigquery: { emailDomain: 'example.com' } };
export const needsOf = (warehouse = ''): Record<string, string> => NEEDS[warehouse] ?? {};

/** The plan for a new project, straight from the engine: no disk, no prompts. */
export function planned(given: Record<string, string> = {}, parts: readonly PartName[] = ['app']): readonly PlannedFile[] {
  const answers = parseAnswers({ projectName: 'acme', team: TEAM, ...needsOf(given.warehouse), ...given });
  return plan(answers, { developers: answers.team, leavers: [], readers: answers.readers }, { projectDir: '' }, parts);
}

/** What the parts of a new project see, all of them planned. */
export function contextFor(given: Record<string, string> = {}): Context {
  const answers = parseAnswers({ projectName: 'acme', team: TEAM, ...given });
  return contextOf(answers, { developers: answers.team, leavers: [], readers: answers.readers }, { projectDir: '' }, ['ci', 'cleanup']);
}

/** Writes a plan into a new temporary folder and returns its path; for tests that need the files, not the engine that writes them. */
export function scaffold(given: Record<string, string> = {}, into = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'))): string {
  for (const { path: relative, contents } of planned(given)) {
    const file = path.join(into, relative);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
  return into;
}
