import { type Bar, bars, limits } from './bars.ts';
import type { Installed } from './install.ts';
import { median, ratio, ratioOfBest, type Times } from './run.ts';

export interface Result extends Bar {
  readonly milliseconds: number;
  readonly yardstickMilliseconds: number;
  /** The median of the rounds' ratios: what the bar is held against. */
  readonly found: number;
  readonly best: number;
}

export interface Limited {
  readonly what: string;
  readonly most: number;
  readonly milliseconds: number;
}

export interface Measured {
  readonly machine: string;
  readonly version: string;
  readonly files: number;
  readonly rounds: string;
  readonly results: readonly Result[];
  readonly limited: readonly Limited[];
  /** A sentence where it could not be measured. */
  readonly installs: readonly Installed[] | string;
}

export function resultsOf(times: Times): Pick<Measured, 'results' | 'limited'> {
  const of = (what: string): readonly number[] => {
    const own = times.get(what);
    if (own === undefined || own.length === 0) throw new Error(`${what} was not timed`);
    return own;
  };
  const results = bars.map((bar: Bar): Result => {
    const [own, yardstick] = [of(bar.what), of(bar.yardstick)];
    return {
      ...bar,
      milliseconds: median(own),
      yardstickMilliseconds: median(yardstick),
      found: ratio(own, yardstick),
      best: ratioOfBest(own, yardstick),
    };
  });
  return { results, limited: limits.map(({ what, most }) => ({ what, most, milliseconds: median(of(what)) })) };
}

/** In words: a bar is broken, a goal only not reached. */
export const verdict = ({ found, most, goal }: Result): 'MISSED' | 'short of the goal' | 'ok' =>
  found > most ? 'MISSED' : goal !== undefined && found > goal ? 'short of the goal' : 'ok';

export const exceeds = ({ milliseconds, most }: Limited): boolean => milliseconds > most;

export const missed = ({ results, limited }: Pick<Measured, 'results' | 'limited'>): number =>
  results.filter((result) => verdict(result) === 'MISSED').length + limited.filter(exceeds).length;
