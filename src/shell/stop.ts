/** 1: failed, or drift; 2: what was typed or answered is wrong; 130: interrupted. 0 is no error. */
export type ExitCode = 1 | 2 | 130;

/**
 * Ends a run with one line for the user. `code` is a number because `yo` hands it to `process.exit`, which throws on
 * the string codes of Node's own errors (https://github.com/yeoman/yo/blob/main/lib/cli.js, onError).
 */
export class Stop extends Error {
  readonly code: ExitCode;
  constructor(code: ExitCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What was typed is wrong: exit 2. */
export const misuse = (message: string): Stop => new Stop(2, message);

/** Ctrl-C at a prompt, or "no" to the last question: exit 130. */
export const interrupted = (): Stop => new Stop(130, 'Interrupted. Nothing was written.');
