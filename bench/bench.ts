import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installed } from '../test/support/package.ts';
import { asNobody, folderOfNobody, yoBin, yoFolder } from '../test/support/yo.ts';
import { bars, type What } from './bars.ts';
import { type Contestant, filesIn, median, race, ratio } from './run.ts';

/** `npm run bench`: holds the packed package to the bars. Exit status 1 where one is missed. */
const TEAM = 'ana, bo, cy, dee, eli, fay, gus, hal';
const ANSWERS = ['--yes', '--project-name', 'acme', '--warehouse', 'postgres', '--team', TEAM];

const prefix = await installed();
const engines = await yoFolder();
const cli = path.join(prefix, 'node_modules/generator-dbt-envs/dist/cli.cjs');
const files = filesWritten();
const contestants: Readonly<Record<What, Contestant>> = {
  'node -e 0': { words: [process.execPath, '-e', '0'], asNobody: false, status: 0, files: 0 },
  'the bin, everything into a new folder': { words: [process.execPath, cli, ...ANSWERS], asNobody: false, status: 0, files },
  'the bin, --help': { words: [process.execPath, cli, '--help'], asNobody: false, status: 0, files: 0 },
  'the bin, a misspelt flag': { words: [process.execPath, cli, '--warehous', 'postgres'], asNobody: false, status: 2, files: 0 },
  'yo, an empty generator': { words: [process.execPath, yoBin(engines), 'empty'], env: { NODE_PATH: emptyGenerator() }, asNobody: true, status: 0, files: 0 },
  'yo, everything into a new folder': {
    words: [process.execPath, yoBin(engines), 'dbt-envs', ...ANSWERS],
    env: { NODE_PATH: path.join(prefix, 'node_modules') },
    asNobody: true,
    status: 0,
    files,
  },
};

const isYo = ([name]: readonly [string, Contestant]): boolean => name.startsWith('yo');
const times = new Map([
  ...race(Object.fromEntries(Object.entries(contestants).filter((one) => !isYo(one))), 25),
  ...race(Object.fromEntries(Object.entries(contestants).filter(isYo)), 8, 1),
]);

console.log(`Node ${process.version}, ${files} files. Medians of the rounds, in milliseconds; a ratio is of one round, and its median counts.\n`);
const row = (cells: readonly string[]): string => cells.map((cell, at) => (at === 0 ? cell.padEnd(40) : cell.padStart(10))).join('');
console.log(row(['', 'ms', 'ratio', 'at most', '']));
let missed = 0;
for (const { what, yardstick, most } of bars) {
  const [own = [], measure = []] = [times.get(what), times.get(yardstick)];
  const found = ratio(own, measure);
  const holds = found <= most;
  if (!holds) missed++;
  console.log(row([what, median(own).toFixed(1), found.toFixed(2), String(most), holds ? 'ok' : 'MISSED']));
  console.log(row([`  against ${yardstick}`, median(measure).toFixed(1), '1.00']));
}
rmSync(prefix, { recursive: true, force: true });
if (missed > 0) {
  console.error(`\n${missed} of ${bars.length} bars missed.`);
  process.exitCode = 1;
}

/** How many files the answers make: every timed run has to write as many. */
function filesWritten(): number {
  const cwd = folderOfNobody();
  const { status, stderr } = asNobody([process.execPath, cli, ...ANSWERS], { cwd, home: folderOfNobody() }, false);
  if (status !== 0) throw new Error(stderr);
  return filesIn(cwd);
}

/** A generator that does nothing, installed as people install one: with yeoman-generator in a tree of its own. */
function emptyGenerator(): string {
  const modules = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-empty-')), 'node_modules');
  const generator = path.join(modules, 'generator-empty');
  mkdirSync(path.join(generator, 'generators', 'app'), { recursive: true });
  chmodSync(path.dirname(modules), 0o755);
  writeFileSync(
    path.join(generator, 'package.json'),
    '{ "name": "generator-empty", "version": "1.0.0", "type": "module", "keywords": ["yeoman-generator"] }\n',
  );
  writeFileSync(
    path.join(generator, 'generators/app/index.js'),
    "import Generator from 'yeoman-generator';\nexport default class extends Generator {\n  writing() {}\n}\n",
  );
  symlinkSync(path.dirname(path.dirname(fileURLToPath(import.meta.resolve('yeoman-generator')))), path.join(modules, 'yeoman-generator'), 'junction');
  return modules;
}
