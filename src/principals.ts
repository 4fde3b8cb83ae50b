import { NameError, shown } from './names.ts';
import type { Project } from './project.ts';
import type { Person, Warehouse } from './warehouse.ts';

/** Somebody on the roster, and whom the warehouse knows them as. */
interface Known {
  /** In a message: the slug, or a reader's login. */
  readonly name: string;
  readonly principal: string;
}

/**
 * Refuses people whom the warehouse cannot tell apart: from each other, from what is nobody's own login, or one who left from
 * one who reads. Somebody who left and develops again, or under another slug, is no such case: that leaver's script takes the
 * old schema alone. Throws {@link NameError}.
 */
export function refuseClashingPeople(warehouse: Warehouse, project: Project): void {
  const known = (name: string, person: Person): readonly Known[] => {
    const principal = warehouse.principalOf(project, person);
    return principal === undefined ? [] : [{ name, principal }];
  };
  const developers = project.roster.developers.flatMap((one) => known(one.slug, one));
  const leavers = project.roster.leavers.flatMap((one) => known(one.slug, one));
  const readers = project.roster.readers.flatMap((one) => known(one.login, one));
  refuseReserved(warehouse, project, { Developer: [...developers, ...leavers], Reader: readers });
  refuseTwice(warehouse, developers, 'and one person has one schema. Give each their own, or name the person once.');
  refuseTwice(warehouse, readers, 'and are one reader. Name it once.');
  refuseReadingLeavers(developers, leavers, readers);
}

/** In any case: who typed it meant the same, whatever the warehouse makes of it. */
function refuseReserved(warehouse: Warehouse, project: Project, people: Readonly<Record<'Developer' | 'Reader', readonly Known[]>>): void {
  const reserved = new Set(warehouse.reservedPrincipals(project).map((name) => name.toLowerCase()));
  for (const [what, all] of Object.entries(people)) {
    const wrong = all.find(({ principal }) => reserved.has(principal.toLowerCase()));
    if (wrong === undefined) continue;
    throw new NameError(
      `${what} "${shown(wrong.name)}" cannot be "${shown(wrong.principal)}": that is a role, a service or a group of this project or of ${warehouse.label} itself, and nobody's own login. Give the login of the person, or of the tool that reads; leave out what is neither.`,
    );
  }
}

function refuseTwice({ label }: Warehouse, people: readonly Known[], way: string): void {
  const seen = new Map<string, string>();
  for (const { name, principal } of people) {
    const other = seen.get(principal);
    if (other !== undefined) throw new NameError(`"${shown(other)}" and "${shown(name)}" are both "${shown(principal)}" to ${label}, ${way}`);
    seen.set(principal, name);
  }
}

function refuseReadingLeavers(developers: readonly Known[], leavers: readonly Known[], readers: readonly Known[]): void {
  const develops = new Set(developers.map(({ principal }) => principal));
  const reads = new Map(readers.map(({ name, principal }) => [principal, name]));
  const gone = leavers.find(({ principal }) => reads.has(principal) && !develops.has(principal));
  if (gone === undefined) return;
  throw new NameError(
    `"${gone.name}" left and is still the reader "${shown(reads.get(gone.principal) ?? '')}", whom the grants let in again. Delete that reader in roster.yml first; who goes on reading is deleted under developers instead of being marked as left.`,
  );
}
