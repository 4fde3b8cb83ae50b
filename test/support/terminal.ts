import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { commandOfNobody, folderOfNobody } from './yo.ts';

/** What the person sees before typing. */
export type Step = readonly [sees: string, types: string];
export const ENTER = '\r';
export const DOWN = '\u001b[B';
export const CTRL_C = '\u0003';

export interface Played {
  readonly status: number;
  /** All that was shown, without what moves the cursor or colours it. */
  readonly shown: string;
  /** The text that never came. */
  readonly missing: string | null;
  readonly coloured: boolean;
  readonly moved: boolean;
  /** Whether the terminal echoes and edits lines again as it did before. */
  readonly restored: boolean;
}

export interface Seat {
  readonly env?: Readonly<Record<string, string>>;
  readonly rows?: number;
  readonly columns?: number;
  /** Sent when the last step is done. */
  readonly signal?: keyof typeof constants.signals;
}

/** Plays an ordinary user at a pseudo-terminal: node-pty would have to be compiled, Python has one in its standard library. */
export function play(words: readonly string[], cwd: string, steps: readonly Step[], { env = {}, rows = 40, columns = 120, signal }: Seat = {}): Played {
  const { command, environment } = commandOfNobody(words, { cwd, home: folderOfNobody(), env: { TERM: 'xterm-256color', ...env } });
  const plan = {
    command,
    cwd,
    env: environment,
    steps: steps.map(([sees, types]) => ({ sees, types })),
    seconds: 60,
    rows,
    columns,
    signal: signal === undefined ? 0 : constants.signals[signal],
  };
  const python = process.platform === 'win32' ? 'python' : 'python3';
  const { stdout, stderr } = spawnSync(python, [fileURLToPath(new URL('./terminal.py', import.meta.url))], {
    input: JSON.stringify(plan),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}
