// Builds the published package: the bin, one entry a generator, yeoman-generator in a folder of its own, and the notices.
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { refuseEager } from './tools/eager.mjs';
import { bundledPackages, noticesOf } from './tools/notices.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
process.chdir(root);
const require = createRequire(import.meta.url);

/** Puts compiled functions where the sources read template files. The tests run the same `templateBody`. */
const templates = {
  name: 'templates',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/]template-store\.ts$/ }, async () => ({ contents: await compiledTemplates(), loader: 'js' }));
  },
};

/** Puts a bundled copy of the package `yaml`, in a file of its own, where the sources load it: most runs read no YAML. */
const yamlApart = {
  name: 'yaml-apart',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/]yaml-package\.ts$/ }, () => ({
      contents: `import { createRequire } from 'node:module'; let loaded; export const yaml = () => (loaded ??= createRequire(import.meta.url)('#yaml'));`,
      loader: 'js',
    }));
  },
};

async function compiledTemplates() {
  const compiler = await build({ entryPoints: ['src/compile-template.ts'], write: false, bundle: true, packages: 'external', platform: 'node', format: 'esm' });
  const file = path.join(root, 'node_modules', '.cache', 'dbt-envs', `compile-template-${process.pid}.mjs`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, compiler.outputFiles[0].contents);
  const { templateBody } = await import(file);
  rmSync(file);
  const names = readdirSync('templates', { recursive: true })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ejs'))
    .sort();
  const functions = names.map((name) => `${JSON.stringify(name)}(it, escapeFn, include) {${templateBody(readFileSync(`templates/${name}`, 'utf8'), name)}}`);
  return `export const templates = {${functions.join(',\n')}};`;
}

const shared = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  // Bundled CommonJS packages call require() for Node's own modules.
  banner: { js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);" },
};

for (const folder of ['dist', 'vendor']) rmSync(folder, { recursive: true, force: true });
const parts = readdirSync('generators', { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

const bin = await build({
  ...shared,
  splitting: true,
  plugins: [templates, yamlApart],
  // inquirer's editor prompt brings half a megabyte of character tables; nothing of ours opens an editor.
  alias: { '@inquirer/external-editor': './src/cli/no-editor.ts', 'yeoman-generator': '#yeoman-generator' },
  external: ['#yeoman-generator', '#yaml'],
  outdir: '.',
  entryPoints: { 'dist/start': 'src/cli/start.ts', ...Object.fromEntries(parts.map((part) => [`generators/${part}/index`, `generators/${part}/index.ts`])) },
  chunkNames: 'dist/[name]-[hash]',
});
refuseEager(bin.metafile, 'dist/start.js', ['yeoman-', '@yeoman', 'inquirer', '@inquirer', 'yaml', 'ejs']);
copyFileSync('src/cli/bin.js', 'dist/cli.js');
chmodSync('dist/cli.js', 0o755);

const yaml = await build({ ...shared, banner: {}, format: 'cjs', entryPoints: [require.resolve('yaml')], outfile: 'vendor/yaml/index.cjs' });

// yeoman-generator reads the package.json beside its folder, so it gets one, and its source stays as published.
const yeoman = await build({ ...shared, entryPoints: [require.resolve('yeoman-generator')], outfile: 'vendor/yeoman-generator/dist/index.js' });
const { name, version, license } = JSON.parse(readFileSync('node_modules/yeoman-generator/package.json', 'utf8'));
writeFileSync('vendor/yeoman-generator/package.json', `${JSON.stringify({ name, version, license, type: 'module' }, null, 2)}\n`);

writeFileSync('THIRD_PARTY_NOTICES.txt', noticesOf(bundledPackages([bin.metafile, yaml.metafile, yeoman.metafile], root)));
