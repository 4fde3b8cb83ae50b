import { templateOf } from './template-store.ts';

/**
 * Renders `templates/<name>`. A view is plain data; a template may read only what the view has and may not print a
 * missing value: either is an error that names the template and the line.
 */
export const render = (name: string, view: object): string => {
  const template = templateOf(name);
  if (!template) throw new Error(`there is no template ${name}`);
  return template(guarded(view, 'it'), printed, render);
};

/** Every object that a guard stands before already: an included template gets one of them. */
const guards = new WeakSet<object>();

/** A guard before a copy of what the view has there: a view may be frozen, and no guard may hide what a frozen object holds. */
function guarded(view: object, path: string): object {
  if (guards.has(view)) return view;
  const copy: object = Array.isArray(view) ? [...view] : { ...view };
  const guard = new Proxy(copy, {
    get(target, key, receiver) {
      if (typeof key === 'string' && !(key in target)) throw new Error(`reads ${path}.${key}, which its view lacks`);
      const value: unknown = Reflect.get(target, key, receiver);
      if (typeof value === 'symbol' || (typeof value === 'function' && Object.hasOwn(target, key)))
        throw new Error(`reads ${path}.${String(key)}, which is no plain data`);
      if (typeof value !== 'object' || value === null || guards.has(value)) return value;
      const inner = guarded(value, `${path}.${String(key)}`);
      Reflect.set(target, key, inner);
      return inner;
    },
  });
  guards.add(guard);
  return guard;
}

/** Stands in for EJS's HTML escape: what we write is SQL, YAML and Markdown. */
function printed(value: unknown): string {
  if (value === undefined || value === null) throw new Error(`prints ${value}`);
  return String(value);
}
