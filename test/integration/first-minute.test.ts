import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COLUMNS, firstMinute, ROWS, TITLE } from '../../tools/recording/first-minute.ts';
import { framesIn, recordingSvg } from '../../tools/recording/svg.ts';
import { tree } from '../support/command-line.ts';
import { npxEnvironment } from '../support/npx.ts';
import { commandsIn, DIGEST, isOurs, notWalked, onlyBlock, type Scene, scenes } from '../support/own-commands.ts';
import { packed } from '../support/package.ts';

let home: string;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'dbt-envs-first-'));
  env = await npxEnvironment(home);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** As a reader does who types it: in a shell. There is no terminal, so whatever asks fails. */
const typed = (command: string, cwd: string): SpawnSyncReturns<string> =>
  spawnSync('/bin/sh', ['-c', command], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

const MODEL = 'select 1 as one\n';
const PROJECT = "name: acme\nversion: '1.0' # ours\nprofile: acme\nmodel-paths: [ models ]\n";
const CONSULTANT = path.join('docs', 'consultant.md');

const filesOf: Readonly<Record<Exclude<Scene, 'a repository of ours'>, () => Readonly<Record<string, string>>>> = {
  nothing: () => ({}),
  'a dbt project': () => ({ 'dbt_project.yml': PROJECT, 'models/one.sql': MODEL, '.gitignore': 'target/\n' }),
  'the files of a house': () => ({ 'house.json': onlyBlock(CONSULTANT, 'json'), 'team.csv': 'name,email,slug,login\nAna,ana@acme.com,ana,ana.n\n' }),
};

function folderOf(scene: Scene): string {
  const cwd = mkdtempSync(path.join(home, 'stands-'));
  if (scene === 'a repository of ours') {
    const { status, stderr } = typed('npx generator-dbt-envs --yes --project-name acme --warehouse postgres --team ana', cwd);
    expect(status, stderr).toBe(0);
    return cwd;
  }
  for (const [name, text] of Object.entries(filesOf[scene]())) {
    mkdirSync(path.dirname(path.join(cwd, name)), { recursive: true });
    writeFileSync(path.join(cwd, name), text);
  }
  return cwd;
}

/** Runs what a document tells its reader to type, from top to bottom; returns what failed, with its message. */
function walked(text: string, cwd: string): readonly string[] {
  return commandsIn(text)
    .filter((command) => isOurs(command) && !notWalked.has(command))
    .flatMap((command) => {
      const { status, stderr } = typed(command, cwd);
      return status === 0 ? [] : [`${command}: ${status}, ${stderr}`];
    });
}

describe('whoever types what a document says', () => {
  test.each([...scenes])('%s, standing before %s, gets what it promises', (document, scene) => {
    const text = readFileSync(document, 'utf8');
    expect(commandsIn(text).some(isOurs)).toBe(true);
    expect(walked(text, folderOf(scene))).toEqual([]);
  });

  test('is told what a misspelt command of a document is', () => {
    const text = '```sh\nnpx generator-dbt-envs --yes --tema ana\n```\n';
    expect(walked(text, folderOf('nothing'))).toEqual([expect.stringContaining('Did you mean --team?')]);
  });

  test('keeps what an existing project has: models to the byte, no example, every line of dbt_project.yml', () => {
    const cwd = folderOf('a dbt project');
    expect(walked(readFileSync(path.join('docs', 'existing-team.md'), 'utf8'), cwd)).toEqual([]);
    const files = tree(cwd);
    expect(files).toMatchObject({ 'models/one.sql': MODEL });
    expect(Object.keys(files).filter((name) => /^(?:models|seeds|snapshots)\//.test(name))).toEqual(['models/one.sql']);
    for (const line of PROJECT.trimEnd().split('\n')) expect(files['dbt_project.yml']?.split('\n')).toContain(line);
  });

  test('gets from the house file what it says, and one JSON object', () => {
    const cwd = folderOf('the files of a house');
    expect(walked(readFileSync(CONSULTANT, 'utf8'), cwd)).toEqual([]);
    expect(JSON.parse(typed('npx generator-dbt-envs --yes --json', cwd).stdout)).toMatchObject({ created: [], conflicts: [] });
    expect(JSON.parse(tree(cwd)['.yo-rc.json'] ?? '')).toMatchObject({ 'generator-dbt-envs': { devDays: '14', warehouse: 'postgres' } });
    expect(tree(cwd)['roster.yml']).toContain('ana.n');
  });
});

test('whoever checks a release gets the digest that npm writes down', async () => {
  const { tarball } = await packed();
  const cwd = mkdtempSync(path.join(home, 'release-'));
  copyFileSync(tarball, path.join(cwd, 'generator-dbt-envs-0.1.0.tgz'));
  const digest = createHash('sha512').update(readFileSync(tarball)).digest('base64');
  expect(typed(DIGEST, cwd)).toMatchObject({ status: 0, stdout: `sha512-${digest}\n` });
});

describe('the recording on the first page', () => {
  const FILE = path.join('docs', 'first-minute.svg');
  test('shows what the command shows today', async () => {
    const today = framesIn(recordingSvg(TITLE, await firstMinute(), ROWS, COLUMNS));
    expect(today, 'the first minute has changed: npx tsx tools/record.ts draws it anew').toEqual(framesIn(readFileSync(FILE, 'utf8')));
  });

  test('would not pass for another one', () => {
    const svg = readFileSync(FILE, 'utf8');
    expect(framesIn(svg.replace('Which warehouse?', 'Which warehouse do you use?'))).not.toEqual(framesIn(svg));
    expect(framesIn(svg).at(-1)?.join('\n')).toMatch(/Next steps[\s\S]*The same again, without questions/);
  });
});
