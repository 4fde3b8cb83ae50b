import { chmodSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { tree } from '../test/support/command-line.ts';
import { rivals } from '../test/support/engines.ts';
import { pythonEnvironment } from '../test/support/python.ts';
import { asNobody, folderOfNobody, putForNobody, yoBin, yoFolder } from '../test/support/yo.ts';
import type { What } from './bars.ts';
import { cookiecutterTemplate } from './cookiecutter.ts';
import { type Contestant, mustRun } from './run.ts';

const PROJECT = 'acme';
const TEAM = 'ana, bo, cy, dee, eli, fay, gus, hal';
const ANSWERS = ['--yes', '--project-name', PROJECT, '--warehouse', 'postgres'];

/** Raced together: what is quick, what takes seconds, and how both grow. */
export interface Groups {
  /** How many files everything is. */
  readonly files: number;
  readonly groups: readonly Readonly<Partial<Record<What, Contestant>>>[];
}

/** Everybody who takes part; `prefix` is where the packed package is installed. */
export async function contestants(prefix: string): Promise<Groups> {
  const modules = path.join(prefix, 'node_modules');
  const bin = [process.execPath, path.join(modules, 'generator-dbt-envs/dist/cli.cjs')];
  const everything = [...ANSWERS, '--team', TEAM];
  const written = made([...bin, ...everything]);
  const texts = tree(written);
  const files = Object.keys(texts).length;

  await rivals.install();
  const rival = (name: string): string[] => [process.execPath, path.join(rivals.folder, 'node_modules', name)];
  const { bin: python } = await pythonEnvironment('cookiecutter');
  const cookiecutter = [python('cookiecutter'), '--no-input', cookiecutterTemplate(PROJECT, texts)];
  sameBytes(cookiecutter, texts);

  const quick = {
    'node -e 0': { words: [process.execPath, '-e', '0'], status: 0, files: 0 },
    'bare Node, the same bytes from memory': { words: [process.execPath, bareScript(texts)], status: 0, files },
    'the bin, everything into a new folder': { words: [...bin, ...everything], status: 0, files },
    'the bin, a second run that changes nothing': { words: [...bin, '--yes'], from: written, status: 0, files },
    'the bin, --help': { words: [...bin, '--help'], status: 0, files: 0 },
    'the bin, a misspelt flag': { words: [...bin, '--warehous', 'postgres'], status: 2, files: 0 },
    'create-vite, its React template': {
      words: [...rival('create-vite/index.js'), PROJECT, '--template', 'react-ts', '--no-interactive'],
      status: 0,
      files: 18,
    },
    'cookiecutter, the same bytes': { words: cookiecutter, status: 0, files },
    'projen, new node': { words: [...rival('projen/bin/projen'), 'new', 'node', '--no-git', '--no-post'], status: 0, files: 16 },
  } satisfies Partial<Record<What, Contestant>>;

  const crowd = (size: number): Contestant => ({ words: [...bin, ...ANSWERS, '--team-file', teamFile(size)], status: 0, files });
  const growth = {
    'the bin, 10 developers': crowd(10),
    'the bin, 100 developers': crowd(100),
    'the bin, 1,000 developers': crowd(1000),
    'the bin, 10,000 developers': crowd(10_000),
  } satisfies Partial<Record<What, Contestant>>;

  const yo = [process.execPath, yoBin(await yoFolder())];
  const ours = { env: { NODE_PATH: modules }, asNobody: true } as const;
  const again = { ...ours, words: [...yo, 'dbt-envs', '--yes'], status: 0, files } as const;
  const of10000 = made(crowd(10_000).words);
  const changed10000 = withEachChanged(made(crowd(10_000).words));
  const throughYo = {
    'yo, an empty generator': { words: [...yo, 'empty'], env: { NODE_PATH: emptyGenerator() }, asNobody: true, status: 0, files: 0 },
    'yo, everything into a new folder': { ...ours, words: [...yo, 'dbt-envs', ...everything], status: 0, files },
    'yo again, 1,000 developers, each changed': { ...again, from: withEachChanged(made(crowd(1000).words)) },
    'yo again, 10,000 developers, none changed': { ...again, from: of10000 },
    'yo again, 10,000 developers, each changed': { ...again, from: changed10000 },
    'yo again, 10,000 developers, shown as differences': { ...again, words: [...again.words, '--dry-run'], from: changed10000 },
    'yo again, 10,000 developers, every line edited by hand': {
      ...again,
      from: withEachLineEdited(withEachChanged(made(crowd(10_000).words))),
      status: 1,
    },
  } satisfies Partial<Record<What, Contestant>>;
  return { files, groups: [quick, growth, throughYo] };
}

/** A folder in which a command ran as the ordinary user who will run it again. */
function made(words: readonly string[]): string {
  const cwd = folderOfNobody();
  mustRun(asNobody(words, { cwd, home: folderOfNobody() }, false));
  return cwd;
}

function teamFile(size: number): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-team-')), 'team.txt');
  writeFileSync(file, Array.from({ length: size }, (_, at) => `person${at}`).join(',\n'));
  for (const [name, mode] of [[path.dirname(file), 0o755] as const, [file, 0o644] as const]) chmodSync(name, mode);
  return file;
}

/** Everybody on the roster gets another name: every line about a developer changes. */
const withEachChanged = (folder: string): string => edited(folder, 'roster.yml', (text) => text.replaceAll('person', 'somebody'));

const withEachLineEdited = (folder: string): string => edited(folder, 'grants/30_developers.sql', (text) => text.replaceAll('\n', ' -- by hand\n'));

function edited(folder: string, name: string, edit: (text: string) => string): string {
  const before = readFileSync(path.join(folder, name), 'utf8');
  const after = edit(before);
  if (after === before) throw new Error(`nothing was changed in ${name}`);
  putForNobody(folder, name, after);
  return folder;
}

/** No program can be faster that writes these files on Node: nothing is asked, planned or compared. */
function bareScript(texts: Readonly<Record<string, string>>): string {
  const script = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-bare-')), 'bare.cjs');
  const folders = [...new Set(Object.keys(texts).map((name) => path.dirname(name)))];
  writeFileSync(
    script,
    `const { mkdirSync, writeFileSync } = require('node:fs');
for (const folder of ${JSON.stringify(folders)}) mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(JSON.parse(${JSON.stringify(JSON.stringify(texts))}))) writeFileSync(name, text);
`,
  );
  return script;
}

/** The comparison is one only where cookiecutter writes what we write. */
function sameBytes(words: readonly string[], texts: Readonly<Record<string, string>>): void {
  const theirs = tree(path.join(made(words), PROJECT));
  const differing = [...new Set([...Object.keys(texts), ...Object.keys(theirs)])].filter((name) => theirs[name] !== texts[name]);
  if (differing.length > 0) throw new Error(`cookiecutter writes other bytes: ${differing.join(', ')}`);
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
