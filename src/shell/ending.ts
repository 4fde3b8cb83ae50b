import { Interrupted, RunError, UsageError } from '../errors.ts';
import { NameError } from '../names.ts';
import { AnswerError } from '../questions.ts';

/** 1: failed, or drift; 2: what was typed or answered is wrong; 130: interrupted. 0 is no error. */
export type ExitCode = 1 | 2 | 130;

/** How a run ends that ended with an error: its status, and what to say. */
export interface Ending {
  readonly code: ExitCode;
  readonly line: string;
}

/** One line for what the user can change; a mistake of ours brings its trace, so that it can be reported. */
export function endingOf(error: unknown): Ending {
  if (!(error instanceof Error)) return { code: 1, line: String(error) };
  // A name that passes by itself and not beside the others: a warehouse says so when it plans.
  if (error instanceof UsageError || error instanceof AnswerError || error instanceof NameError) return { code: 2, line: error.message };
  if (error instanceof RunError) return { code: 1, line: error.message };
  if (error.name === 'Interrupted') return { code: 130, line: error.message };
  // What inquirer throws at Ctrl-C; nothing is written while anything is asked.
  if (error.name === 'ExitPromptError') return { code: 130, line: new Interrupted().message };
  if ('syscall' in error) return { code: 1, line: error.message.split('\n')[0] ?? error.message };
  return { code: 1, line: `This is a mistake of ours; please report it. ${error.stack ?? error.message}` };
}
