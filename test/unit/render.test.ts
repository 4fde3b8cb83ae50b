import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileTemplate } from '../../src/compile-template.ts';
import { render } from '../../src/render.ts';

const names = readdirSync('templates', { recursive: true })
  .map((name) => String(name).replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ejs'));

describe('a template that reads an unknown key fails with template and line', () => {
  test('at the top', () =>
    expect(() => render('profiles/profiles.yml.ejs', { profile: 'acme' })).toThrow(/^profiles\/profiles\.yml\.ejs:\d+ reads it\.\w+, which its view lacks$/));
  test('and may not print a missing value', () =>
    expect(() => render('profiles/profiles.yml.ejs', { profile: undefined, dev: '', ci: '', prod: '' })).toThrow(
      /^profiles\/profiles\.yml\.ejs:\d+ prints undefined$/,
    ));
  test('a template that is not there is named', () => expect(() => render('nowhere.ejs', {})).toThrow('there is no template nowhere.ejs'));
  test('functions are no data', () => expect(() => render('profiles/profiles.yml.ejs', { profile: () => 'x' })).toThrow());
});

test('values are printed as they are: no HTML escapes', () => {
  expect(compileTemplate("<%= it.x %> like '%'", 't.ejs')({ x: "O'Brien & <co>" }, String, () => '')).toBe("O'Brien & <co> like '%'");
});

describe('every template keeps the grammar', () => {
  const faults = (text: string): string[] => [
    ...(text.split('<%').length === text.split('%>').length ? [] : ['as many <% as %>']),
    ...[...text.matchAll(/<%-\s*(\w*)/g)].filter(([, word]) => word !== 'include').map(([found]) => `${found}: <%- is for include only`),
    ...(/<%_?\s*\}?\s*else if/.test(text) ? ['no else if: name the decision in TypeScript'] : []),
    ...text
      .split('\n')
      .filter((line) => /<%_/.test(line) && !/^\s*<%_.*_%>\s*$/.test(line))
      .map((line) => `logic alone on its line: ${line.trim()}`),
    ...(text.split('\n').length >= 40 && text.split('\n').filter((line) => /^\s*<%_/.test(line)).length > text.split('\n').length / 5
      ? ['too many control lines']
      : []),
  ];
  test.each(names)('%s', (name) => expect(faults(readFileSync(`templates/${name}`, 'utf8'))).toEqual([]));
  test('and planted faults are found', () => {
    expect(faults("like '%>'")).toHaveLength(1);
    expect(faults('<%- it.x %>')).toHaveLength(1);
    expect(faults('a <%_ if (it.x) { _%> b <%_ } _%>')).toHaveLength(1);
  });
});

describe('a view', () => {
  const variable = Object.freeze({ name: 'A', what: 'a variable', example: 'x', secret: false, fallback: '' });
  const view = Object.freeze({ first: 'ana', slugs: Object.freeze(['ana']), more: 0, variables: Object.freeze([variable]) });
  const rendered = (variables: readonly object[]): string => render('app/.env.example.ejs', { ...view, variables });

  test('may be frozen, down to its last object', () => expect(render('app/.env.example.ejs', view)).toContain('# A=x'));
  test('is as before, and so is what it holds', () => {
    const one = { ...variable };
    const list = [one];
    const open = { ...view, variables: list };
    render('app/.env.example.ejs', open);
    expect(open.variables).toBe(list);
    expect(list[0]).toBe(one);
  });
  test('that lacks a key in an object of a list fails with the way to it', () =>
    expect(() => rendered([variable, {}])).toThrow(/^app\/\.env\.example\.ejs:\d+ reads it\.variables\.1\.\w+, which its view lacks$/));
  test.each([() => 'x', Symbol('x')])('holds plain data, at any depth', (value) =>
    expect(() => rendered([{ ...variable, name: value }])).toThrow(/reads it\.variables\.0\.name, which is no plain data$/),
  );
});
