import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bars, limits } from '../../bench/bars.ts';
import { templateOf } from '../../bench/cookiecutter.ts';
import { benchmarksPage } from '../../bench/page.ts';
import { missed, resultsOf, verdict } from '../../bench/results.ts';
import { median, ratio, ratioOfBest } from '../../bench/run.ts';

const names = [...new Set(bars.flatMap(({ what, yardstick }) => [what, yardstick]))];
/** Whoever shall be slower than we are is; everybody else takes as long as the next. */
const usual = (name: string): number => (/^(?:cookiecutter|projen)/.test(name) ? 100 : 10);
const timesWith = (name: string, milliseconds: number) => new Map(names.map((one) => [one, [one === name ? milliseconds : usual(one)]]));

describe('what was timed', () => {
  test('counts by the median of its rounds', () => expect(median([3, 100, 1])).toBe(3));
  test('is compared round by round: a machine that was busy for a round says nothing', () => {
    expect(ratio([20, 200, 20], [10, 100, 10])).toBe(2);
    expect(ratioOfBest([20, 200, 30], [10, 100, 5])).toBe(4);
  });
  test('breaks a bar where it takes longer, and only that one', () => {
    const slow = resultsOf(timesWith('the bin, --help', 1000));
    expect(slow.results.filter((result) => verdict(result) === 'MISSED').map(({ what }) => what)).toEqual(['the bin, --help']);
    expect(missed(slow)).toBe(1);
  });
  test('breaks a limit where ratios hold', () => {
    const busy = new Map(names.map((one) => [one, [usual(one) * 200]]));
    expect(missed(resultsOf(busy))).toBe(limits.length);
  });
  test('falls short of a goal without breaking the bar', () => {
    const { results } = resultsOf(timesWith('the bin, --help', 16));
    expect(results.filter(({ what }) => what === 'the bin, --help').map(verdict)).toEqual(['short of the goal']);
  });
  test('has to be there', () => expect(() => resultsOf(new Map())).toThrow('was not timed'));
});

describe('the page', () => {
  const measured = {
    machine: 'a machine',
    version: '1',
    files: 2,
    rounds: '1 round',
    installs: 'Not measured.',
    ...resultsOf(timesWith('the bin, --help', 1000)),
  };
  test('says aloud what was missed', () => expect(benchmarksPage(measured)).toMatch(/\| the bin, --help \| node -e 0 \|.*\| MISSED \|/));
  test('that is committed holds every bar, measured', () => {
    const page = readFileSync('docs/benchmarks.md', 'utf8');
    for (const { what, yardstick, most } of bars) expect(page).toMatch(new RegExp(`^\\| ${what} \\| ${yardstick} \\|.*\\| ${most} \\|`, 'm'));
    expect(page).not.toContain('Not measured');
  });
});

test('a cookiecutter template holds text of other templates, and the name as a variable', () => {
  expect(templateOf('acme', 'a {{ b }} acme {% c %}')).toBe('{% raw %}a {{ b }} {% endraw %}{{ cookiecutter.project_name }}{% raw %} {% c %}{% endraw %}');
  expect(() => templateOf('acme', '{% endraw %}')).toThrow('raw marks');
});
