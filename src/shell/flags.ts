import { UsageError } from '../errors.ts';
import { shown } from '../names.ts';
import { nearest, noSuch } from '../question.ts';
import { type Command, commandNames, flagsOf, isCommand, type Option, operands, type Steering } from './options.ts';

/** What was typed, sorted but not yet judged. */
export interface Typed {
  readonly command?: Command;
  /** The word that has to follow the command. */
  readonly operand?: string;
  /** Values by flag, exactly as they were typed. */
  readonly values: ReadonlyMap<string, string>;
  readonly switches: ReadonlySet<string>;
}

/** The value of one of our own flags. */
export const valued = ({ values }: Typed, flag: Steering): string | undefined => values.get(flag);
export const isOn = ({ switches }: Typed, flag: Steering): boolean => switches.has(flag);

/**
 * Reads the words of a command line against the table of flags. Throws a {@link UsageError} for whatever it does not know:
 * nothing that was typed is ever passed over.
 */
export function parseFlags(words: readonly string[], options: readonly Option[]): Typed {
  const values = new Map<string, string>();
  const switches = new Set<string>();
  const places: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('-') || word === '-') {
      places.push(word);
      continue;
    }
    if (word === '--') {
      places.push(...words.slice(at + 1));
      break;
    }
    const [, name = '', inline] = /^([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const option = find(name, options);
    if (values.has(option.flag) || switches.has(option.flag)) throw new UsageError(`--${option.flag} is given twice. Give it once.`);
    if (option.value === undefined) {
      if (inline !== undefined) throw new UsageError(`--${option.flag} takes no value, and "${shown(inline)}" was given. Write --${option.flag} alone.`);
      switches.add(option.flag);
      continue;
    }
    const value = inline ?? words[++at];
    if (value === undefined || (inline === undefined && /^--?[a-z]/.test(value))) {
      throw new UsageError(`--${option.flag} needs a value: --${option.flag} ${option.value}.`);
    }
    values.set(option.flag, value);
  }
  const typed = { ...commandOf(places), values, switches };
  return switches.has('help') || switches.has('version') ? typed : complete(typed);
}

/** What a command cannot do without is there, and nothing that would be passed over. Throws a {@link UsageError}. */
export function complete(typed: Typed): Typed {
  const { command, operand, values, switches } = typed;
  if (command === undefined) return typed;
  const wanted = operands[command];
  if (wanted !== undefined && operand === undefined) {
    throw new UsageError(`${command} needs a ${wanted.noun}: ${command} ${wanted.value}, e.g. ${command} ${wanted.example}.`);
  }
  if (wanted?.choices !== undefined && operand !== undefined && !wanted.choices.includes(operand)) {
    throw new UsageError(noSuch(wanted.noun, shown(operand), wanted.choices));
  }
  const known: readonly string[] | undefined = flagsOf[command];
  const foreign = known === undefined ? undefined : [...values.keys(), ...switches].find((flag) => !known.includes(flag));
  if (foreign !== undefined) throw new UsageError(`--${foreign} has no meaning for ${command}. Leave it out.`);
  return typed;
}

function find(name: string, options: readonly Option[]): Option {
  const found = options.find(({ flag, short }) => name === `--${flag}` || name === `-${short}`);
  if (found !== undefined) return found;
  const plain = name.replace(/^-+/, '').toLowerCase();
  const near =
    nearest(
      plain,
      options.map(({ flag }) => flag),
    ) ?? options.find(({ flag }) => plain !== '' && flag.startsWith(plain))?.flag;
  throw new UsageError(`There is no flag ${shown(name)}. ${near === undefined ? 'See --help.' : `Did you mean --${near}?`}`);
}

function commandOf([word, ...more]: readonly string[]): Pick<Typed, 'command' | 'operand'> {
  if (word === undefined) return {};
  if (!isCommand(word)) {
    const near = nearest(word, commandNames);
    throw new UsageError(`There is no part "${shown(word)}". ${near === undefined ? `Choose one of: ${commandNames.join(', ')}.` : `Did you mean ${near}?`}`);
  }
  const wanted = operands[word];
  const [operand] = wanted === undefined ? [] : more;
  const extra = more[wanted === undefined ? 0 : 1];
  if (extra !== undefined && wanted !== undefined)
    throw new UsageError(`One ${wanted.noun} at a time: "${shown(extra)}" after ${shown(operand ?? '')} is too many.`);
  if (extra !== undefined)
    throw new UsageError(`One part at a time: "${shown(extra)}" after ${word} is too many. A list with spaces needs quotes: --team "ana, bo".`);
  return { command: word, ...(operand !== undefined && { operand }) };
}
