import { ciProviders, warehouses } from '../../src/catalogue.ts';
import type { PlannedFile } from '../../src/planned-file.ts';
import type { Warehouse } from '../../src/warehouse.ts';
import { planned } from './scaffold.ts';

/**
 * Whole emitted repositories as real files: browse them as examples, review them as diffs. Every warehouse on the
 * first CI provider, every other provider on the first warehouse and on those that trust its tokens. `npm run golden` writes them.
 */
export const GOLDEN = 'test/golden';

export interface GoldenTree {
  readonly folder: string;
  readonly files: readonly PlannedFile[];
}

/** The warehouses on which every provider can be read: the first, and those whose services log in with its tokens. */
export const goldenWarehouses: readonly string[] = [
  warehouses[0].id,
  ...warehouses.filter((one: Warehouse) => one.workloadIdentity !== undefined).map(({ id }) => id),
];

export function goldenTrees(): readonly GoldenTree[] {
  const pairs = [
    ...warehouses.map(({ id }) => [id, ciProviders[0].id] as const),
    ...ciProviders.slice(1).flatMap(({ id }) => goldenWarehouses.map((warehouse) => [warehouse, id] as const)),
  ];
  return pairs.map(([warehouse, ci]) => ({
    folder: `${warehouse}+${ci}`,
    files: planned({ warehouse, ci, team: 'priya, sam=sam.jones', readers: 'looker, anna:reviews', sourceSchemas: 'raw, crm:pii' }),
  }));
}
