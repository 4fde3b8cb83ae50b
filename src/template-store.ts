import { existsSync, readFileSync } from 'node:fs';
import { compileTemplate, type Template } from './compile-template.ts';

/** From source: compiled when first used. The build puts compiled functions in this module's place. */
const root = new URL('../templates/', import.meta.url);
const compiled = new Map<string, Template>();

/** The template of that path under `templates/`; undefined where there is none. */
export function templateOf(name: string): Template | undefined {
  const file = new URL(name, root);
  const known = compiled.get(name);
  if (known !== undefined || !existsSync(file)) return known;
  const template = compileTemplate(readFileSync(file, 'utf8'), name);
  compiled.set(name, template);
  return template;
}
