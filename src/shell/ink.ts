/** Colours for words that stand beside a symbol; the same words without colour. */
export interface Ink {
  readonly good: (text: string) => string;
  readonly changed: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly quiet: (text: string) => string;
  readonly strong: (text: string) => string;
}

const styled =
  (open: number, close: number) =>
  (text: string): string =>
    `\u001b[${open}m${text}\u001b[${close}m`;
const plainly = (text: string): string => text;

export const colours: Ink = { good: styled(32, 39), changed: styled(33, 39), bad: styled(31, 39), quiet: styled(2, 22), strong: styled(1, 22) };
export const noColours: Ink = { good: plainly, changed: plainly, bad: plainly, quiet: plainly, strong: plainly };

/**
 * Colours on a terminal only. NO_COLOR (https://no-color.org) and TERM=dumb take them away, FORCE_COLOR brings them
 * back (https://force-color.org); as in Node itself, FORCE_COLOR wins, and FORCE_COLOR=0 means no colour.
 */
export function inkFor(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): Ink {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env;
  if (force !== undefined && force !== '') return force === '0' || force === 'false' ? noColours : colours;
  if (no !== undefined && no !== '') return noColours;
  return isTerminal && term !== 'dumb' ? colours : noColours;
}
