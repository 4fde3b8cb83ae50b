import type { Typed } from '../shell/flags.ts';
import type { Command, Option } from '../shell/options.ts';
import { allOptions, complete, operands, parseFlags, UsageError, yoManner } from '../shell/shell.ts';

/** Flags that `yo` and its environment read themselves and that do us no harm. */
const YOS: readonly Option[] = [
  'debug',
  'local-only',
  'skip-install',
  'force-install',
  'skip-cache',
  'skip-local-cache',
  'ask-answered',
  'color',
  'ignore-version-check',
].map((flag) => ({ flag, help: 'read by yo' }));

const OURS = /^(?:generator-)?dbt-envs(?::[a-z]+)?$/;

/**
 * The words after our name, where it was typed for `yo`. `yo` itself passes unknown flags on without a word, turns
 * values into numbers, and splits an unquoted list at its commas, so what was typed is read again.
 */
export function wordsTyped(argv: readonly string[]): readonly string[] | undefined {
  const at = argv.findIndex((word) => OURS.test(word));
  return at < 0 ? undefined : argv.slice(at + 1);
}

/** What was typed after `yo dbt-envs:<command>`. */
export function typedWords(words: readonly string[], command: Command): Typed {
  const all = [...allOptions(), ...YOS];
  if (operands[command] !== undefined) return parseFlags([command, ...words], all);
  const typed = parseFlags(words, all);
  if (typed.command !== undefined) throw new UsageError(`Under yo a part is written with a colon: ${yoManner.line(typed.command)}.`);
  return { ...typed, command };
}

/** The options of a program that runs or composes the generator, by flag, in kebab case or in camel case; and its arguments. */
export function typedOptions(options: Readonly<Record<string, unknown>>, [operand]: readonly string[], command: Command): Typed {
  const values = new Map<string, string>();
  const switches = new Set<string>();
  for (const { flag, value: takesValue } of allOptions()) {
    const value = options[flag] ?? options[camel(flag)];
    if (value === undefined || value === null || value === false) continue;
    if (takesValue === undefined) switches.add(flag);
    else values.set(flag, String(value));
  }
  const typed = { command, ...(operand !== undefined && { operand }), values, switches };
  return switches.has('help') || switches.has('version') ? typed : complete(typed);
}

const camel = (flag: string): string => flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
