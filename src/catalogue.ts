import { ciProviders } from '../templates/ci/all.ts';
import { codeHosts } from '../templates/code-hosts/all.ts';
import { warehouses } from '../templates/warehouses/all.ts';
import type { CiProvider } from './ci-provider.ts';
import type { CodeHost } from './code-host.ts';
import { noSuch, type Question } from './question.ts';
import type { Warehouse } from './warehouse.ts';

export { ciProviders, codeHosts, warehouses };

/** A vendor by the id that was answered. Throws a RangeError that names a near miss or lists the choices. */
export const findWarehouse = (id: string): Warehouse => find('warehouse', warehouses, id);
export const findCiProvider = (id: string): CiProvider => find('CI provider', ciProviders, id);
export const findCodeHost = (id: string): CodeHost => find('code host', codeHosts, id);

/** Every question that some vendor asks, once; vendors that share a flag declare it alike. */
export function vendorQuestions(): readonly (Question & { readonly askedBy: readonly string[] })[] {
  const byName = new Map<string, Question & { askedBy: string[] }>();
  for (const { id, questions } of [...warehouses, ...ciProviders] as readonly (Warehouse | CiProvider)[]) {
    for (const one of questions) {
      const known = byName.get(one.name);
      if (known) known.askedBy.push(id);
      else byName.set(one.name, { ...one, askedBy: [id] });
    }
  }
  return [...byName.values()];
}

function find<T extends { readonly id: string }>(what: string, all: readonly T[], id: string): T {
  const found = all.find((one) => one.id === id);
  if (found) return found;
  throw new RangeError(
    noSuch(
      what,
      id,
      all.map((one) => one.id),
    ),
  );
}
