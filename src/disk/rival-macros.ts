import type { PlannedFile } from '../planned-file.ts';

/**
 * Macros of an adopted project that have the name of one of ours: dbt refuses two of one name in one project, so that
 * nothing builds until one goes. Each is a warning that says where both are. `theirs`: macro files by path.
 */
export function rivalMacros(planned: readonly PlannedFile[], theirs: ReadonlyMap<string, string>): readonly string[] {
  if (theirs.size === 0) return [];
  const ours = new Map(
    planned.filter(({ path }) => path.endsWith('.sql')).flatMap(({ path, contents }) => macrosIn(contents).map((name) => [name, path] as const)),
  );
  return [...theirs].flatMap(([path, text]) =>
    macrosIn(text).flatMap((name) => {
      const place = ours.get(name);
      if (place === undefined || planned.some((file) => file.path === path)) return [];
      return [
        `${path} defines ${name}, and so does ${place}: dbt refuses two macros of one name. Take yours out, and declare the schemas that it made with --prod-schemas.`,
      ];
    }),
  );
}

const macrosIn = (text: string): readonly string[] =>
  [...text.replace(/\{#[\s\S]*?#\}/g, '').matchAll(/\{%-?\s*macro\s+(\w+)\s*\(/g)].flatMap(([, name]) => (name === undefined ? [] : [name]));
