import { type ExitCode, Stop } from './stop.ts';

/** How a run ends that ended with an error: its status, and what to say. */
export interface Ending {
  readonly code: ExitCode;
  readonly line: string;
}

/** One line for what the user can change; a mistake of ours brings its trace, so that it can be reported. */
export function endingOf(error: unknown): Ending {
  if (error instanceof Stop) return { code: error.code, line: error.message };
  if (!(error instanceof Error)) return { code: 1, line: String(error) };
  if (error.name === 'ExitPromptError') return { code: 130, line: 'Interrupted. Nothing was written.' };
  if ('syscall' in error) return { code: 1, line: firstLine(error.message) };
  return { code: 1, line: `This is a mistake of ours; please report it. ${error.stack ?? error.message}` };
}

const firstLine = (text: string): string => text.split('\n')[0] ?? text;
