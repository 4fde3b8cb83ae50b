import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { nodeBinary } from '../support/node-versions.ts';
import { integrityOf, type Packed, packageSources, packed } from '../support/package.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** Somebody else's checkout of the same commit. */
interface Elsewhere {
  /** What the checkout's folder is called. */
  readonly folder: string;
  readonly umask?: '022' | '077' | '002';
  /** node_modules as a folder of its own, and not a link to ours. */
  readonly ownModules?: boolean;
  readonly modified?: Date;
  readonly env?: Readonly<Record<string, string>>;
  /** Another user than the one who runs this test; where that is not root, it is the same. */
  readonly anotherUser?: boolean;
  /** The Node that packs; this one where none is given. */
  readonly node?: string;
  /** What is changed in the checkout before it is packed. */
  readonly plant?: (checkout: string) => void;
}

/** The integrity of the tarball that `npm pack` makes there. */
async function packedIn({ folder, umask = '022', ownModules = false, modified, env = {}, anotherUser = false, node, plant }: Elsewhere): Promise<string> {
  const above = mkdtempSync(path.join(tmpdir(), 'dbt-envs-pack-'));
  chmodSync(above, 0o755);
  const checkout = path.join(above, folder);
  const home = path.join(above, 'home');
  for (const one of [checkout, home]) mkdirSync(one);
  for (const source of packageSources) cpSync(path.join(root, source), path.join(checkout, source), { recursive: true });
  const bits = 0o777 & ~Number.parseInt(umask, 8);
  for (const file of below(checkout)) {
    chmodSync(file, lstatSync(file).isDirectory() ? bits : bits & 0o666);
    if (modified !== undefined) utimesSync(file, modified, modified);
  }
  const modules = path.join(checkout, 'node_modules');
  if (ownModules) cpSync(realpathSync(path.join(root, 'node_modules')), modules, { recursive: true, verbatimSymlinks: true });
  else symlinkSync(path.join(root, 'node_modules'), modules);
  plant?.(checkout);
  const changesUser = anotherUser && isRoot;
  if (changesUser) for (const file of [above, ...below(above)]) lchownSync(file, NOBODY, NOBODY);
  const PATH = `${node === undefined ? '' : `${path.dirname(node)}:`}${process.env.PATH ?? ''}`;
  await new Promise<void>((resolve, reject) => {
    execFile(
      'sh',
      ['-c', `umask ${umask} && npm pack --silent --pack-destination "$HOME"`],
      { cwd: checkout, env: { PATH, HOME: home, ...env }, ...(changesUser && { uid: NOBODY, gid: NOBODY }) },
      (error, stdout, stderr) => (error === null ? resolve() : reject(new Error(stdout + stderr))),
    );
  });
  const [tarball] = readdirSync(home).filter((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm packed nothing');
  const integrity = integrityOf(readFileSync(path.join(home, tarball)));
  rmSync(above, { recursive: true, force: true });
  return integrity;
}

/** Everything below a folder; what links point to is not below it. */
function below(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    return entry.isDirectory() ? [file, ...below(file)] : [file];
  });
}

let here: Packed;
beforeAll(async () => {
  here = await packed();
  console.log(`${here.bytes} bytes, ${here.integrity}`);
});

test.each<[string, Elsewhere]>([
  ['a second time', { folder: 'checkout' }],
  ['in a folder with spaces and brackets', { folder: 'my [check out] (x86)' }],
  ['under umask 077', { folder: 'checkout', umask: '077' }],
  ['under umask 002', { folder: 'checkout', umask: '002' }],
  ['in Kathmandu', { folder: 'checkout', env: { TZ: 'Asia/Kathmandu' } }],
  ['in Turkish, where I and i are two letters', { folder: 'checkout', env: { LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' } }],
  ['from files of 1999', { folder: 'checkout', modified: new Date('1999-12-31T23:59:59Z') }],
  [
    'by another user, with an installation, an umask, a zone, a locale and files of their own',
    {
      folder: 'generator',
      umask: '077',
      ownModules: true,
      anotherUser: true,
      modified: new Date('2030-01-01T00:00:00Z'),
      env: { TZ: 'Pacific/Auckland', LC_ALL: 'de_DE.UTF-8' },
    },
  ],
])('the same sources pack to the same bytes %s', async (_, elsewhere) => expect(await packedIn(elsewhere)).toBe(here.integrity));

test.each(['20', '22', '24', '26'] as const)('and on Node %s', async (major) =>
  expect(await packedIn({ folder: 'checkout', node: await nodeBinary(major) })).toBe(here.integrity),
);

test.each<[string, Elsewhere]>([
  ['another word in the README', { folder: 'checkout', plant: (checkout) => append(checkout, 'README.md', 'x') }],
  ['a comment in a template', { folder: 'checkout', plant: (checkout) => append(checkout, 'templates/app/README.md.ejs', 'x') }],
  [
    'modes that are left as the umask made them',
    { folder: 'checkout', umask: '077', plant: (checkout) => replace(checkout, 'build.mjs', /^setModes\(\);$/m, "chmodSync('dist/cli.cjs', 0o755);") },
  ],
  ['a date in the build', { folder: 'checkout', plant: (checkout) => append(checkout, 'build.mjs', '\nwriteFileSync("dist/ask.cjs", String(Date.now()));\n') }],
  [
    'the path of a linked node_modules in a name',
    { folder: 'checkout', plant: (checkout) => replace(checkout, 'build.mjs', /^ {2}preserveSymlinks: true,$/m, '') },
  ],
])('%s would be noticed', async (_, elsewhere) => expect(await packedIn(elsewhere)).not.toBe(here.integrity));

const append = (checkout: string, file: string, text: string): void => replace(checkout, file, /$(?![\s\S])/, text);

function replace(checkout: string, file: string, from: RegExp, to: string): void {
  const name = path.join(checkout, file);
  const text = readFileSync(name, 'utf8');
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`there is nothing to plant in ${file}`);
  writeFileSync(name, changed);
}
