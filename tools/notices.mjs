// THIRD_PARTY_NOTICES.txt: whatever the build put into the package, with the licence that came with it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Licences that allow redistribution in a bundle as long as their text, and where the source is, come along. Anything
 * else is a decision for a person.
 */
const ALLOWED = new Set([
  'MIT',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'Artistic-2.0',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
  'CC-BY-3.0',
  'Python-2.0',
]);

/** Licences whose own rule is that a link to them is enough. */
const CREATIVE_COMMONS = {
  'CC0-1.0': 'https://creativecommons.org/publicdomain/zero/1.0/legalcode',
  'CC-BY-3.0': 'https://creativecommons.org/licenses/by/3.0/legalcode',
};

/** The packages whose files are in these bundles (esbuild metafiles), by name and version. */
export function bundledPackages(metafiles, root) {
  const folders = new Set();
  for (const { outputs } of metafiles) {
    for (const { inputs } of Object.values(outputs)) {
      for (const file of Object.keys(inputs)) {
        const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
        if (folder !== undefined && inputs[file].bytesInOutput > 0) folders.add(path.resolve(root, folder));
      }
    }
  }
  const packages = new Map();
  for (const folder of folders) {
    const found = packageIn(folder);
    packages.set(`${found.name}@${found.version}`, found);
  }
  return [...packages.keys()].sort().map((key) => packages.get(key));
}

/**
 * The notices as one text: packages with their licences, then what their sources say of it in comments (`comments`, as
 * esbuild collects them), then what is adapted from elsewhere. Throws for a licence that nobody has looked at, and for a package that brings no text of it.
 */
export function noticesOf(unsorted, comments = [], adapted = '') {
  const packages = unsorted.toSorted((one, other) => (headingOf(one) < headingOf(other) ? -1 : 1));
  const wrong = packages.flatMap(({ name, version, license, text }) => {
    if (!isAllowed(license)) return [`${name} ${version} has the licence ${license ?? '(none)'}, which is not on the list in tools/notices.mjs`];
    return text === undefined ? [`${name} ${version} (${license}) brings no text of its licence`] : [];
  });
  if (wrong.length > 0) throw new Error(`Third-party notices cannot be written:\n  ${wrong.join('\n  ')}`);
  const intro = 'This package contains, in bundled form, the following packages. Each is printed with its own licence.\n';
  const said = [...new Set(comments.map((text) => text.replace(/^Bundled license information:\s*/, '').trim()))];
  return [
    intro,
    ...packages.map((one) => `${RULER}\n${headingOf(one)}\n${one.source}\n\n${one.text}\n`),
    ...(said.length === 0 ? [] : [`${RULER}\nWhat the bundled sources say in comments\n\n${said.join('\n\n')}\n`]),
    ...(adapted === '' ? [] : [`${RULER}\n${adapted}`]),
  ].join('\n');
}

/**
 * Throws where a package is in a bundle and not in the notices. It does not ask who wrote the notices: it goes from
 * every bundled file upwards to the package.json that names its package.
 */
export function refuseUnnoticed(notices, metafiles, root) {
  const inputs = metafiles.flatMap(({ outputs }) => Object.values(outputs).flatMap((output) => Object.entries(output.inputs)));
  const files = inputs.flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 && file.includes('node_modules') ? [path.resolve(root, file)] : []));
  const headings = new Set(files.map((file) => headingOf(owningManifest(path.dirname(file)))));
  const missing = [...headings].filter((heading) => !hasText(notices, heading)).sort();
  if (missing.length > 0) throw new Error(`THIRD_PARTY_NOTICES.txt lacks what is bundled:\n  ${missing.join('\n  ')}`);
}

/** A heading counts with its licence below it: a text, of which the shortest on our list has more than 200 characters, or the link that is enough. */
function hasText(notices, heading) {
  const [, after = ''] = notices.split(`${RULER}\n${heading}\n`);
  const [text] = after.split(RULER, 1);
  return text.length > 200 || Object.values(CREATIVE_COMMONS).some((link) => text.includes(link));
}

/** The package.json above a file that has a name and a version: some packages carry others that only say "type". */
function owningManifest(folder) {
  const file = path.join(folder, 'package.json');
  const { name, version, license } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  if (name !== undefined && version !== undefined) return { name, version, license: licenceId(license) };
  if (path.dirname(folder) === folder) throw new Error('A bundled file belongs to no package.');
  return owningManifest(path.dirname(folder));
}

const headingOf = ({ name, version, license }) => `${name} ${version} (${license})`;
const licenceId = (license) => (typeof license === 'object' ? license?.type : license);
const RULER = '-'.repeat(79);

/** `MIT`, `(MIT OR GPL-3.0)`: one allowed choice is enough; with AND every one has to be. */
export function isAllowed(license) {
  if (typeof license !== 'string') return false;
  const plain = license.replaceAll(/[()]/g, '');
  return plain.split(' OR ').some((choice) => choice.split(' AND ').every((one) => ALLOWED.has(one.trim())));
}

/** The package in a folder, with its licence's text where it has one. */
export function packageIn(folder) {
  const { name, version, license, repository, homepage, author } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const id = licenceId(license);
  const source = (typeof repository === 'object' ? repository?.url : repository) ?? homepage ?? '';
  return { name, version, license: id, source, text: licenceText(folder, id, name, typeof author === 'object' ? author?.name : author) };
}

/** The licence's text: its file, its section in the readme, or, where the package has neither, the licence's own wording. */
function licenceText(folder, license, name, author) {
  const names = readdirSync(folder).sort();
  const texts = names.filter((file) => /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i.test(file)).map((file) => textOf(folder, file));
  if (texts.length > 0) return texts.join('\n\n');
  const readme = names.find((file) => /^readme(?:\.|$)/i.test(file));
  const section = readme === undefined ? undefined : /^#+ *licen[cs]e\b[^\n]*\n([\s\S]+?)(?=^#|(?![\s\S]))/im.exec(textOf(folder, readme))?.[1];
  if (section !== undefined && /permission is hereby granted/i.test(section)) return section.trim();
  if (license === 'MIT') return `Copyright (c) the authors of ${name}\n\n${MIT}`;
  const link = CREATIVE_COMMONS[license];
  return link === undefined ? undefined : `By ${author ?? `the authors of ${name}`}\n${link}`;
}

const textOf = (folder, file) => readFileSync(path.join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim();

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
