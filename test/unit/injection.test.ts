import { loadModule } from 'libpg-query';
import { beforeAll, describe, expect, test } from 'vitest';
import { RunError, UsageError } from '../../src/errors.ts';
import { AnswerError, allQuestions, parseAnswer } from '../../src/questions.ts';
import { parseRosterFile } from '../../src/roster/roster-file.ts';
import {
  accepted,
  COVERED,
  type Field,
  firstDifference,
  isAccepted,
  isOneLine,
  MARKS,
  POOL,
  planUnchecked,
  planWith,
  rounds,
  vendors,
} from '../support/hostile-plan.ts';

beforeAll(loadModule);

describe('every answer', () => {
  const texts = allQuestions().filter(({ choices }) => choices === undefined);

  test.each(allQuestions().map((one) => [one.flag, one] as const))(
    '--%s refuses an attack in one line that names the flag, or takes it for a plain value',
    (flag, question) => {
      for (const text of POOL) {
        let value: unknown;
        try {
          value = parseAnswer(question, text);
        } catch (error) {
          if (!(error instanceof AnswerError)) throw error;
          expect(error.message.startsWith(`--${flag}: `), error.message).toBe(true);
          expect(error.message).toSatisfy(isOneLine);
          continue;
        }
        // What gets through holds nothing that opens or closes anything in any language that we write.
        if (question.choices === undefined)
          expect(JSON.stringify(value), `--${flag} lets ${JSON.stringify(text)} through`).toMatch(/^[\w ./:@+,=?&~"{}[\]-]*$/);
      }
    },
  );
  test('that is a text is one of the fields that the next tests try, or a number or a list of known words', () => {
    const few = texts.filter(({ name }) => !(name in COVERED));
    for (const { parse, flag } of few) {
      const through = POOL.filter((text) => isAccepted(parse, text));
      expect(
        through.filter((text) => !/^[0-9]*$|^(?:merge|schedule|manual|external)$/.test(text)),
        `--${flag} is new: give it a field in test/support/hostile-plan.ts`,
      ).toEqual([]);
    }
    expect(Object.keys(COVERED).filter((name) => !texts.some((one) => one.name === name))).toEqual([]);
  });
  test.each(vendors)('lets something through, or nothing would be tried: $warehouse on $ci', (chosen) => {
    for (const [field, texts] of accepted(chosen)) expect(texts.length, field).toBeGreaterThan(5);
  });
});

describe.each(vendors)('whatever $warehouse on $ci accepts', (chosen) => {
  test('is a leaf and nothing else in every emitted file', () => {
    const harmless = planWith(MARKS, chosen);
    for (const [at, values] of rounds(chosen).entries()) {
      // Every round is in test/full/injection.test.ts; here is one in three, and one in fifteen of what takes PostgreSQL's parser a while.
      if (at % 3 !== 0) continue;
      const files = planWith(values, chosen).filter(({ path }) => at % 15 === 0 || !/^grants\/.*\.sql$/.test(path));
      expect(firstDifference(files, values, harmless), JSON.stringify(values)).toBeUndefined();
    }
  }, 90_000);
});

describe('the gate can fail: with a hole in a rule', () => {
  const chosen = { warehouse: 'postgres', ci: 'github' };
  const HOLES: readonly (readonly [language: string, field: Field, value: string, file: RegExp])[] = [
    ['SQL in a login', 'login', "x'; DROP SCHEMA analytics CASCADE; --", /30_developers\.sql/],
    ['a dollar quote in a schema', 'prodSchema', 'x$$; DROP ROLE y; $$', /\.sql|\.yml|\.md/],
    ['a line in a comment of a script', 'leaverLogin', 'x\nDROP SCHEMA analytics;', /leavers\/zqgone\.sql/],
    ['YAML in a schema', 'otherProdSchema', 'x\n  evil: true', /dbt_project\.yml/],
    ['a truth value as a project', 'projectName', 'no', /dbt_project\.yml/],
    ['nothing as a schema', 'otherProdSchema', 'null', /dbt_project\.yml/],
    ['Jinja in a slug', 'slug', "x', env_var('DBT_ENV_SECRET_PROD_PASSWORD') ~ '", /answers\.sql/],
    ['Jinja in a database', 'database', "x') }}{{ env_var('HOME", /profiles\.yml/],
    ['a Markdown table cell', 'login', 'x` | **admin** | `y', /README\.md/],
    ['HTML in a document', 'projectName', '<script>alert(1)</script>', /README\.md/],
    ['a picture’s click', 'slug', 'x"]\n  click d0 "javascript:alert(1)"', /README\.md/],
    ['a branch with quotes', 'mainBranch', "main' || 'x", /dbt_deploy\.yml|README\.md/],
    ['a key in a workflow', 'mainBranch', 'main\n  pull_request_target:', /dbt_deploy\.yml/],
    ['a path', 'leaverSlug', '../../x', /grants\/leavers/],
  ];
  test.each(HOLES)('%s is caught', (_, field, value, file) => {
    const harmless = planWith(MARKS, chosen);
    const files = planUnchecked(field, value, chosen);
    const caught = files.flatMap((one) => firstDifference([one], { [field]: value }, harmless) ?? []);
    const isEscape = files.some(({ path }) => path.includes('..') && !path.startsWith('../.github'));
    if (!isEscape) expect(caught.join('\n')).toMatch(file);
    else expect(files.map(({ path }) => path).join('\n')).toMatch(/^grants\/leavers\/\.\.\//m);
  });
  test('the unchecked plan of a plain value is the checked one', () => {
    expect(planUnchecked('login', 'sam', chosen)).toEqual(planWith({ ...MARKS, login: 'sam' }, chosen));
  });
});

describe('roster.yml', () => {
  const PLACES: Readonly<Record<string, (value: string) => string>> = {
    slug: (value) => `developers:\n  - slug: ${value}\n    login: a\n`,
    login: (value) => `developers:\n  - slug: a\n    login: ${value}\n`,
    email: (value) => `developers:\n  - slug: a\n    login: a\n    email: ${value}\n`,
    left: (value) => `developers:\n  - {slug: b, login: b}\n  - slug: a\n    login: a\n    left: ${value}\n`,
    reader: (value) => `developers: [{slug: a, login: a}]\nreaders:\n  - login: ${value}\n`,
    reviews: (value) => `developers: [{slug: a, login: a}]\nreaders:\n  - login: b\n    reviews: ${value}\n`,
    key: (value) => `developers:\n  - slug: a\n    login: a\n    ${value}: b\n`,
    'the whole file': (value) => value,
  };
  test.each(Object.entries(PLACES))('takes an attack as %s for a plain value, or refuses it in one line with the place', (_, place) => {
    for (const text of POOL) {
      for (const written of [text, JSON.stringify(text), `'${text.replaceAll("'", "''")}'`]) {
        try {
          expect(JSON.stringify(parseRosterFile(place(written)))).toMatch(/^[\w.@+"{}[\]:,-]*$/);
        } catch (error) {
          if (!(error instanceof RunError || error instanceof UsageError)) throw error;
          expect(error.message).toSatisfy(isOneLine);
          expect(error.message).toMatch(/^roster\.yml(?: line \d+)?: .*nothing was written\.$/);
        }
      }
    }
  });
});
