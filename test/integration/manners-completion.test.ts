import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { allOptions, commandNames, flagsOf, type ShellName, shells } from '../../src/shell/options.ts';
import { havePrograms } from '../support/debian.ts';
import { installed } from '../support/package.ts';
import { ENTER, play, type Step } from '../support/terminal.ts';
import { folderOfNobody, putForNobody } from '../support/yo.ts';

let bins: string;
beforeAll(async () => {
  havePrograms(shells);
  bins = path.join(await installed(), 'node_modules', '.bin');
});

const TAB = '\t';
const READY = 'READY> ';
/** What is run instead of the bin, so that a line shows what it became: the words, with `--flag=value` as two, no slash after a folder and `_` for a blank. */
const SHOW = `printf '%s ' ARGS "\${@// /_}" | sed 's,/ , ,; s,=, ,g'; echo`;
const FISH_SHOW = `printf '%s ' ARGS (string replace -a ' ' _ -- $argv) | sed 's,/ , ,; s,=, ,g'; echo`;

/** How each shell starts with nothing of this machine's, and with the line that the script itself tells people to write. */
const STARTS: Readonly<Record<ShellName, (cwd: string, source: string) => readonly string[]>> = {
  bash: (cwd, source) => {
    const show = ['dbt-envs', 'generator-dbt-envs'].map((name) => `${name}() { ${SHOW}; }`).join('\n');
    putForNobody(cwd, '.start/rc', `${source}\n${show}\nPS1='${READY}'\n`);
    return ['bash', '--noprofile', '--rcfile', path.join(cwd, '.start/rc'), '-i'];
  },
  zsh: (cwd, source) => {
    const show = `dbt-envs generator-dbt-envs() { ${SHOW} }`;
    putForNobody(cwd, '.start/.zshrc', `autoload -Uz compinit\ncompinit -u -D\n${source}\n${show}\nPS1='${READY}'\n`);
    return ['env', `ZDOTDIR=${path.join(cwd, '.start')}`, 'zsh', '-d', '-i'];
  },
  fish: (cwd, source) => {
    const show = ['dbt-envs', 'generator-dbt-envs'].map((name) => `function ${name}; ${FISH_SHOW}; end`).join('\n');
    putForNobody(cwd, '.start/start.fish', `${source}\n${show}\nfunction fish_prompt; printf '${READY}'; end\n`);
    return ['fish', '--no-config', '-i', '-C', `source ${path.join(cwd, '.start/start.fish')}`];
  },
};
const SOURCES: Readonly<Record<ShellName, string>> = {
  bash: 'source <(dbt-envs completion bash)',
  zsh: 'source <(dbt-envs completion zsh)',
  fish: 'dbt-envs completion fish | source',
};

/** A folder with files to name, and what is played there. */
function played(shell: ShellName, steps: readonly Step[], source = SOURCES[shell]) {
  const cwd = folderOfNobody();
  for (const file of ['profiles.yml', 'team.csv', 'data/dbt/keep', 'my people.csv', 'pk/a b [x]/f g']) putForNobody(cwd, file, '');
  const [program = '', ...words] = STARTS[shell](cwd, source);
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
  const env = { PATH: `${bins}${path.delimiter}${process.env.PATH ?? ''}`, LANG: 'C.UTF-8' };
  return play([found, ...words], cwd, steps, { env, rows: 120, columns: 200 });
}

/** The first letters of a value that no other choice begins with. */
function shortest(value: string, all: readonly string[]): string {
  for (let length = 1; length < value.length; length++) {
    const start = value.slice(0, length);
    if (all.filter((one) => one.startsWith(start)).length === 1) return start;
  }
  return value;
}
const choices = allOptions().flatMap(({ flag, question }) =>
  question?.choices === undefined ? [] : question.choices.map(({ value }) => ({ flag, value, all: question.choices?.map((one) => one.value) ?? [] })),
);

/** What is typed, and the words that the line becomes. */
const LINES: readonly (readonly [typed: string, becomes: string])[] = [
  ...commandNames.map((name) => [`${shortest(name, commandNames)}${TAB}`, name] as const),
  [`--wareh${TAB}`, '--warehouse'],
  ...choices.map(({ flag, value, all }) => [`--${flag} ${shortest(value, all)}${TAB}`, `--${flag} ${value}`] as const),
  ...choices.slice(0, 2).map(({ flag, value, all }) => [`--${flag}=${shortest(value, all)}${TAB}`, `--${flag} ${value}`] as const),
  [`--main-branch ci --dry${TAB}`, '--main-branch ci --dry-run'],
  [`--main-branch ci pro${TAB}`, '--main-branch ci profiles'],
  [`roster --rena${TAB}`, 'roster --rename'],
  [`grants --rena${TAB}`, 'grants --rena'],
  [`explain --for${TAB}`, 'explain --for'],
  [`explain --js${TAB}`, 'explain --json'],
  [`explain prof${TAB}`, 'explain profiles.yml'],
  [`completion fi${TAB}`, 'completion fish'],
  [`--team-file te${TAB}`, '--team-file team.csv'],
  [`--project-dir da${TAB}`, '--project-dir data'],
  [`--project-dir pk/${TAB}`, '--project-dir pk/a_b_[x]'],
  [`explain pk/a${TAB}f${TAB}`, 'explain pk/a_b_[x]/f_g'],
  [`--team-file my${TAB}`, '--team-file my_people.csv'],
];
/** bash hands the script the line's own quotes, and takes `@` for a word. */
const OWN_LINES: Readonly<Record<ShellName, typeof LINES>> = {
  bash: [
    [`explain "my${TAB}`, 'explain my_people.csv'],
    [`explain my\\ p${TAB}`, 'explain my_people.csv'],
    [`--team @my${TAB}`, '--team @my_people.csv'],
    [`--team=@my${TAB}`, '--team @my_people.csv'],
    [`--team @pk/a${TAB}f${TAB}`, '--team @pk/a_b_[x]/f_g'],
    [`--team ana@my${TAB}`, '--team ana@my'],
    [`--team @te${TAB}ros${TAB}`, '--team @team.csv roster'],
  ],
  zsh: [],
  fish: [],
};

describe.each(shells)('%s', (shell) => {
  test('completes parts, flags, values and files, for both names of the bin', () => {
    const lines = [
      ...[...LINES, ...OWN_LINES[shell]].map(([typed, becomes]) => ['dbt-envs', typed, becomes] as const),
      ['generator-dbt-envs', `gran${TAB}`, 'grants'] as const,
    ];
    const expected = lines.map(([, , becomes]) => `ARGS ${becomes} `);
    const steps = lines.map(([name, typed], at): Step => [at === 0 ? READY : `${expected[at - 1]}`, `${name} ${typed}${ENTER}`]);
    const { missing, shown, status } = played(shell, [...steps, [expected.at(-1) ?? '', `exit${ENTER}`]]);
    expect({ missing, status }, shown).toEqual({ missing: null, status: 0 });
  });

  test('without our script completes nothing: the test above can fail', () => {
    const { missing } = played(
      shell,
      [
        [READY, `dbt-envs --wareh${TAB}${ENTER}`],
        ['ARGS --wareh ', `exit${ENTER}`],
      ],
      ':',
    );
    expect(missing).toBe(null);
  });
});

/** Every word that a shell offers after a line. */
const OFFERED: Readonly<Record<ShellName, (line: string) => readonly string[]>> = {
  bash: (line) => {
    const words = line.split(' ');
    const script = `source <(dbt-envs completion bash); COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _dbt_envs; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return said('bash', ['--norc', '-c', script]);
  },
  fish: (line) => said('fish', ['--no-config', '-c', `dbt-envs completion fish | source; complete -C '${line}'`]).map((one) => one.split('\t')[0] ?? ''),
  // zsh has no way to ask but to type.
  zsh: (line) => {
    const { shown } = played('zsh', [
      [READY, `${line}${TAB}`],
      ['--', `\u0015exit${ENTER}`],
    ]);
    return [...shown.matchAll(/(?:^|\s)(--[a-z-]+)(?==?(?:\s|$))/gm)].flatMap(([, flag]) => (flag === undefined ? [] : [flag]));
  },
};
function said(program: string, words: readonly string[]): readonly string[] {
  const { stdout, stderr } = spawnSync(program, [...words], {
    encoding: 'utf8',
    env: { PATH: `${bins}${path.delimiter}${process.env.PATH ?? ''}`, HOME: folderOfNobody() },
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe.each(shells)('every flag of the table is offered, and no other, by %s', (shell) => {
  const all = allOptions();
  const long = (offered: readonly string[]) => [...new Set(offered.filter((word) => word.startsWith('--')))].sort();
  const flags = (keep: (option: (typeof all)[number]) => boolean) =>
    all
      .filter(keep)
      .map(({ flag }) => `--${flag}`)
      .sort();
  test('at first', () => expect(long(OFFERED[shell]('dbt-envs --'))).toEqual(flags(({ only }) => only === undefined)));
  test('after roster', () => expect(long(OFFERED[shell]('dbt-envs roster --'))).toEqual(flags(({ only }) => only === undefined || only === 'roster')));
  test('after explain', () => {
    const known: readonly string[] = flagsOf.explain ?? [];
    expect(long(OFFERED[shell]('dbt-envs explain --'))).toEqual(flags(({ flag }) => known.includes(flag)));
  });
});

test.each(shells)('%s reads our script without a complaint, and a planted mistake with one', (shell) => {
  const folder = folderOfNobody();
  const [script] = [said(path.join(bins, 'dbt-envs'), ['completion', shell]).join('\n')];
  const check = (text: string): number | null => {
    writeFileSync(path.join(folder, 'script'), text);
    return spawnSync(shell, ['-n', path.join(folder, 'script')]).status;
  };
  expect(check(script)).toBe(0);
  expect(check(`${script}\nif (`)).not.toBe(0);
});
