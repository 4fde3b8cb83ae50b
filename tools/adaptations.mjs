// What of ours is fitted to the inside of somebody else's file: overridden, replaced, or written after it. Their public
// interfaces are not listed. tools/adaptations.json is the list; a listed file that changes stops whoever uses it.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** One line for each of these adaptations whose upstream file, or whose own, is not what it was. `folderOf(package)` says where a package is installed. */
export function changedAdaptations(adaptations, root, folderOf) {
  return adaptations.flatMap(({ ours, package: name, file, sha256 }) => {
    if (!existsSync(path.join(root, ours))) return [`tools/adaptations.json names ${ours}, which is not there`];
    const upstream = path.join(folderOf(name), file);
    if (!existsSync(upstream)) return [`${ours} is adapted to ${file} of ${name}, which is gone`];
    const found = createHash('sha256').update(readFileSync(upstream)).digest('hex');
    return found === sha256 ? [] : [`${ours} is adapted to ${file} of ${name}, which has changed: its sha256 is ${found}, not ${sha256}`];
  });
}

/** Throws where an npm package has changed that we adapt: the build runs it first. Tests do the same for dbt's packages, which a build does not have. */
export function refuseAdaptationsOfChanged(root) {
  const all = JSON.parse(readFileSync(path.join(root, 'tools', 'adaptations.json'), 'utf8'));
  const changed = changedAdaptations(
    all.filter(({ registry }) => registry === 'npm'),
    root,
    (name) => path.join(root, 'node_modules', name),
  );
  if (changed.length === 0) return;
  throw new Error(`Read what changed upstream, carry it over, then write the new hash into tools/adaptations.json:\n  ${changed.join('\n  ')}`);
}
