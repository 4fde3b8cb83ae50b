import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bigqueryPlans } from '../support/bigquery-emitted.ts';
import { COMMANDS, readCalls } from '../support/google-cloud-cli.ts';
import { type PythonEnvironment, pythonEnvironment } from '../support/python.ts';

let tools: PythonEnvironment;
let folder: string;
beforeAll(async () => {
  tools = await pythonEnvironment('tools');
  folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
});

const run = (program: string, args: readonly string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    execFile(program, [...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 127, output: stdout + stderr }),
    );
  });
const written = (name: string, text: string): string => {
  const file = path.join(folder, name.replaceAll(/\W+/g, '-'));
  writeFileSync(file, text);
  return file;
};
const shellcheck = (file: string) => run(tools.bin('shellcheck'), ['--shell=bash', '--severity=style', file]);
const syntax = (file: string) => run('bash', ['-n', file]);

const scripts = Object.entries(bigqueryPlans).flatMap(([layout, files]) =>
  files.filter(({ path: name }) => /^grants\/.*\.sh$/.test(name)).map(({ path: name, contents }) => [`${layout}: ${name}`, contents] as const),
);
/** Commands that somebody types by hand: in a block, and in the middle of a sentence. */
const typed = Object.entries(bigqueryPlans).flatMap(([layout, files]) =>
  files
    .filter(({ path: name }) => name.endsWith('.md'))
    .map(({ path: name, contents }) => {
      const [, ...blocks] = contents.split(/^ *```.*\n/m);
      const inline = [...contents.matchAll(/`((?:gcloud|bq) [^`]+)`/g)].map(([, command = '']) => command);
      return [`${layout}: ${name}`, [...blocks.filter((__, at) => at % 2 === 0), ...inline].join('\n')] as const;
    })
    .filter(([, text]) => /\b(?:gcloud|bq) /.test(text)),
);

describe('the shell scripts of grants/', () => {
  test('are there, in every layout', () => expect(scripts.length).toBeGreaterThanOrEqual(6 * Object.keys(bigqueryPlans).length));
  test.each(scripts)('%s: bash can read it, and shellcheck has nothing to say', async (name, text) => {
    const file = written(name, text);
    expect(await syntax(file)).toEqual({ code: 0, output: '' });
    expect(await shellcheck(file)).toEqual({ code: 0, output: '' });
  });
  test('a planted mistake is found by each', async () => {
    expect((await shellcheck(written('planted quote', '#!/usr/bin/env bash\ngcloud projects describe $1\n'))).output).toContain('SC2086');
    expect((await syntax(written('planted if', 'if true; then\n'))).code).not.toBe(0);
  });
});

describe('the commands of gcloud and bq', () => {
  test.each([...scripts, ...typed])('%s: each has its flags from its reference page', (_, text) => expect(readCalls(text).unknown).toEqual([]));
  test('are all in use, and none is read past', () => {
    const seen = new Set([...scripts, ...typed].flatMap(([, text]) => readCalls(text).seen));
    expect(seen.size).toBeGreaterThan(20);
    expect([...seen].filter((name) => !COMMANDS.has(name))).toEqual([]);
    for (const [name, text] of scripts) {
      const calls =
        text
          .replace(/^\s*#.*$/gm, '')
          .match(/\b(?:gcloud (?:beta|iam|projects|services|auth|config|asset|org-policies)|bq (?:query|show|update|mk|rm|ls|add-iam-policy-binding))\b/g) ??
        [];
      expect([name, calls.length > 0 && readCalls(text).seen.length === 0]).toEqual([name, false]);
    }
  });
  test.each([
    ['a command', 'gcloud iam service-account create x'],
    ['a command of bq', 'bq grant x'],
    ['a flag', 'gcloud iam service-accounts create "$1" --displayname=x'],
    ['a flag of another command', 'gcloud projects describe x --member=y'],
    ['a flag before the command', 'bq --projectid=x query --use_legacy_sql=false'],
    ['a flag behind a condition', 'if ! gcloud projects describe x --membr=y > /dev/null 2>&1; then'],
    ['a flag inside', 'number=$(gcloud projects describe x --fromat=json)'],
    ['a flag after a quote', `gcloud iam roles create x --title='a -- b' --permission="$4"`],
    ['a command that a variable completes', 'action=create-odic\ngcloud iam workload-identity-pools providers "$action" x --location=global'],
  ])('%s that is not there is found', (_, text) => expect(readCalls(`${text}\n`).unknown).not.toEqual([]));
  test.each([
    ['in a text', `echo 'gcloud makes it'\n`],
    ['in a comment', '# gcloud auth lgin\n'],
    ['as a name to look for', 'for tool in gcloud bq jq; do\n'],
  ])('a word %s is none', (_, text) => expect(readCalls(text)).toEqual({ unknown: [], seen: [] }));
});
