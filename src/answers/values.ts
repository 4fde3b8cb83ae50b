import { foldToSlug, type Identifier, isProjectName, parseProdSchema, parseSourceSchema, SLUG_LIMIT, shown } from '../names.ts';
import type { ProdRun, SourceSchema } from '../project.ts';
import { noSuch } from '../question.ts';

/** `analytics, staging`: at least one; the first is the default one. Throws a RangeError, like every parser here. */
export function parseProdSchemas(raw: string): readonly [Identifier, ...Identifier[]] {
  const [first, ...rest] = list(raw).map(parseProdSchema);
  if (first === undefined) throw new RangeError('Production needs at least one schema, e.g. analytics.');
  unique([first, ...rest], 'prod schema');
  return [first, ...rest];
}

/** `raw, crm:pii`: schemas of raw data; `:pii` for those that production alone may read. */
export function parseSourceSchemas(raw: string): readonly SourceSchema[] {
  const schemas = list(raw).map((entry) => {
    const [name = '', mark, ...more] = entry.split(':');
    if (more.length > 0 || (mark !== undefined && mark !== 'pii')) {
      throw new RangeError(`"${shown(entry)}" is no source schema: write a name, or <name>:pii for one that only production may read.`);
    }
    return { schema: parseSourceSchema(name), pii: mark === 'pii' };
  });
  unique(
    schemas.map(({ schema }) => schema),
    'source schema',
  );
  return schemas;
}

const PROD_RUNS = ['merge', 'schedule', 'manual', 'external'] as const satisfies readonly ProdRun[];
/** `merge,schedule,manual`, and `external` for an orchestrator outside CI. */
export function parseProdRuns(raw: string): readonly ProdRun[] {
  const runs = list(raw).map((entry) => {
    const found = PROD_RUNS.find((run) => run === entry);
    if (found === undefined) throw new RangeError(noSuch('way to run production', entry, PROD_RUNS));
    return found;
  });
  if (runs.length === 0) throw new RangeError('Production needs at least one way to run: merge, schedule, manual or external.');
  unique(runs, 'way to run production');
  return runs;
}

/** Whole days, 1 to 3650. */
export function days(raw: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(raw) || Number(raw) > 3650) throw new RangeError(`"${shown(raw)}" is no number of days: write a whole number from 1 to 3650.`);
  return Number(raw);
}

/** A text of at most 255 characters that matches; otherwise the message shows an example. */
export function matching(raw: string, pattern: RegExp, what: string, example: string): string {
  if (raw.length <= 255 && pattern.test(raw)) return raw;
  throw new RangeError(`"${shown(raw)}" is not ${what}. Write it like ${example}.`);
}

function unique(values: readonly string[], what: string): void {
  const twice = values.find((value, at) => values.indexOf(value) !== at);
  if (twice !== undefined) throw new RangeError(`The ${what} "${twice}" is named twice. Name it once.`);
}

const list = (raw: string): string[] =>
  raw
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** A folder's name as a project name: `acme-dbt` becomes `acme`. */
export function projectNameFrom(folder: string): string {
  const name = foldToSlug(folder)
    .replace(/^[0-9_]+/, '')
    .slice(0, SLUG_LIMIT)
    .replace(/(?:_*dbt)+$/, '')
    .replace(/_+$/, '');
  return isProjectName(name) ? name : 'acme';
}
