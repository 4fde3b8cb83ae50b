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

/**
 * For the notices: what was written after files of packages that are not bundled, and therefore not printed there. Their
 * licence is Apache-2.0, whose text is among those of the bundled packages.
 */
export function noticeOfAdaptations(root) {
  const files = listedIn(root).filter(({ license }) => license !== undefined);
  const lines = files.map(
    ({ ours, package: name, file, how, license, copyright }) => `${ours}\n  ${name} (${license}, Copyright ${copyright}), ${file}: ${how}`,
  );
  return `What is adapted to files of other packages\n\n${lines.join('\n')}\n`;
}

/** Throws where an npm package has changed that we adapt: the build runs it first. Tests do the same for dbt's packages, which a build does not have. */
export function refuseAdaptationsOfChanged(root) {
  const changed = changedAdaptations(
    listedIn(root).filter(({ registry }) => registry === 'npm'),
    root,
    (name) => path.join(root, 'node_modules', name),
  );
  if (changed.length === 0) return;
  throw new Error(`Read what changed upstream, carry it over, then write the new hash into tools/adaptations.json:\n  ${changed.join('\n  ')}`);
}

const listedIn = (root) => JSON.parse(readFileSync(path.join(root, 'tools', 'adaptations.json'), 'utf8'));
