import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import { allQuestions } from '../../src/questions.ts';
import { type Answering, emptyFolder, type Ran, runBin, tree } from '../support/command-line.ts';

const ESCAPE = String.fromCharCode(27);
const TEAM = ['--team', 'ana, bo'] as const;
const ANSWERED = ['profiles', '--yes', '--project-name', 'acme', ...TEAM] as const;

let folder: string;
beforeEach(() => {
  folder = emptyFolder();
});

/** A folder in which the profiles part is installed. */
async function installed(): Promise<string> {
  expect((await runBin(folder, ANSWERED)).status).toBe(0);
  return folder;
}
const put = (name: string, text: string | Uint8Array): void => {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
};
const oneLine = ({ err }: Ran): string => {
  expect(err).toMatch(/^dbt-envs: [^\n]+\n$/);
  return err;
};

describe('a wrong command line is exit status 2, one line, and nothing written', () => {
  test.each<[string, readonly string[], RegExp]>([
    ['a misspelt flag', ['--warehous', 'x'], /Did you mean --warehouse\?/],
    ['a misspelt value', ['--warehouse', 'duckbd', '--yes', ...TEAM], /--warehouse: There is no warehouse "duckbd"\. Did you mean duckdb\?/],
    ['a misspelt part', ['profile'], /Did you mean profiles\?/],
    ['a part too many', ['profiles', 'ci'], /One part at a time/],
    ['a flag given twice', ['--yes', '--yes'], /--yes is given twice/],
    ['a value left out', ['--ci'], /--ci needs a value/],
    ['a value for a switch', ['--json=true'], /--json takes no value/],
    ['two ways to settle', ['--force', '--keep'], /--force and --keep exclude each other/],
    ['two teams', [...TEAM, '--team-file', 'x'], /--team and --team-file exclude each other/],
    ['a check that takes', ['check', '--force'], /--check and --force exclude each other/],
    ['an edit of the roster elsewhere', ['grants', '--add', 'cy'], /--add belongs to the roster part/],
    [
      'a flag of a warehouse that was not chosen',
      ['--yes', ...TEAM, '--warehouse', 'duckdb', '--database', 'acme'],
      /--database belongs to postgres, snowflake, bigquery, and this project uses duckdb/,
    ],
    ['a flag of a warehouse that is not the default', ['--yes', ...TEAM, '--database', 'acme'], /--database belongs to postgres/],
    ['a team file that is not there', ['--team-file', 'none.csv'], /"none\.csv" cannot be read \(ENOENT\)/],
    ['a team at a file that is not there', ['--team', '@none.csv'], /"none\.csv" cannot be read/],
    ['a folder as a team file', ['--team-file', '.'], /cannot be read \(EISDIR\)/],
    ['a device without an end as a team file', ['--team-file', '/dev/zero'], /"\/dev\/zero" is larger than 16 MiB/],
    ['a team file without a name', ['--team-file='], /--team-file names no file\. Write it like --team-file team\.csv/],
    ['a team at a file without a name', ['--team', '@'], /"@" names no file\. Write it like @team\.csv/],
    ['an answers file without a name', ['--answers='], /--answers names no file\. Write it like --answers house\.json/],
    ['an answers file that is not there', ['--answers', 'none.json'], /"none\.json" cannot be read/],
    ['an empty team', ['--team', ' , '], /The team is empty/],
    ['two people in one schema', ['--team', 'Ana Li, ana.li'], /share the slug "ana_li"/],
    ['people whom the warehouse cannot know', ['--yes', ...TEAM, '--warehouse', 'bigquery'], /BigQuery knows people by their e-mail address.*--email-domain/],
    ['a project that dbt would misread', ['--project-name', 'acme_dbt'], /ends in "dbt"/],
    ['no terminal and no answers', [], /no terminal to ask at, and no answer for --project-name, --warehouse, --team/],
    ['defaults for everything', ['--yes'], /--yes invents no answer for --team/],
    ['an edit of a roster that is not there', ['roster', '--yes', ...TEAM, '--add', 'cy'], /There is no roster\.yml to edit/],
    ['a check of nothing', ['check'], /Nothing is installed in /],
  ])('%s', async (_, words, message) => {
    const ran = await runBin(folder, words);
    expect(oneLine(ran)).toMatch(message);
    expect({ status: ran.status, out: ran.out, files: tree(folder) }).toEqual({ status: 2, out: '', files: {} });
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    ['is no JSON', '{', /a\.json: this is no JSON/],
    ['is a list', '[]', /a\.json: this is no object of answers/],
    ['has an answer that nobody asked', '{"warehous": "duckdb"}', /There is no question "warehous"\. Did you mean warehouse\?/],
    ['has an answer that is no text', '{"warehouse": {}}', /"warehouse" is neither a text/],
    ['has a wrong answer', '{"warehouse": "duckbd", "team": "ana"}', /There is no warehouse "duckbd"/],
    ['is not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), /"?a\.json"? is not UTF-8/],
  ])('an answers file that %s', async (_, text, message) => {
    put('a.json', text);
    const ran = await runBin(folder, ['--yes', '--answers', 'a.json']);
    expect(oneLine(ran)).toMatch(message);
    expect({ status: ran.status, files: Object.keys(tree(folder)) }).toEqual({ status: 2, files: ['a.json'] });
  });

  test.each([[[]], [['check']], [['roster', '--add', 'cy']], [['roster', '--remove', 'bo']], [['explain', 'profiles.yml']]])(
    'a last day in roster.yml that is still to come, for %j, is status 1: the rights would go today',
    async (words) => {
      await runBin(folder, ANSWERED);
      put('roster.yml', `${readFileSync(path.join(folder, 'roster.yml'), 'utf8').replace('login: bo\n', 'login: bo\n    left: 2026-03-02\n')}`);
      const before = tree(folder);
      const ran = await runBin(folder, words[0] === 'explain' ? words : ['--yes', ...words]);
      expect(ran.status).toBe(1);
      expect(oneLine(ran)).toMatch(/roster\.yml line \d+: "bo" is to leave on 2026-03-02, and today is 2026-03-01 \(UTC\)/);
      expect(tree(folder)).toEqual(before);
    },
  );
  test('another team beside roster.yml names the way to edit it', async () => {
    await installed();
    const before = tree(folder);
    const ran = await runBin(folder, ['--yes', '--team', 'ana, cy']);
    expect(oneLine(ran)).toMatch(/--team differs from roster\.yml.*--add/);
    expect(ran.status).toBe(2);
    expect(tree(folder)).toEqual(before);
  });
});

describe('a run', () => {
  test('writes, says where and how many, numbers what is left, and repeats itself', async () => {
    const { status, err, out } = await runBin(folder, ANSWERED);
    expect({ status, out }).toEqual({ status: 0, out: '' });
    expect(err).toContain(`Project ${folder}`);
    expect(err).toMatch(/Files {3}\d+ to create/);
    expect(err).toContain('+ created    profiles.yml');
    expect(err).toMatch(/Next steps\n 1\. /);
    expect(err).toMatch(/\n {2}npx generator-dbt-envs profiles --yes /);
  });

  test('its last line gives the same files in another folder', async () => {
    const { err } = await runBin(folder, ANSWERED);
    const command = err.trimEnd().split('\n').at(-1) ?? '';
    const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(2);
    const other = emptyFolder();
    expect((await runBin(other, words)).status).toBe(0);
    expect(tree(other)).toEqual(tree(folder));
  });

  test('a second time it writes nothing, and asks for nothing', async () => {
    await installed();
    const times = () => Object.keys(tree(folder)).map((name) => [name, statSync(path.join(folder, name)).mtimeMs]);
    const before = times();
    const { status, err } = await runBin(folder, ['profiles']);
    expect(status).toBe(0);
    expect(times()).toEqual(before);
    expect(err).not.toMatch(/created|updated/);
  });

  test('finds the project upward from a folder inside it', async () => {
    await installed();
    mkdirSync(path.join(folder, 'models', 'deep'), { recursive: true });
    expect((await runBin(path.join(folder, 'models', 'deep'), ['check'])).status).toBe(0);
    expect((await runBin(emptyFolder(), ['check', '--project-dir', folder])).status).toBe(0);
  });

  test('reads .yo-rc.json, and says in one line what is wrong in it', async () => {
    put('.yo-rc.json', '{ "generator-dbt-envs": ');
    const ran = await runBin(folder, ANSWERED);
    expect(oneLine(ran)).toMatch(/\.yo-rc\.json is no JSON/);
    expect({ status: ran.status, files: Object.keys(tree(folder)) }).toEqual({ status: 1, files: ['.yo-rc.json'] });
  });
});

describe('one set of answers, given in different ways, gives the same files', () => {
  const answers: Readonly<Record<string, string>> = { projectName: 'acme', warehouse: 'postgres', prodSchemas: 'marts, staging', devDays: '14' };
  const flags = Object.entries(answers).flatMap(([name, value]) => [`--${allQuestions().find((question) => question.name === name)?.flag}`, value]);
  const flagged = async () => {
    const other = emptyFolder();
    expect((await runBin(other, ['profiles', '--yes', ...TEAM, ...flags])).status).toBe(0);
    return tree(other);
  };

  test('in an answers file, flat', async () => {
    const file = path.join(emptyFolder(), 'answers.json');
    writeFileSync(file, JSON.stringify({ ...answers, devDays: 14, team: ['ana', 'bo'] }));
    expect((await runBin(folder, ['profiles', '--yes', '--answers', file])).status).toBe(0);
    expect(tree(folder)).toEqual(await flagged());
  });

  test('in the .yo-rc.json of another project', async () => {
    const other = await flagged();
    const file = path.join(emptyFolder(), '.yo-rc.json');
    writeFileSync(file, other['.yo-rc.json'] ?? '');
    expect((await runBin(folder, ['profiles', '--answers', file, '--yes', ...TEAM])).status).toBe(0);
    expect(tree(folder)).toEqual(other);
  });

  test('in a .yo-rc.json and roster.yml of its own', async () => {
    const other = await flagged();
    put('.yo-rc.json', other['.yo-rc.json'] ?? '');
    put('roster.yml', other['roster.yml'] ?? '');
    expect((await runBin(folder, ['profiles'])).status).toBe(0);
    expect(tree(folder)).toEqual(other);
  });

  test('at a terminal', async () => {
    const typed: Readonly<Record<string, string>> = { ...answers, team: 'ana\nbo' };
    const { status, asked } = await runBin(folder, ['profiles', '--dev-days', '14'], ({ name }) => typed[name]);
    expect(status).toBe(0);
    expect(asked.filter(({ kind }) => kind !== 'confirmation').length).toBeLessThanOrEqual(7);
    expect(tree(folder)).toEqual(await flagged());
  });

  test('a flag beats an answers file', async () => {
    put('a.json', JSON.stringify({ projectName: 'other', team: 'ana, bo' }));
    expect((await runBin(folder, ['profiles', '--yes', '--answers', 'a.json', '--project-name', 'acme'])).status).toBe(0);
    expect(tree(folder)['.yo-rc.json']).toContain('"acme"');
  });
});

describe('a team is the same', () => {
  const roster = async (words: readonly string[], answering?: Answering) => {
    const ran = await runBin(folder, ['roster', '--project-name', 'acme', ...words], answering);
    expect(ran).toMatchObject({ status: 0 });
    return tree(folder)['roster.yml'];
  };
  const expected = async () => {
    const other = emptyFolder();
    await runBin(other, ['roster', '--yes', '--project-name', 'acme', '--team', 'ana, bo_li']);
    return tree(other)['roster.yml'];
  };
  test.each<[string, readonly string[]]>([
    ['as a list', ['--team', 'ana, bo_li']],
    ['with names as people write them', ['--team', 'Ana; Bo Li']],
    ['in a file of lines', ['--team', '@team.txt']],
    ['in a CSV with a header', ['--team-file', 'team.csv']],
  ])('%s', async (_, words) => {
    put('team.txt', '\uFEFFana\r\nbo_li\r\n');
    put('team.csv', 'login,name\nana,Ana\nbo_li,"Bo Li"\n');
    expect(await roster(['--yes', ...words])).toBe(await expected());
  });
  test('in several pasted lines', async () => expect(await roster([], ({ name }) => (name === 'team' ? 'ana\nbo_li' : undefined))).toBe(await expected()));
  test('in a file that is named at the prompt', async () => {
    put('team.txt', 'ana\nbo_li\n');
    expect(await roster([], ({ name }) => (name === 'team' ? '@team.txt' : undefined))).toBe(await expected());
  });
});

test.each<[string, readonly string[]]>([
  ['--team-file big.csv', ['--team-file', 'big.csv']],
  ['--team @big.csv', ['--team', '@big.csv']],
  ['--add @big.csv', ['roster', '--add', '@big.csv']],
])('what is wrong in a team file is said with the file and the line: %s', async (typed, words) => {
  put('big.csv', `name,login\n${Array.from({ length: 999 }, (_, at) => `P${at},p${at}\n`).join('')}Bo,b o\n`);
  const ran = await runBin(folder, ['--yes', ...words]);
  expect(ran.status).toBe(2);
  expect(oneLine(ran)).toContain(`dbt-envs: ${typed}: line 1001: "b o" cannot be a login: `);
});

test('roster --add takes a table as --team does', async () => {
  await installed();
  put('new.csv', 'login,slug,email\ne.ross,eve,eve.ross@acme.com\n');
  expect((await runBin(folder, ['roster', '--yes', '--add', '@new.csv'])).status).toBe(0);
  expect(tree(folder)['roster.yml']).toContain('  - slug: eve\n    login: e.ross\n    email: eve.ross@acme.com\n');
});

describe('--dry-run, --check and --json', () => {
  test('a dry run prints the differences and writes nothing', async () => {
    const { status, err } = await runBin(folder, [...ANSWERED, '--dry-run']);
    expect(status).toBe(0);
    expect(err).toMatch(/^\+\+\+ .*profiles\.yml/m);
    expect(err).toMatch(/Dry run: nothing was written\.\n$/);
    expect(tree(folder)).toEqual({});
  });

  test('check is 0 in step, and 1 where a file of ours is missing, which it then does not write', async () => {
    await installed();
    const before = tree(folder);
    expect(await runBin(folder, ['check'])).toMatchObject({ status: 0, err: expect.stringContaining('in step') });
    rmSync(path.join(folder, 'profiles.yml'));
    const { status, err } = await runBin(folder, ['--check', 'profiles']);
    expect({ status, err }).toEqual({ status: 1, err: expect.stringMatching(/! drift/) });
    expect(Object.keys(before)).toContain('profiles.yml');
    expect(Object.keys(tree(folder))).not.toContain('profiles.yml');
  });

  test.each<[string, readonly string[]]>([
    ['a run', []],
    ['a dry run', ['--dry-run']],
    ['a check', ['--check']],
  ])('%s prints one object on standard output', async (_, more) => {
    const { out } = await runBin(folder, [...ANSWERED, '--json', ...more]);
    const printed: unknown = JSON.parse(out);
    expect(printed).toMatchObject({ created: expect.arrayContaining(['profiles.yml']), updated: [], conflicts: [], nextSteps: expect.any(Array) });
  });
});

describe('a file that is yours and differs', () => {
  const MINE = 'name: mine\n';
  beforeEach(() => put('macros/dbt_envs/generate_schema_name.sql', MINE));
  const mine = () => readFileSync(path.join(folder, 'macros/dbt_envs/generate_schema_name.sql'), 'utf8');
  const settling =
    (...answers: string[]): Answering =>
    ({ name }) =>
      name === 'conflict' ? answers.shift() : name === 'team' ? 'ana, bo' : undefined;

  test.each<[string, readonly string[]]>([
    ['--yes', [...ANSWERED]],
    [
      'no terminal',
      ['profiles', '--project-name', 'acme', '--warehouse', 'duckdb', '--prod-schemas', 'analytics', '--source-schemas', '', '--ci', 'github', ...TEAM],
    ],
  ])('with %s ends the run: status 1, the file and both ways on, nothing written', async (_, words) => {
    const { status, err } = await runBin(folder, words);
    expect(status).toBe(1);
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/^dbt-envs: .*generate_schema_name\.sql.*--keep.*--force/);
    expect(Object.keys(tree(folder))).toEqual(['macros/dbt_envs/generate_schema_name.sql']);
  });

  test('--json lists it all the same', async () => {
    const { out } = await runBin(folder, [...ANSWERED, '--json']);
    expect(JSON.parse(out)).toMatchObject({ created: [], conflicts: ['macros/dbt_envs/generate_schema_name.sql'] });
  });

  test('--keep keeps it', async () => {
    expect((await runBin(folder, [...ANSWERED, '--keep'])).status).toBe(0);
    expect(mine()).toBe(MINE);
  });

  test('--force takes ours', async () => {
    expect((await runBin(folder, [...ANSWERED, '--force'])).status).toBe(0);
    expect(mine()).not.toBe(MINE);
  });

  test('is asked about at a terminal: the differences first, if wanted, then what to do', async () => {
    const { status, asked, err } = await runBin(folder, ['profiles'], settling('diff', 'take'));
    expect(status).toBe(0);
    expect(asked.filter(({ name }) => name === 'conflict')).toHaveLength(2);
    expect(err).toContain('-name: mine');
    expect(mine()).not.toBe(MINE);
  });

  test('can have ours beside it', async () => {
    expect((await runBin(folder, ['profiles'], settling('new'))).status).toBe(0);
    expect(mine()).toBe(MINE);
    expect(tree(folder)).toHaveProperty(['macros/dbt_envs/generate_schema_name.sql.new']);
  });

  test('is asked about once', async () => {
    await runBin(folder, ['profiles'], settling('keep'));
    expect(await runBin(folder, ['profiles'])).toMatchObject({ status: 0 });
    expect(mine()).toBe(MINE);
  });
});

describe('a damaged record', () => {
  const LOCK = '.dbt-envs.lock';
  test.each([
    ['an absolute path', '/etc/hostname'],
    ['a path outside', '../../../etc/hostname'],
    ['a path outside of the project, where there is no repository', '../other'],
    ['a folder', 'macros'],
    ['a file below a file', 'profiles.yml/x'],
    ['a path that no system takes', 'x'.repeat(5000)],
    ['a control character', 'a\0b'],
  ])('with %s is read all the same', async (_, line) => {
    await installed();
    const before = tree(folder);
    put(LOCK, `${before[LOCK]}${'0'.repeat(64)} ${line}\n`);
    expect(await runBin(folder, ['profiles'])).toMatchObject({ status: 0, err: expect.not.stringContaining('! conflict') });
    expect(tree(folder)).toEqual(before);
  });
  test('with a file that is no text is read all the same: it is not as we wrote it', async () => {
    await installed();
    put('old.sql', new Uint8Array([0xff, 0xfe, 0]));
    put(LOCK, `${tree(folder)[LOCK]}${'0'.repeat(64)} old.sql\n`);
    expect(await runBin(folder, ['profiles'])).toMatchObject({ status: 0, err: expect.stringContaining('old.sql (no longer planned)') });
  });
  test('that is no text is refused with the way out, and that works', async () => {
    await installed();
    const before = tree(folder);
    put(LOCK, new Uint8Array([0xff, 0xfe, 0x23, 0]));
    const ran = await runBin(folder, ['profiles']);
    expect(ran.status).toBe(1);
    expect(oneLine(ran)).toMatch(/^dbt-envs: \.dbt-envs\.lock is no text\. Restore it from git, or delete it: .* Nothing was written\.$/m);
    rmSync(path.join(folder, LOCK));
    expect((await runBin(folder, ['profiles'])).status).toBe(0);
    expect(tree(folder)).toEqual(before);
  });
});

describe.runIf(path.sep === '/')('a path as Windows writes it, where there is no Windows', () => {
  test.each([
    ['..\\x', /Write "\.\.\/x"\.\n$/],
    ['new\\deep', /Write "new\/deep"\.\n$/],
    ['C:\\Users\\x\\repo', /on WSL "\/mnt\/c\/Users\/x\/repo"\.\n$/],
    ['C:/Users/x/repo', /on WSL "\/mnt\/c\/Users\/x\/repo"\.\n$/],
    ['D:', /on WSL "\/mnt\/d"\.\n$/],
    ['\\\\server\\share', /Write the name that it has here\.\n$/],
  ])('--project-dir %s is refused with the form that would do: 2', async (typed, form) => {
    const ran = await runBin(folder, [...ANSWERED, '--project-dir', typed]);
    expect(ran.status).toBe(2);
    expect(oneLine(ran)).toMatch(form);
    expect(tree(folder)).toEqual({});
  });
  test('a folder of that name is one', async () => {
    mkdirSync(path.join(folder, 'a\\b'));
    expect(await runBin(folder, [...ANSWERED, '--project-dir', 'a\\b'])).toMatchObject({ status: 0 });
  });
  test('a colon elsewhere means nothing', async () => {
    expect(await runBin(folder, [...ANSWERED, '--project-dir', 'x:y'])).toMatchObject({ status: 0 });
  });
});

describe('a file of yours in the place of ours, kept', () => {
  const FILE = 'grants/audit.sql';
  const ALL = ['--yes', '--project-name', 'acme', '--warehouse', 'postgres', ...TEAM];
  test('has its way to ours in the check and in explain, and the way works', async () => {
    put(FILE, 'mine\n');
    expect((await runBin(folder, [...ALL, '--keep'])).status).toBe(0);
    const { status, err } = await runBin(folder, ['check']);
    expect({ status, err }).toEqual({
      status: 0,
      err: expect.stringMatching(/grants\/audit\.sql \(edited\)\n +To have ours .* delete that, then run with --force\.\n/),
    });
    expect((await runBin(folder, ['explain', FILE])).out.replace(/\s+/g, ' ')).toContain(
      'now Other than ours, and kept as you have it. To have ours, delete it and run with --force.',
    );
    expect((await runBin(folder, ['--yes', '--force'])).status).toBe(0);
    expect(tree(folder)[FILE]).toBe('mine\n');
    rmSync(path.join(folder, FILE));
    expect((await runBin(folder, ['--yes', '--force'])).status).toBe(0);
    expect(tree(folder)[FILE]).toMatch(/select/i);
    expect((await runBin(folder, ['check'])).err).not.toContain('To have ours');
  });
  test('and a place of ours in a file of yours has the same way', async () => {
    put('dbt_project.yml', 'name: acme\nprofile: acme\n');
    put('profiles.yml', 'acme:\n  target: prod\n  outputs: {}\n');
    expect((await runBin(folder, [...ALL, '--keep'])).status).toBe(0);
    const { out } = await runBin(folder, ['explain', 'profiles.yml']);
    expect(out.replace(/\s+/g, ' ')).toContain('acme.target: other than ours, and kept as you have it; to have ours, delete it and run with --force.');
    put('profiles.yml', (tree(folder)['profiles.yml'] ?? '').replace('  target: prod\n', ''));
    expect((await runBin(folder, ['--yes', '--force'])).status).toBe(0);
    expect(tree(folder)['profiles.yml']).toContain('target: dev');
  });
});

describe('a second project of one git repository', () => {
  const ALL = ['--yes', '--project-name', 'other', '--warehouse', 'postgres', ...TEAM];
  const at = (name: string): string => {
    mkdirSync(path.join(folder, name), { recursive: true });
    return path.join(folder, name);
  };
  beforeEach(() => at('.git'));

  test.each(
    ciProviders.flatMap(({ id }) => [
      [id, 'a/dbt', 'b/dbt', 'the one in a/dbt'] as const,
      [id, '.', 'b', 'the one at its root'] as const,
      [id, 'a/dbt', '.', 'the one in a/dbt'] as const,
    ]),
  )(
    '%s: where the first is in %s, it is told in %s whose the files at the root are, and no way that takes or forgets them',
    async (ci, first, second, owner) => {
      expect((await runBin(at(first), [...ALL, '--ci', ci])).status).toBe(0);
      const before = tree(folder);
      const { status, err } = await runBin(at(second), [...ALL, '--ci', ci, '--project-dir', '.']);
      const line = err.trimEnd().split('\n').at(-1);
      expect({ status, line }).toEqual({ status: 1, line: expect.stringContaining(`Another project of this repository, ${owner}, has these files`) });
      expect(line).not.toMatch(/--force|--keep/);
      expect(tree(folder)).toEqual(before);
      for (const part of ['profiles', 'grants'])
        expect(await runBin(at(second), [part, ...ALL, '--ci', ci, '--project-dir', '.'])).toMatchObject({ status: 0 });
    },
  );

  test('at a terminal is told so before it is asked, and is not offered ours', async () => {
    expect((await runBin(at('a'), ALL)).status).toBe(0);
    const { asked, err } = await runBin(at('b'), ALL.slice(1), ({ name }) => (name === 'conflict' ? 'keep' : undefined));
    const conflicts = asked.filter(({ name }) => name === 'conflict');
    expect(conflicts.length).toBeGreaterThan(0);
    expect(conflicts.flatMap(({ choices = [] }) => choices.map(({ value }) => value))).not.toContain('take');
    expect(err).toContain('Another project of this repository, the one in a, has these files');
  });

  test('is told so under --keep too', async () => {
    expect((await runBin(at('a'), ALL)).status).toBe(0);
    expect(await runBin(at('b'), [...ALL, '--keep'])).toMatchObject({
      status: 0,
      err: expect.stringContaining('Another project of this repository, the one in a'),
    });
  });

  test('takes nothing of the first by --force', async () => {
    expect((await runBin(at('a'), ALL)).status).toBe(0);
    const before = tree(folder);
    const { status, err } = await runBin(at('b'), [...ALL, '--force']);
    expect({ status, line: err.trimEnd().split('\n').at(-1) }).toEqual({
      status: 1,
      line: expect.stringContaining('Another project of this repository, the one in a,'),
    });
    expect(tree(folder)).toEqual(before);
  });

  test('whose own file at the root was edited is no stranger to itself', async () => {
    expect((await runBin(at('a/dbt'), [...ALL, '--ci', 'github'])).status).toBe(0);
    for (const name of Object.keys(tree(folder)).filter((one) => one.startsWith('.github/workflows/'))) put(name, `${tree(folder)[name]}# mine: a/dbt\n`);
    const { err } = await runBin(at('a/dbt'), ['--yes', '--main-branch', 'trunk']);
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/^dbt-envs: These files are yours and differ from ours: .*--force takes ours/);
  });

  test('whose neighbour cannot be read is told what everybody is', async () => {
    put('.github/workflows/dbt_deploy.yml', 'run: a/dbt and ../x and a/../../b\n');
    put('a/dbt/.dbt-envs.lock', 'no record\n');
    const { err } = await runBin(at('b/dbt'), [...ALL, '--ci', 'github']);
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/^dbt-envs: This file is yours and differs from ours: .*--force takes ours/);
  });
});

describe('at a terminal', () => {
  const answering: Answering = ({ name }) => (name === 'team' ? 'ana' : undefined);

  test('the last question is whether to write, and a no writes nothing: status 130', async () => {
    const ran = await runBin(folder, ['profiles'], (prompt) => (prompt.name === 'write' ? 'no' : answering(prompt)));
    expect(ran.asked.at(-1)).toMatchObject({ name: 'write', kind: 'confirmation', message: expect.stringContaining(folder) });
    expect(ran).toMatchObject({ status: 130, err: expect.stringMatching(/dbt-envs: Interrupted\. Nothing was written\.\n$/) });
    expect(tree(folder)).toEqual({});
  });

  test('--yes asks nothing', async () => expect(await runBin(folder, ANSWERED, answering)).toMatchObject({ status: 0, asked: [] }));

  test.each(['true', '1', 'yes'])('CI=%s means that nobody sits there: nothing is asked', async (ci) => {
    const ran = await runBin(folder, ['profiles'], answering, { CI: ci });
    expect(ran).toMatchObject({
      status: 2,
      asked: [],
      err: expect.stringMatching(/^dbt-envs: CI is set, so there is nobody to ask, and no answer for --project-name/),
    });
    expect(await runBin(folder, ANSWERED, answering, { CI: ci })).toMatchObject({ status: 0, asked: [] });
  });
  test.each(['', '0', 'false'])('CI="%s" means that somebody does', async (ci) =>
    expect((await runBin(folder, ['profiles'], answering, { CI: ci })).asked.length).toBeGreaterThan(1),
  );

  test.each(warehouses.flatMap(({ id: warehouse }) => ciProviders.map(({ id: ci }) => [warehouse, ci])))(
    'everything on %s with %s is at most seven questions away',
    async (warehouse, ci) => {
      const typed: Readonly<Record<string, string>> = { warehouse, ci, team: 'ana@example.com' };
      const { status, asked } = await runBin(folder, [], ({ name }) => typed[name]);
      expect(status).toBe(0);
      const questions = asked.filter(({ name }) => name !== 'write');
      expect(questions.length).toBeLessThanOrEqual(7);
      expect(asked.at(-1)).toMatchObject({ name: 'write' });
      expect(Object.keys(tree(folder))).toEqual(expect.arrayContaining(['profiles.yml', 'models/marts/fct_revenue.sql', 'grants/README.md']));
    },
  );

  test('before the last question it says what will be created and where', async () => {
    const { err } = await runBin(folder, ['profiles'], (prompt) => (prompt.name === 'write' ? 'no' : answering(prompt)));
    expect(err.replaceAll(new RegExp(`${ESCAPE}\\[[0-9]+m`, 'g'), '')).toMatch(
      /^Project .+\nFor {5}.+, 1 developer\nParts {3}profiles; needed for that: roster\nFiles {3}\d+ to create\n(?:! warning.+\n)*\+ create {5}\.yo-rc\.json, roster\.yml, profiles\.yml, macros\/ \(\d+\), /,
    );
  });

  test('a run that would write nothing asks nothing', async () => {
    await installed();
    expect(await runBin(folder, ['profiles'], answering)).toMatchObject({ status: 0, asked: [] });
  });

  test('the questions of the chosen warehouse are asked, the others are not', async () => {
    const names = async (warehouse: string) =>
      (await runBin(emptyFolder(), [], (prompt) => (prompt.name === 'write' ? 'no' : prompt.name === 'warehouse' ? warehouse : answering(prompt)))).asked.map(
        ({ name }) => name,
      );
    expect(await names('postgres')).toContain('database');
    expect(await names('duckdb')).not.toContain('database');
  });

  test('an answer that breaks a rule is objected to with the rule', async () => {
    const { asked } = await runBin(folder, ['profiles'], (prompt) => (prompt.name === 'write' ? 'no' : answering(prompt)));
    const objection = (name: string, answer: string) => asked.find((prompt) => prompt.name === name)?.objection(answer);
    expect(objection('projectName', 'Acme')).toMatch(/is no project name/);
    expect(objection('team', '@none.txt')).toMatch(/"none\.txt" cannot be read/);
    expect(objection('team', 'ana\nbo')).toBeUndefined();
  });
});

describe('colour', () => {
  test('is used at a terminal', async () => expect((await runBin(folder, ANSWERED, () => undefined)).err).toContain(ESCAPE));
  test.each<[string, Answering | undefined, Readonly<Record<string, string>>]>([
    ['in a pipe', undefined, {}],
    ['with NO_COLOR', () => undefined, { NO_COLOR: '1' }],
    ['on a dumb terminal', () => undefined, { TERM: 'dumb' }],
    ['with FORCE_COLOR=0', () => undefined, { FORCE_COLOR: '0' }],
  ])('is not used %s', async (_, answering, env) => {
    const { err, out } = await runBin(folder, ANSWERED, answering, env);
    expect(err + out).not.toContain(ESCAPE);
  });
  test('is not used with --no-color, whatever else is said', async () =>
    expect((await runBin(folder, [...ANSWERED, '--no-color'], () => undefined, { FORCE_COLOR: '1' })).err).not.toContain(ESCAPE));
  test('is used in a pipe with FORCE_COLOR', async () => expect((await runBin(folder, ANSWERED, undefined, { FORCE_COLOR: '1' })).err).toContain(ESCAPE));
});
