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

/** Every question that some vendor asks, once; vendors that share a flag ask the same thing, each with its own words, default and rule. */
export function vendorQuestions(): readonly (Question & { readonly askedBy: readonly string[] })[] {
  const byName = new Map<string, Question & { askedBy: string[] }>();
  for (const { id, questions } of [...warehouses, ...ciProviders] as readonly (Warehouse | CiProvider)[]) {
    for (const one of questions) {
      const known = byName.get(one.name);
      if (known) {
        known.askedBy.push(id);
        byName.set(one.name, { ...known, parse: either(known.parse, one.parse) });
      } else byName.set(one.name, { ...one, askedBy: [id] });
    }
  }
  return [...byName.values()];
}

/** What either vendor takes: which of them is asked may not be known yet, and its own rule is asked again then. Throws what the first one says. */
function either(first: Question['parse'], second: Question['parse']): Question['parse'] {
  return (raw) => {
    try {
      return first(raw);
    } catch (refusal) {
      try {
        return second(raw);
      } catch {
        throw refusal;
      }
    }
  };
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
