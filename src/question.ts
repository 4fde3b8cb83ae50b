import { shown } from './names.ts';

/** What is known when a default is worked out: raw answers so far, by question name. */
export type Known = Readonly<Record<string, string | undefined>>;

/**
 * One declaration is the prompt, the `--flag`, the stored answer, the type and a row of docs/options.md.
 * Vendors declare theirs in their own folder with the same shape.
 */
export interface Question<T = string> {
  /** The key in `.yo-rc.json` and in an answers file. */
  readonly name: string;
  /** Without the dashes. */
  readonly flag: string;
  /** The prompt, in the reader's words. */
  readonly message: string;
  /** One line for `--help` and docs/options.md: meaning and limits. */
  readonly help: string;
  readonly choices?: readonly { readonly name: string; readonly value: string }[];
  /** Taken by `--yes` and offered by the prompt; absent where nothing may be invented. */
  readonly default?: string | ((known: Known) => string);
  /** Part of the first conversation (seven at most); the others are flags with a default. */
  readonly asked: boolean;
  /** Throws a RangeError that names the value, the rule and the way out. */
  readonly parse: (raw: string) => T;
  /** In sentences: what stays behind outside of the repository when this answer changes, and how it goes; undefined where nothing does. */
  readonly leaves?: (was: string, is: string) => string | undefined;
}

/** Several lines may be pasted into the prompt for it. */
export interface MultilineQuestion<T> extends Question<T> {
  readonly multiline: true;
}

export const question = <const Q extends Question<unknown>>(declared: Q): Q => declared;

/** For what scripts of grants/ have made under the answer of before. `what` is plural. */
export const staysBehind = (what: string): string =>
  `${what} stay as they are, with every right that was given. To have them gone, an administrator undoes what grants/README.md of before this run (git has it) lists.`;

/** A parser for one of a few values; a near miss is named. */
export function oneOf<const Value extends string>(what: string, values: readonly Value[]): (raw: string) => Value {
  return (raw) => {
    const found = values.find((value) => value === raw);
    if (found !== undefined) return found;
    throw new RangeError(noSuch(what, raw, values));
  };
}

/** `There is no warehouse "snowflke". Did you mean snowflake?` */
export function noSuch(what: string, given: string, values: readonly string[]): string {
  const near = nearest(given, values);
  return `There is no ${what} "${shown(given)}". ${near === undefined ? `Choose one of: ${values.join(', ')}.` : `Did you mean ${near}?`}`;
}

/** The value at most two typing slips away, or undefined. */
export function nearest(given: string, values: readonly string[]): string | undefined {
  const ranked = values.map((value) => ({ value, slips: slips(given.toLowerCase(), value) })).sort((a, b) => a.slips - b.slips);
  const best = ranked[0];
  return best !== undefined && best.slips <= Math.min(2, Math.ceil(best.value.length / 3)) ? best.value : undefined;
}

/** Damerau–Levenshtein distance with neighbours swapped counted once. */
function slips(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1), swap));
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
