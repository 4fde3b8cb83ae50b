import { ciProviders, warehouses } from '../../src/catalogue.ts';
import type { PlannedFile } from '../../src/planned-file.ts';
import { planned } from './scaffold.ts';

/**
 * Whole emitted repositories as real files, each warehouse on each CI provider: browse them as examples, review them as diffs.
 * `npm run golden` writes them.
 */
export const GOLDEN = 'test/golden';

export interface GoldenTree {
  readonly folder: string;
  readonly files: readonly PlannedFile[];
}

export function goldenTrees(): readonly GoldenTree[] {
  return warehouses.flatMap(({ id: warehouse }) =>
    ciProviders.map(({ id: ci }) => ({
      folder: `${warehouse}+${ci}`,
      files: planned({ warehouse, ci, team: 'priya, sam=sam.jones', readers: 'looker, anna:reviews', sourceSchemas: 'raw, crm:pii' }),
    })),
  );
}
