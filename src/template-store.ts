import { readdirSync, readFileSync } from 'node:fs';
import { compileTemplate, type Template } from './compile-template.ts';

/** From source: compiled when first used. The build puts compiled functions in this module's place. */
const root = new URL('../templates/', import.meta.url);
const names = readdirSync(root, { recursive: true })
  .map((name) => String(name).replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ejs'));

/** Every template by its path under `templates/`. */
export const templates: Readonly<Record<string, Template>> = Object.defineProperties(
  {},
  Object.fromEntries(
    names.map((name) => {
      let compiled: Template | undefined;
      return [name, { enumerable: true, get: () => (compiled ??= compileTemplate(readFileSync(new URL(name, root), 'utf8'), name)) }];
    }),
  ),
);
