import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GitlabJob } from './gitlab-files.ts';

export interface ScriptOptions {
  /** The runner takes bash where the image has one. */
  readonly shell?: 'bash' | 'sh';
  /** Whatever is called with this in its words ends with an error. */
  readonly fails?: string;
  /** What the code host says of the merge request. */
  readonly state?: 'open' | 'closed' | 'moved';
  readonly env?: Readonly<Record<string, string>>;
}

export interface ScriptRun {
  readonly code: number;
  /** What it called, in order: `dbt …`, `python …`, `git …`. */
  readonly called: readonly string[];
}

const STUB = `#!/bin/sh
line="\${0##*/} $*"
echo "$line" >> "$CALLED"
case "$line" in
  "git clone"*) for last; do :; done; mkdir -p "$last" ;;
  *pull_request_state.py*) echo "$STATE" ;;
esac
if [ -n "$FAILS" ] && echo "$line" | grep -Fq "$FAILS"; then exit 3; fi
`;

/** The first lines of a script that gitlab-runner writes: shells/bash.go of gitlab.com/gitlab-org/gitlab-runner. */
const RUNNERS_OWN = 'if set -o | grep pipefail > /dev/null; then set -o pipefail; fi; set -o errexit\n';

/** A job's script as the runner gives it to a shell, with stand-ins for dbt, Python and git that note how they were called. */
export function runScript({ script = [] }: GitlabJob, { shell = 'bash', fails = '', state = 'open', env = {} }: ScriptOptions = {}): ScriptRun {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-script-'));
  const bin = path.join(folder, 'bin');
  for (const made of ['bin', 'target/dbt_envs']) mkdirSync(path.join(folder, made), { recursive: true });
  writeFileSync(path.join(folder, 'target/dbt_envs/card.md'), '');
  for (const name of ['dbt', 'python', 'git']) {
    writeFileSync(path.join(bin, name), STUB);
    chmodSync(path.join(bin, name), 0o755);
  }
  writeFileSync(path.join(folder, 'script'), `${RUNNERS_OWN}${script.join('\n')}\n`);
  const called = path.join(folder, 'called');
  // A job asks for each of its settings: in a loop, or by itself where it has one.
  const variables = Object.fromEntries(
    [...script.join('\n').matchAll(/for name in (.*); do|\[ -z "\$(\w+)" \]/g)].flatMap(([, names, name = '']) =>
      (names ?? name).split(' ').map((one) => [one, 'set']),
    ),
  );
  const { status } = spawnSync(shell, ['script'], {
    cwd: folder,
    env: {
      ...variables,
      PATH: `${bin}:/usr/bin:/bin`,
      CALLED: called,
      FAILS: fails,
      STATE: state,
      CI_PROJECT_DIR: folder,
      CI_MERGE_REQUEST_IID: '142',
      CI_COMMIT_SHA: 'c'.repeat(40),
      CI_COMMIT_REF_PROTECTED: 'true',
      CI_REPOSITORY_URL: 'https://gitlab.example.com/acme/dbt.git',
      CI_PIPELINE_URL: 'https://gitlab.example.com/acme/dbt/-/pipelines/1',
      ...env,
    },
  });
  return { code: status ?? 1, called: existsSync(called) ? readFileSync(called, 'utf8').trim().split('\n') : [] };
}
