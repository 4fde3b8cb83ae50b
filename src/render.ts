import { templateOf } from './template-store.ts';

/**
 * Renders `templates/<name>`. A view is plain data; a template may read only what the view has and may not print a
 * missing value: either is an error that names the template and the line.
 */
export const render = (name: string, view: object): string => run(name, copied(view));

/** A view may be frozen, and a guard may not stand before a frozen object. Throws where it holds more than plain data. */
function copied<T>(value: T): T;
function copied(value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw new Error('a view holds a function, and a template takes data alone');
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? value.map(copied) : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copied(inner)]));
}

function run(name: string, view: object): string {
  const template = templateOf(name);
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
