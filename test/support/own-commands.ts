import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fences } from './markdown.ts';

/** The documents of this repository, for people: README.md and what is below docs/. */
export const ownDocuments = (): readonly string[] =>
  [...readdirSync('.'), ...readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) => path.join('docs', name))]
    .filter((name) => name.endsWith('.md'))
    .sort();

/** The commands in a text's `sh` blocks, from top to bottom. */
export const commandsIn = (text: string): readonly string[] =>
  fences(text, 'sh').flatMap((block) =>
    block
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  );

export const isOurs = (command: string): boolean => /^npx generator-dbt-envs( |$)/.test(command);

/** What lies in the folder in which a document's reader stands. */
export type Scene = 'nothing' | 'a repository of ours' | 'a dbt project' | 'the files of a house';

/** Every command of ours in these documents is run by test/integration/first-minute.test.ts, from top to bottom in one folder. */
export const scenes: ReadonlyMap<string, Scene> = new Map<string, Scene>([
  ['README.md', 'nothing'],
  [path.join('docs', 'administrator.md'), 'a repository of ours'],
  [path.join('docs', 'consultant.md'), 'the files of a house'],
  [path.join('docs', 'existing-team.md'), 'a dbt project'],
  [path.join('docs', 'new-team.md'), 'a repository of ours'],
]);

/** Of docs/releasing.md: the digest of the tarball, as npm writes it. */
export const DIGEST = 'echo "sha512-$(openssl dgst -sha512 -binary generator-dbt-envs-0.1.0.tgz | openssl base64 -A)"';

/** The commands that are not run there, each with the reason, and where it is run instead if it is. */
export const notWalked: ReadonlyMap<string, string> = new Map([
  ['npx generator-dbt-envs', 'asks at a terminal: test/integration/first-minute.test.ts plays it there and compares the recording'],
  ['npm ci && npm run demo', 'needs this clone for itself: test/full/alone/demo.test.ts runs the demo in it'],
  ['npm ci', 'takes the modules away under the tests: .ci/run begins with it'],
  ['npm run test:unit', 'runs the tests, and so cannot be one: .ci/run runs it through npm test'],
  ['npm test', 'runs the tests, and so cannot be one: .ci/run runs it'],
  ['git checkout v0.1.0', 'the tag is there once that version is published; in a clone of the reader, not in this one'],
  ['npm pack --silent', 'test/support/package.ts packs, and test/full/package-reproducible.test.ts compares the bytes'],
  [DIGEST, 'test/integration/first-minute.test.ts runs it on the packed tarball'],
  ['npm view generator-dbt-envs@0.1.0 dist.integrity', 'asks the public registry, which knows the version once it is published'],
  ['npm run bench -- --write', 'takes minutes of an idle machine, and its figures are that machine’s'],
]);

/** What is wrong with the commands of a document, in words. */
export function unprovenCommands(document: string, text: string): readonly string[] {
  const unproven = commandsIn(text).filter((command) => !notWalked.has(command) && !(isOurs(command) && scenes.has(document)));
  return [
    ...unproven.map((command) => `no test runs "${command}": give ${document} a scene, or the command a reason, in test/support/own-commands.ts`),
    ...hiddenCommands(text).map((line) => `"${line}" is a command outside an sh block, where no test sees it`),
  ];
}

const TYPED = /^(?:\$ )?(?:npx|npm|yo|dbt|dbt-envs|git|psql|python3?) /;
const PLACEHOLDER = /[[<]/;

/** Lines of other blocks that look like something to type; a placeholder shows a form, not a command. */
function hiddenCommands(text: string): readonly string[] {
  const hidden: string[] = [];
  let language: string | undefined;
  for (const line of text.split('\n')) {
    const [fence, opened = ''] = /^ *```(.*)$/.exec(line) ?? [];
    if (fence !== undefined) language = language === undefined ? opened : undefined;
    else if (language !== undefined && language !== 'sh' && TYPED.test(line) && !PLACEHOLDER.test(line)) hidden.push(line);
  }
  return hidden;
}

/** Scripts of package.json that a text tells people to run. */
export const scriptsIn = (text: string): readonly string[] => [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);

/** The one block of this language in a document. */
export function onlyBlock(document: string, language: string): string {
  const [block, ...more] = fences(readFileSync(document, 'utf8'), language);
  if (block === undefined || more.length > 0) throw new Error(`${document} has not exactly one ${language} block`);
  return block;
}
