import ejs from 'ejs';

export type Template = (it: object, printed: (value: unknown) => string, include: (name: string, view: object) => string) => string;

/**
 * The text of a function's body for a template. The tests and the build both use it; it is never shipped, so that
 * the published package carries functions and no template engine.
 */
export function templateBody(text: string, name: string): string {
  const template = new ejs.Template(text, { filename: name, strict: true, localsName: 'it', _with: false });
  template.compile();
  const place = `${JSON.stringify(name)} + ':' + __line`;
  // Every value is a string by then, so EJS's guard against undefined goes: a closure in each template, called for each text.
  const source = (template as unknown as { source: string }).source.replace(/^ *function __append.*$/m, '').replace(/^( *; )__append\(/gm, '$1__output += (');
  return `"use strict"; let __line = 1; try {\n${source}} catch (error) { if (!error.at) error.message = (error.at = ${place}) + ' ' + error.message; throw error; }`;
}

export const compileTemplate = (text: string, name: string): Template => new Function('it', 'escapeFn', 'include', templateBody(text, name)) as Template;
