import { execFile } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeRegistry, fakeRegistry } from '../support/fake-registry.ts';
import { languageFindings } from '../support/github-language.ts';
import { ruleFindings } from '../support/github-rules.ts';
import { environmentOf, interpolate, parseWorkflow } from '../support/github-workflow.ts';
import { packed } from '../support/package.ts';
import { pythonEnvironment } from '../support/python.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const WORKFLOWS = ['ci.yml', 'publish.yml'] as const;
const text = (name: (typeof WORKFLOWS)[number]): string => readFileSync(path.join(root, '.github/workflows', name), 'utf8');
const publish = text('publish.yml');

interface Ran {
  readonly code: number;
  readonly output: string;
}
const run = (program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(program, [...args], { cwd, env, maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 127, output: stdout + stderr }),
    );
  });
const folder = (): string => mkdtempSync(path.join(tmpdir(), 'dbt-envs-release-'));

function planted(from: string | RegExp, to: string, original = publish): string {
  const mutant = original.replace(from, to);
  expect(mutant, `nothing to plant at ${from}`).not.toBe(original);
  return mutant;
}

/** What a release must keep to beyond our rules for every workflow. One line a finding. */
function releaseFindings(given: string): readonly string[] {
  const { on, jobs } = parseWorkflow(given);
  const { publish: last, ...others } = jobs;
  if (last === undefined) return ['there is no job publish'];
  const scripts = last.steps.map(({ run: script = '' }) => script);
  const publishing = scripts.findIndex((script) => script.includes('npm publish'));
  const comparing = scripts.findIndex((script) => script.includes('INTEGRITY') && script.includes('exit 1'));
  return [
    ...(JSON.stringify(Object.keys(on)) === '["push"]' && JSON.stringify(on.push).startsWith('{"tags":["v') ? [] : ['something else than a tag starts it']),
    ...(/secrets\.|NODE_AUTH_TOKEN|_authToken/.test(given) ? ['it holds a token'] : []),
    ...Object.entries(others).flatMap(([id, job]) =>
      JSON.stringify(job.permissions) === '{"contents":"read"}' ? [] : [`${id} may do more than read the code`],
    ),
    ...(JSON.stringify(last.permissions) === '{"id-token":"write"}' ? [] : ['publish may do more than say who it is']),
    ...(environmentOf(last) === 'npm' ? [] : ['publish is outside the environment that npm trusts']),
    ...(last.steps.some(({ uses = '' }) => uses.startsWith('actions/checkout@')) ? ['publish has our code'] : []),
    ...(scripts.some((script) => /npm (?:ci|i|install|run|exec|pack)\b|npx/.test(script)) ? ['publish runs code of ours or of a dependency'] : []),
    ...(/^npm publish \.\/release\/\*\.tgz --provenance --access public --ignore-scripts$/.test(scripts[publishing] ?? '')
      ? []
      : ['not the tested tarball is published, with its provenance and without scripts']),
    ...(comparing >= 0 && comparing < publishing ? [] : ['nothing compares the tarball before it is published']),
  ];
}

describe('the workflows of this repository', () => {
  test.each(WORKFLOWS)("%s is valid in GitHub's language service", async (name) => expect(await languageFindings(text(name))).toEqual([]));
  test.each(WORKFLOWS)('%s: zizmor at its strictest finds nothing, and nothing tells it to be silent', async (name) => {
    const { code, output } = await zizmor(text(name));
    expect(output).toMatch(/No findings[\s\S]*completed|completed[\s\S]*No findings/);
    expect(code).toBe(0);
    expect(text(name)).not.toContain('zizmor: ignore');
  });
  test.each(WORKFLOWS)('%s keeps the rules of the workflows that we emit, but for what a release needs', (name) => {
    expect(ruleFindings(text(name)).filter((finding) => !/: a cache,/.test(finding))).toEqual([]);
  });
  test('the caches that the rules see are switched off', () => {
    for (const name of WORKFLOWS) expect(text(name).replaceAll('package-manager-cache: false', '')).not.toContain('cache:');
  });
  test('a release keeps its own rules', () => expect(releaseFindings(publish)).toEqual([]));
  test.each(WORKFLOWS)('%s: shellcheck has nothing to say about its scripts', async (name) => {
    const { bin } = await pythonEnvironment('tools');
    for (const { run: script } of Object.values(parseWorkflow(text(name)).jobs).flatMap(({ steps }) => steps)) {
      if (script === undefined) continue;
      const file = path.join(folder(), 'step.sh');
      writeFileSync(file, script);
      expect(await run(bin('shellcheck'), ['--shell=bash', '--severity=style', file], root), script).toEqual({ code: 0, output: '' });
    }
  });
});

const zizmor = async (given: string): Promise<Ran> => {
  const cwd = folder();
  mkdirSync(path.join(cwd, '.github/workflows'), { recursive: true });
  writeFileSync(path.join(cwd, '.github/workflows/one.yml'), given);
  const { bin } = await pythonEnvironment('tools');
  return run(bin('zizmor'), ['--offline', '--no-progress', '--no-config', '--persona=auditor', '--format=plain', '.github/workflows'], cwd);
};

describe('a planted mistake is caught', () => {
  test.each<[string, string | RegExp, string, RegExp]>([
    ['a token outside an environment', 'run: .ci/run\n', `run: .ci/run\n        env:\n          TOKEN: \${{ secrets.NPM_TOKEN }}\n`, /secrets-outside-env/],
    ['a tag for a commit', /@[0-9a-f]{40} # v8.0.1/, '@v8', /unpinned-uses/],
    ['the tag inside a script', '"$GITHUB_REF_NAME" "$GITHUB_REPOSITORY"', `\${{ github.ref_name }} x`, /template-injection/],
    ['a token left on disk', / {8}with:\n {10}persist-credentials: false\n/, '', /artipacked/],
    ['permissions for everything', 'permissions: {}', 'permissions: write-all', /excessive-permissions/],
    ['a cache that a pull request can fill', 'package-manager-cache: false', 'cache: npm', /cache-poisoning/],
  ])('by zizmor: %s', async (_, from, to, audit) => {
    const { code, output } = await zizmor(planted(from, to));
    expect(output).toMatch(audit);
    expect(code).not.toBe(0);
  });

  test.each<[string, string | RegExp, string, RegExp]>([
    ['an unknown permission', 'id-token: write', 'id-tokens: write', /id-tokens/],
    ['a job that is not there', 'needs: test', 'needs: tests', /tests/],
    ['an output that no step gives', 'steps.tarball.outputs', 'steps.tarballs.outputs', /tarballs/],
    ['an unknown key', '    environment: npm', '    environmnt: npm', /environmnt/],
  ])("by GitHub's language service: %s", async (_, from, to, finding) => {
    expect((await languageFindings(planted(from, to))).join('\n')).toMatch(finding);
  });

  test.each<[string, string | RegExp, string, string]>([
    ['a push to main', "    tags: ['v[0-9]+.[0-9]+.[0-9]+']", '    branches: [main]', 'something else than a tag starts it'],
    ['by hand', 'on:\n', 'on:\n  workflow_dispatch:\n', 'something else than a tag starts it'],
    ['a token', '--ignore-scripts\n', `--ignore-scripts\n        env:\n          NODE_AUTH_TOKEN: \${{ secrets.NPM_TOKEN }}\n`, 'it holds a token'],
    [
      'tests that may say who they are',
      'contents: read # the code\n',
      'contents: read # the code\n      id-token: write\n',
      'test may do more than read the code',
    ],
    [
      'a release that may write to the repository',
      '      id-token: write',
      '      contents: write\n      id-token: write',
      'publish may do more than say who it is',
    ],
    ['no environment', '    environment: npm\n', '', 'publish is outside the environment that npm trusts'],
    ['packed anew', 'npm publish ./release/*.tgz', 'npm publish', 'not the tested tarball is published, with its provenance and without scripts'],
    ['no provenance', ' --provenance', '', 'not the tested tarball is published, with its provenance and without scripts'],
    [
      'dependencies installed beside the identity',
      '      - name: Publish\n',
      '      - run: npm ci\n      - name: Publish\n',
      'publish runs code of ours or of a dependency',
    ],
    [
      'a comparison that stops nothing',
      '            exit 1\n          fi\n      - name: Publish',
      '          fi\n      - name: Publish',
      'nothing compares the tarball before it is published',
    ],
  ])('by the rules of a release: %s', (_, from, to, finding) => expect(releaseFindings(planted(from, to))).toEqual([finding]));
});

/**
 * The scripts of the job `publish`, word for word, against a registry on this machine. Provenance alone is left out: it
 * is signed by a service that is not here.
 */
describe('what the job publish does', () => {
  let registry: FakeRegistry;
  let name: string;
  let version: string;
  beforeAll(() => {
    ({ name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')));
  });
  beforeEach(async () => {
    registry = await fakeRegistry(name);
  });
  afterEach(() => registry.close());

  async function published(integrity: string, tamper: (tarball: string) => void = () => {}): Promise<Ran> {
    const cwd = folder();
    const home = folder();
    mkdirSync(path.join(cwd, 'release'));
    const { tarball } = await packed();
    const copy = path.join(cwd, 'release', path.basename(tarball));
    copyFileSync(tarball, copy);
    tamper(copy);
    const npm = path.join(home, 'bin', 'npm');
    mkdirSync(path.dirname(npm));
    writeFileSync(
      npm,
      `#!/usr/bin/env bash\nexec "${(await run('bash', ['-c', 'command -v npm'], cwd)).output.trim()}" "\${@/--provenance/--no-provenance}"\n`,
    );
    chmodSync(npm, 0o755);
    const env = {
      ...registry.github,
      PATH: `${path.dirname(npm)}:${process.env.PATH ?? ''}`,
      HOME: home,
      npm_config_registry: registry.url,
      npm_config_fetch_retries: '0',
      GITHUB_REF_NAME: `v${version}`,
      GITHUB_STEP_SUMMARY: path.join(home, 'summary'),
      WAIT_SECONDS: '0',
    };
    let output = '';
    for (const { run: script, env: own = {} } of parseWorkflow(publish).jobs.publish?.steps ?? []) {
      if (script === undefined) continue;
      const values = Object.entries(own).map(([key, value]) => [key, interpolate(value, { needs: { test: { outputs: { integrity } } } })] as const);
      const ran = await run('bash', ['-eo', 'pipefail', '-c', script], cwd, { ...env, ...Object.fromEntries(values) });
      output += ran.output;
      if (ran.code !== 0) return { code: ran.code, output };
    }
    return { code: 0, output };
  }

  test('sends the tested bytes, with a token that lives for this one job, and finds them in the registry', async () => {
    const { tarball, integrity } = await packed();
    const { code, output } = await published(integrity);
    expect(code, output).toBe(0);
    expect(registry.published).toEqual([readFileSync(tarball)]);
    expect(registry.said).toEqual(['GitHub: Bearer of-this-job for npm:127.0.0.1', 'exchange: Bearer identity', 'publish: Bearer npm_short_lived']);
  });
  test('stops before npm where the tarball is not what was tested', async () => {
    const { integrity } = await packed();
    const { code, output } = await published(integrity, (tarball) => appendFileSync(tarball, 'x'));
    expect(code).toBe(1);
    expect(output).toMatch(/::error::The tarball is sha512-\S+; the tests ran on sha512-\S+\. Nothing is published\./);
    expect(registry.said).toEqual([]);
  });
  test('and where the tests named none', async () => {
    expect((await published('')).code).toBe(1);
    expect(registry.said).toEqual([]);
  });
  test('nobody publishes from a laptop, not even with a token: no provenance can be made there', async () => {
    const { tarball } = await packed();
    const home = folder();
    writeFileSync(path.join(home, '.npmrc'), `${registry.url.replace('http:', '')}:_authToken=mine\n`);
    const env = { PATH: process.env.PATH, HOME: home, npm_config_registry: registry.url, npm_config_fetch_retries: '0' };
    const laptop = await run('npm', ['publish', tarball], home, env);
    expect(laptop.code).not.toBe(0);
    expect(laptop.output).toContain('provenance');
    expect(registry.published).toEqual([]);
    expect((await run('npm', ['publish', tarball, '--no-provenance'], home, env)).code, 'the control').toBe(0);
    expect(registry.published).toHaveLength(1);
  });
});

describe('a tag', () => {
  async function reasons(tag: string, manifest: object = {}, changelog = '# Changelog\n\n## 1.2.3\n'): Promise<Ran> {
    const cwd = folder();
    writeFileSync(
      path.join(cwd, 'package.json'),
      JSON.stringify({ version: '1.2.3', repository: { type: 'git', url: 'git+https://github.com/acme/generator.git' }, ...manifest }),
    );
    writeFileSync(path.join(cwd, 'CHANGELOG.md'), changelog);
    return run(process.execPath, [path.join(root, 'tools/release.mjs'), tag, 'acme/generator'], cwd);
  }
  test('of this version, with an entry in the changelog, is a release', async () => expect(await reasons('v1.2.3')).toEqual({ code: 0, output: '' }));
  test.each<[string, Parameters<typeof reasons>, RegExp]>([
    ['of another version', ['v1.2.4'], /^The tag is v1\.2\.4 and package\.json says 1\.2\.3: .+\n$/],
    ['without the v', ['1.2.3'], /^The tag is 1\.2\.3 /],
    [
      'of another repository',
      ['v1.2.3', { repository: { url: 'git+https://github.com/fork/generator.git' } }],
      /repository\.url is git.*fork.*acme\/generator\.git\.\n$/,
    ],
    ['of a package that names none', ['v1.2.3', { repository: undefined }], /repository\.url is missing/],
    ['that the changelog does not know', ['v1.2.3', {}, '# Changelog\n\n## 1.2.30\n'], /no heading "## 1\.2\.3"/],
  ])('%s is none', async (_, given, message) => {
    const { code, output } = await reasons(...given);
    expect(output).toMatch(message);
    expect(code).toBe(1);
  });
});
