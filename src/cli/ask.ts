import process from 'node:process';
import inquirer from 'inquirer';
import { Interrupted } from '../shell/ending.ts';
import { linesPrompt } from '../shell/lines-prompt.ts';
import { asText, type Prompt, toInquirer } from '../shell/prompt.ts';

const LINES = 'lines';
/** On standard error, where the report is, so that `--json` on standard output stays one object. */
const prompt = inquirer.createPromptModule({ output: process.stderr });
prompt.registerPrompt(LINES, linesPrompt);

/** Puts one prompt to the person at the terminal. Throws {@link Interrupted} on Ctrl-C. */
export async function ask(asked: Prompt): Promise<string> {
  try {
    const answers: Readonly<Record<string, unknown>> = await prompt([toInquirer(asked, LINES)]);
    return asText(answers[asked.name]);
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') throw new Interrupted();
    throw error;
  }
}
