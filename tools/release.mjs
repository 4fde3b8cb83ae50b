// `node tools/release.mjs v1.2.3 owner/name`: whether a tag of that repository may become a release. One line for each
// reason why not, and exit status 1.
import { readFileSync } from 'node:fs';

const [tag, repository] = process.argv.slice(2);
const { version, repository: { url } = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
const wanted = `git+https://github.com/${repository}.git`;
const reasons = [
  ...(tag === `v${version}` ? [] : [`The tag is ${tag} and package.json says ${version}: tag the commit that says so, or set the version before the tag.`]),
  // npm compares it with where the workflow runs, and refuses the provenance: https://docs.npmjs.com/generating-provenance-statements
  ...(url === wanted ? [] : [`package.json's repository.url is ${url ?? 'missing'}: npm takes no provenance from this repository unless it is ${wanted}.`]),
  ...(new RegExp(`^## ${version.replaceAll('.', '\\.')}$`, 'm').test(readFileSync('CHANGELOG.md', 'utf8'))
    ? []
    : [`CHANGELOG.md has no heading "## ${version}": say what changes before it is released.`]),
];
for (const reason of reasons) console.error(reason);
process.exitCode = reasons.length === 0 ? 0 : 1;
