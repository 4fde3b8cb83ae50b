import process from 'node:process';
import inquirer from 'inquirer';
import { linesPrompt } from '../shell/lines-prompt.ts';
import type { Prompt } from '../shell/prompt.ts';
import { asText, heedingSignals, toInquirer } from '../shell/shell.ts';

const LINES = 'lines';
/** On standard error, where the report is, so that `--json` on standard output stays one object. */
const prompt = inquirer.createPromptModule({ output: process.stderr });
prompt.registerPrompt(LINES, linesPrompt);

/** Puts one prompt to the person at the terminal. Ctrl-C rejects with inquirer's ExitPromptError. */
export async function ask(asked: Prompt): Promise<string> {
  const asking = prompt([toInquirer(asked, LINES)]);
  const answers: Readonly<Record<string, unknown>> = await heedingSignals(asking, () => asking.ui.close());
  return asText(answers[asked.name]);
}
