// Builds the published package: the bin, one entry a generator, yeoman-generator in a folder of its own, and the notices.
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { noticeOfAdaptations, refuseAdaptationsOfChanged } from './tools/adaptations.mjs';
import { refuseEager, refuseSlow, refuseTwice } from './tools/eager.mjs';
import { bundledPackages, noticesOf, packageIn, refuseUnnoticed } from './tools/notices.mjs';
import { compiledTemplates, storeOfTemplates } from './tools/templates.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
process.chdir(root);
const require = createRequire(import.meta.url);
refuseAdaptationsOfChanged(root);

/**
 * Puts other modules in the place of two of ours, and leaves the loading of them to the moment they are needed: the
 * templates, compiled to functions, and the package yaml.
 */
const apart = {
  name: 'apart',
  setup({ onLoad }) {
    // esbuild would look for what it finds in require().
    const contents = (code) => () => ({ contents: `const load = require;\n${code}`, loader: 'js' });
    onLoad({ filter: /[\\/]src[\\/]template-store\.ts$/ }, contents(storeOfTemplates));
    onLoad(
      { filter: /[\\/]src[\\/]yaml-package\.ts$/ },
      contents("let yamlPackage; export const yaml = () => (yamlPackage ??= load('../vendor/yaml/index.cjs'));"),
    );
  },
};

/** What else is bundled takes the shell from the bin's file, which holds it. */
const shellFrom = (file) => ({
  name: 'shell',
  setup: ({ onResolve }) => onResolve({ filter: /\/shell\.ts$/ }, () => ({ path: file, external: true })),
});

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  minify: true,
  legalComments: 'external', // into files beside the bundles, and from there into the notices
  // esbuild names chunks by a hash of their files' paths too: a node_modules that is a link must give the same bytes.
  preserveSymlinks: true,
  metafile: true,
  logLevel: 'warning',
};
const external = ['#yeoman-generator'];
// inquirer's editor prompt brings half a megabyte of character tables; nothing of ours opens an editor.
const alias = { '@inquirer/external-editor': './src/cli/no-editor.ts' };

for (const folder of ['dist', 'vendor']) rmSync(folder, { recursive: true, force: true });
const parts = readdirSync('generators', { withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  .sort();

// The bin is CommonJS: Node starts it faster, because it needs neither the loader for ESM nor, through it, streams.
const bin = await build({
  ...shared,
  format: 'cjs',
  // import() becomes require(), where it is reached, and a regular expression with classes of Unicode new RegExp().
  supported: { 'dynamic-import': false, 'regexp-sticky-and-unicode-flags': false },
  plugins: [
    apart,
    // esbuild would copy every property of a module of Node's whose default is imported, once for each importer.
    {
      name: 'builtins',
      setup: ({ onResolve, onLoad }) => {
        onResolve({ filter: /^node:(path|process)$/, namespace: 'file' }, ({ path: builtin }) => ({ path: builtin, namespace: 'builtin' }));
        onLoad({ filter: /./, namespace: 'builtin' }, ({ path: builtin }) => ({ contents: `export default require('${builtin}');`, loader: 'js' }));
      },
    },
    {
      name: 'prompts',
      setup: ({ onResolve }) =>
        onResolve({ filter: /\/ask(-plainly)?\.ts$/ }, ({ path: asked }) => ({ path: `./${path.basename(asked, '.ts')}.cjs`, external: true })),
    },
  ],
  external,
  entryPoints: ['src/cli/start.ts'],
  outfile: 'dist/start.cjs',
});
refuseEager(bin.metafile, ['yeoman-generator', '@yeoman/types', 'inquirer', '@inquirer/core', 'yaml', 'ejs']);
refuseSlow('dist/start.cjs', readFileSync('dist/start.cjs', 'utf8'));
const prompts = await build({
  ...shared,
  format: 'cjs',
  alias,
  plugins: [shellFrom('./start.cjs')],
  entryPoints: ['src/cli/ask.ts', 'src/cli/ask-plainly.ts'],
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
});
copyFileSync('src/cli/bin.cjs', 'dist/cli.cjs');
mkdirSync('dist/templates');
for (const { group, code, texts } of await compiledTemplates(root)) {
  writeFileSync(`dist/templates/${group}.cjs`, code);
  writeFileSync(`dist/templates/${group}.txt`, texts);
}

// Bundled CommonJS packages call require() for Node's own modules.
const banner = { js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);" };
const generators = await build({
  ...shared,
  banner,
  alias: { ...alias, 'yeoman-generator': '#yeoman-generator' },
  format: 'esm',
  splitting: true,
  plugins: [shellFrom('#start')],
  external,
  outdir: '.',
  entryPoints: Object.fromEntries(parts.map((part) => [`generators/${part}/index`, `generators/${part}/index.ts`])),
  chunkNames: 'dist/[name]-[hash]',
});

refuseTwice(bin.metafile, [prompts.metafile, generators.metafile]);

const yaml = await build({ ...shared, format: 'cjs', entryPoints: [require.resolve('yaml')], outfile: 'vendor/yaml/index.cjs' });

// yeoman-generator reads the package.json beside its folder, so it gets one, and its source stays as published.
const yeoman = await build({
  ...shared,
  banner,
  format: 'esm',
  entryPoints: [require.resolve('yeoman-generator')],
  outfile: 'vendor/yeoman-generator/dist/index.js',
});
const { name, version, license } = JSON.parse(readFileSync('node_modules/yeoman-generator/package.json', 'utf8'));
writeFileSync('vendor/yeoman-generator/package.json', `${JSON.stringify({ name, version, license, type: 'module' }, null, 2)}\n`);

const metafiles = [bin, prompts, generators, yaml, yeoman].map(({ metafile }) => metafile);
// In no metafile: the functions that EJS wrote into dist/templates/, and esbuild's own few lines in every bundle.
const writers = ['ejs', 'esbuild'].map((writer) => packageIn(path.join(root, 'node_modules', writer)));
const notices = noticesOf([...bundledPackages(metafiles, root), ...writers], legalComments(), noticeOfAdaptations(root));
refuseUnnoticed(notices, metafiles, root);
writeFileSync('THIRD_PARTY_NOTICES.txt', notices);
setModes();

/** What the bundled sources say of their licence in comments; the files that esbuild put it into are removed. */
function legalComments() {
  const files = metafiles.flatMap(({ outputs }) => Object.keys(outputs)).filter((file) => file.endsWith('.LEGAL.txt'));
  return files.sort().map((file) => {
    const text = readFileSync(file, 'utf8');
    rmSync(file);
    return text;
  });
}

/** npm packs a file with the mode that it has here, so whoever packs under another umask would get other bytes. */
function setModes() {
  const built = ['dist', 'vendor'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [path.join(entry.parentPath, entry.name)] : [])),
  );
  const files = [...built, ...parts.map((part) => `generators/${part}/index.js`), 'THIRD_PARTY_NOTICES.txt', 'package.json', 'README.md', 'LICENSE'];
  for (const file of files) chmodSync(file, 0o644);
  chmodSync('dist/cli.cjs', 0o755);
}
