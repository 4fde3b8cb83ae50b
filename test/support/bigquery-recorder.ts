import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dbt } from './dbt.ts';

/** The first that fits a statement answers it; rows that are a text are the error that it raises. */
export type Answer = readonly [fits: string, columns: readonly string[], rows: readonly (readonly unknown[])[] | string];

export interface RecordedWorld {
  /** Kinds of tables by name, of each dataset that is there, `<project>.<dataset>`. */
  readonly datasets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly answers: readonly Answer[];
}

export interface Recorded {
  readonly code: number;
  readonly output: string;
  /** As they were sent, in order; a request that is no statement begins with `--`. */
  readonly statements: readonly string[];
  /** Of each job, in the same order as the statements that are jobs. */
  readonly labels: readonly Readonly<Record<string, string>>[];
  readonly settings: readonly { readonly maximum_bytes_billed: number | null }[];
}

/** Runs dbt with its real BigQuery adapter and a client that connects to nothing: bigquery_recorder.py says how it answers. */
export async function recorded(folder: string, args: readonly string[], env: Readonly<Record<string, string>>, world: RecordedWorld): Promise<Recorded> {
  const left = mkdtempSync(path.join(tmpdir(), 'dbt-envs-recorded-'));
  try {
    const [record, answers] = [path.join(left, 'record.json'), path.join(left, 'world.json')];
    writeFileSync(answers, JSON.stringify(world));
    const { code, output } = await dbt(folder, [record, answers, ...args], { python: 'bigquery', env, instead: 'bigquery_recorder.py' });
    return { ...JSON.parse(readFileSync(record, 'utf8')), code, output };
  } finally {
    rmSync(left, { recursive: true, force: true });
  }
}
