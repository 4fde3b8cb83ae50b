import { ciProviders, warehouses } from '../../src/catalogue.ts';
import type { PlannedFile } from '../../src/planned-file.ts';
import { planned } from './scaffold.ts';

/**
 * Whole emitted repositories as real files: browse them as examples, review them as diffs. Every warehouse on the
 * first CI provider, every other provider on the first warehouse. `npm run golden` writes them.
 */
export const GOLDEN = 'test/golden';

/** And where a provider has most to write: a warehouse with passwords, whose deploys can be retried. */
const MORE = [['postgres', 'gitlab']] as const;

export interface GoldenTree {
  readonly folder: string;
  readonly files: readonly PlannedFile[];
}

export function goldenTrees(): readonly GoldenTree[] {
  const pairs = [...warehouses.map(({ id }) => [id, ciProviders[0].id] as const), ...ciProviders.slice(1).map(({ id }) => [warehouses[0].id, id] as const)];
  return [...pairs, ...MORE].map(([warehouse, ci]) => ({
    folder: `${warehouse}+${ci}`,
    files: planned({ warehouse, ci, team: 'priya, sam=sam.jones', readers: 'looker, anna:reviews', sourceSchemas: 'raw, crm:pii' }),
  }));
}
