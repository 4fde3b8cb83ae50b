import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { rivals } from '../test/support/engines.ts';
import { installed } from '../test/support/package.ts';
import { yoFolder } from '../test/support/yo.ts';
import { contestants } from './contestants.ts';
import { installs } from './install.ts';
import { benchmarksPage } from './page.ts';
import { exceeds, type Measured, missed, resultsOf, verdict } from './results.ts';
import { race } from './run.ts';

/**
 * `npm run bench`: holds the packed package to the bars; exit status 1 where one is missed. `--write` puts the figures
 * into docs/benchmarks.md; `--quick` takes few rounds, for a first look.
 */
const words = process.argv.slice(2);
const unknown = words.find((word) => word !== '--write' && word !== '--quick');
if (unknown !== undefined) throw new Error(`There is no flag ${unknown}. Give --write, --quick or nothing.`);
const isQuick = words.includes('--quick');
const [rounds, yoRounds, coldRounds] = isQuick ? [5, 2, 1] : [25, 7, 3];

const prefix = await installed();
const { files, groups } = await contestants(prefix);
const times = new Map(groups.flatMap((group) => (isThroughYo(group) ? [...race(group, yoRounds, 1)] : [...race(group, rounds, 2)])));
const measured: Measured = {
  machine: `Node ${process.version} on ${process.platform} ${process.arch}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'})`,
  version: versionIn('package.json'),
  files,
  rounds: `${rounds} rounds, through yo ${yoRounds}, from nothing ${coldRounds}, after a warm-up`,
  ...resultsOf(times),
  installs: await cold(),
};

printed(measured);
if (words.includes('--write')) writeFileSync('docs/benchmarks.md', benchmarksPage(measured));
rmSync(prefix, { recursive: true, force: true });
const count = missed(measured);
if (count > 0) {
  console.error(`\n${count} bars missed.`);
  process.exitCode = 1;
}

function isThroughYo(group: object): boolean {
  return Object.keys(group).every((name) => name.startsWith('yo'));
}

async function cold(): Promise<Measured['installs']> {
  const engines = await yoFolder();
  const of = (folder: string, name: string): string => versionIn(path.join(folder, name, 'package.json'));
  const rival = path.join(rivals.folder, 'node_modules');
  try {
    return await installs({ 'create-vite': of(rival, 'create-vite'), projen: of(rival, 'projen'), yo: of(engines, 'yo') }, coldRounds);
  } catch (error) {
    console.error(String(error));
    return 'Not measured: an install failed, most likely because no package registry answered.';
  }
}

function versionIn(file: string): string {
  const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  throw new Error(`${file} has no version`);
}

function printed({ machine, rounds: taken, results, limited, installs: fromNothing }: Measured): void {
  const row = (cells: readonly string[]): string => cells.map((cell, at) => (at === 0 ? cell.padEnd(58) : cell.padStart(10))).join('');
  console.log(`${machine}; ${files} files; ${taken}.\n`);
  console.log(row(['', 'ms', 'ratio', 'fastest', 'at most', 'goal']));
  for (const result of results) {
    const { what, yardstick, milliseconds, yardstickMilliseconds, found, best, most, goal } = result;
    console.log(`${row([what, milliseconds.toFixed(1), found.toFixed(2), best.toFixed(2), String(most), String(goal ?? '')])}  ${verdict(result)}`);
    console.log(row([`  beside ${yardstick}`, yardstickMilliseconds.toFixed(1)]));
  }
  for (const one of limited) console.log(`\n${one.what}: ${one.milliseconds.toFixed(0)} ms, at most ${one.most}  ${exceeds(one) ? 'MISSED' : 'ok'}`);
  console.log('\nFrom nothing, with npx and an empty cache:');
  if (typeof fromNothing === 'string') console.log(fromNothing);
  else
    for (const { what, packages, megabytes, seconds } of fromNothing)
      console.log(`${what.padEnd(34)}${String(packages).padStart(5)} packages ${megabytes.toFixed(1).padStart(7)} MB ${seconds.toFixed(2).padStart(7)} s`);
}
