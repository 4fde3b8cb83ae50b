import { templates } from './template-store.ts';

/**
 * Renders `templates/<name>`. A view is plain data; a template may read only what the view has and may not print a
 * missing value: either is an error that names the template and the line.
 */
export const render = (name: string, view: object): string => run(name, structuredClone(view));

function run(name: string, view: object): string {
  const template = templates[name];
  if (!template) throw new Error(`there is no template ${name}`);
  return template(guarded(view, 'it'), printed, run);
}

function guarded<T>(value: T, path: string): T {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get(target, key, receiver) {
      if (typeof key === 'string' && !(key in target)) throw new Error(`reads ${path}.${key}, which its view lacks`);
      const value: unknown = Reflect.get(target, key, receiver);
      return typeof value === 'object' && value !== null ? guarded(value, `${path}.${String(key)}`) : value;
    },
  });
}

/** Stands in for EJS's HTML escape: what we write is SQL, YAML and Markdown. */
function printed(value: unknown): string {
  if (value === undefined || value === null) throw new Error(`prints ${value}`);
  return String(value);
}
