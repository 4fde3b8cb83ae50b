/** What was typed is wrong: exit status 2. The message is one line that names the value, the rule and the way out. */
export class UsageError extends Error {}

/** What is there stands in the way, and nothing was written: exit status 1. The first line names the file and the way out. */
export class RunError extends Error {}

/** Ctrl-C, another signal that ends a process, or "no" to the last question: exit status 130. Nothing has changed. */
export class Interrupted extends Error {
  /** Known by its name: the prompts are a bundle of their own, with a class of their own. */
  override readonly name = 'Interrupted';
  constructor(message = 'Interrupted. Nothing was written.') {
    super(message);
  }
}
