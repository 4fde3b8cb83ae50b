// Templates as the package carries them: functions, and apart from them the texts that they print.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, transform } from 'esbuild';

/** A run loads the templates that every repository gets, and those of its own warehouse and CI provider; a code host has three, and to look for a file takes longer than to read them. */
const groupOf = (name) => {
  const [kind, vendor] = name.split('/');
  return VENDORS.includes(kind) ? `${kind}-${vendor}` : 'every';
};
const VENDORS = ['warehouses', 'ci'];

/** What stands in the place of src/template-store.ts in a bundle beside the folder templates/; `load` is require. */
export const storeOfTemplates = `const VENDORS = ${JSON.stringify(VENDORS)};
const groupOf = ${groupOf};
const groups = {};
export const templateOf = (name) => {
  const group = groupOf(name);
  return (groups[group] ??= load(\`./templates/\${group}.cjs\`))[name];
};`;

/** For every group of templates: the text of a module with its functions, and the texts that they take. */
export async function compiledTemplates(root) {
  const shippedBody = await bodyCompiler(root);
  const names = readdirSync(path.join(root, 'templates'), { recursive: true })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ejs'))
    .sort();
  const bodyOf = (name) => shippedBody(readFileSync(path.join(root, 'templates', name), 'utf8'), name);
  const groups = [...new Set(names.map(groupOf))];
  return Promise.all(
    groups.map((group) =>
      moduleOf(
        group,
        names.filter((name) => groupOf(name) === group).map((name) => [name, bodyOf(name)]),
      ),
    ),
  );
}

/** The function of src/compile-template.ts, which is TypeScript. */
async function bodyCompiler(root) {
  const compiler = await build({
    entryPoints: [path.join(root, 'src/compile-template.ts')],
    write: false,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  });
  const file = path.join(root, 'node_modules', '.cache', 'dbt-envs', `compile-template-${process.pid}.mjs`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, compiler.outputFiles[0].contents);
  const { shippedBody } = await import(file);
  rmSync(file);
  return shippedBody;
}

async function moduleOf(group, bodies) {
  const texts = { narrow: [], wide: [] };
  const members = await Promise.all(bodies.map(async ([name, body]) => `${JSON.stringify(name)}:${await compact(withTextsApart(body, texts))}`));
  if (texts.narrow.length === 0) throw new Error(`No text of ${group} stands apart: EJS writes its functions otherwise than withTextsApart reads them.`);
  const [narrow, wide] = [texts.narrow, texts.wide].map((some) => some.join(SEPARATOR));
  const split = `.split(${JSON.stringify(SEPARATOR)})`;
  const load = `const bytes=require("node:fs").readFileSync(__dirname+"/${group}.txt"),narrow=bytes.toString("latin1",0,${narrow.length})${split},wide=bytes.toString("utf8",${narrow.length})${split};`;
  return { group, code: `"use strict";${load}\nmodule.exports={${members.join(',\n')}};\n`, texts: narrow + wide };
}

/** ASCII's own sign for it, which stands in no template. */
const SEPARATOR = '\x1e';

/**
 * A template's body without its longer texts, which go to `texts`: V8 scans and hashes a literal, character by character.
 * Those with characters beyond ASCII are kept apart from the others, or all would take two bytes for every one.
 */
function withTextsApart(body, texts) {
  return body.replace(/(?<=\()"(?:[^"\\]|\\.){24,}"(?=\)(?: \+ \(|\s|$))/gm, (literal) => {
    const text = JSON.parse(literal);
    const kind = /^[\t\n\x20-\x7e]*$/.test(text) ? 'narrow' : 'wide';
    return `${kind}[${texts[kind].push(text) - 1}]`;
  });
}

/**
 * A function in parentheses: V8 compiles such a one at once, where it would read another twice, to find its end and to
 * compile it when it is called (https://v8.dev/blog/preparser). Its texts are plain strings, which are read faster than template literals.
 */
async function compact(body) {
  const options = { minify: true, target: 'node20', legalComments: 'none', supported: { 'template-literal': false } };
  const { code } = await transform(`module.exports = function (it, escapeFn, include) {${body}};`, options);
  return `(${code.slice(code.indexOf('function'), code.lastIndexOf('}') + 1)})`;
}
