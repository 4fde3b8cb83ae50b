import ejs from 'ejs';

export type Template = (it: object, printed: (value: unknown) => string, include: (name: string, view: object) => string) => string;

/** What EJS makes of a template: statements that return the text, each line of the template announced by `__line = n`. */
function statementsOf(text: string, name: string): string {
  const template = new ejs.Template(text, { filename: name, strict: true, localsName: 'it', _with: false });
  template.compile();
  // Every value is a string by then, so EJS's guard against undefined goes: a closure in each template, called for each text.
  return (template as unknown as { source: string }).source.replace(/^ *function __append.*$/m, '').replace(/^( *; )__append\(/gm, '$1__output += (');
}

/**
 * The text of the function's body that the published package carries, so that it holds no template engine: what is printed
 * in a row is one expression, and an error is not led back to its line, which takes a third of the code.
 */
export const shippedBody = (text: string, name: string): string =>
  statementsOf(text, name)
    .replace(/^ *; __line = \d+\n/gm, '')
    .replace(/\)\n *; __output \+= \(/g, ') + (')
    .replace(/var __output = "";\s*; __output \+= \(/, 'let __output = (');

/** From source: an error begins with the template and the line. */
export function compileTemplate(text: string, name: string): Template {
  const place = `${JSON.stringify(name)} + ':' + __line`;
  const body = `"use strict"; let __line = 1; try {\n${statementsOf(text, name)}} catch (error) { if (!error.at) error.message = (error.at = ${place}) + ' ' + error.message; throw error; }`;
  return new Function('it', 'escapeFn', 'include', body) as Template;
}
