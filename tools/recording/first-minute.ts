import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { npxEnvironment } from '../../test/support/npx.ts';
import { Screen } from './screen.ts';
import type { Frame } from './svg.ts';

export const ROWS = 34;
export const COLUMNS = 100;
export const TITLE = 'A first run of npx generator-dbt-envs: seven questions, a summary, the files, and what to do next';

const ENTER = '\r';
const DOWN = '\u001b[B';
const END = '\u0004';
/** What is on the screen, then what is typed, then how long the screen before it stays. */
const CONVERSATION: readonly (readonly [sees: string, types: string, seconds: number])[] = [
  ['$ ', 'npx generator-dbt-envs', 0.8],
  ['npx generator-dbt-envs', ENTER, 0.8],
  ['What is the dbt project called?', ENTER, 1.2],
  ['Which warehouse?', DOWN, 0.8],
  ['❯ PostgreSQL', ENTER, 0.8],
  ['Who develops?', 'ana, Bo Li, cy@acme.com', 1.2],
  ['cy@acme.com', ENTER, 1],
  ['(an empty line ends it)', ENTER, 0.6],
  ['Which schemas does production own?', ENTER, 1],
  ['Which schemas hold raw data?', ENTER, 1],
  ['Which database', ENTER, 1],
  ['Which CI provider?', ENTER, 1],
  ['(Y/n)', ENTER, 4],
  ['\n$ ', END, 12],
];

/**
 * Runs the packed package for real, in an interactive shell at a pseudo-terminal. Only the random part of the folder's
 * name is not what was shown.
 */
export async function firstMinute(): Promise<readonly Frame[]> {
  const folder = mkdtempSync('/tmp/demo-');
  const cwd = path.join(folder, 'acme');
  mkdirSync(cwd);
  try {
    const env = { ...(await npxEnvironment(folder)), TERM: 'xterm-256color', LANG: 'C.UTF-8', PS1: '$ ' };
    const steps = CONVERSATION.map(([sees, types]) => ({ sees, types }));
    const { stdout, stderr } = spawnSync('python3', [fileURLToPath(new URL('./play.py', import.meta.url))], {
      input: JSON.stringify({ command: ['/bin/sh', '-i'], cwd, env, rows: ROWS, columns: COLUMNS, steps, seconds: 120 }),
      encoding: 'utf8',
    });
    if (stderr !== '') throw new Error(stderr);
    const { missing, written } = parsePlayed(stdout);
    if (missing !== null) throw new Error(`"${missing}" never came. What came last:\n${written.at(-1)}`);
    return framesOf(written.map((piece) => piece.replaceAll(path.basename(folder), 'demo-a1b2c3')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The screen before each typing; what the shell says at its end is no part of it. */
function framesOf(written: readonly string[]): readonly Frame[] {
  const screen = new Screen(ROWS, COLUMNS);
  return CONVERSATION.map(([, , seconds], at) => {
    screen.write(written[at] ?? '');
    return { lines: screen.lines(), seconds };
  });
}

function parsePlayed(text: string): { readonly missing: string | null; readonly written: readonly string[] } {
  const played: unknown = JSON.parse(text);
  if (typeof played === 'object' && played !== null && 'missing' in played && 'written' in played && Array.isArray(played.written)) {
    return { missing: played.missing === null ? null : String(played.missing), written: played.written.map(String) };
  }
  throw new Error(`not what was asked for: ${text}`);
}
