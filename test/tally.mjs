// Adds up what the test runs recorded and prints one line: `N passed, N failed`. A run that recorded nothing is a failure.
import { readdirSync, readFileSync } from 'node:fs';

const folder = '.cache/results';
const expected = ['unit.json', 'integration.json', 'full.json'];
const found = (() => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
})();
const results = expected.filter((name) => found.includes(name)).map((name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')));
const missing = expected.filter((name) => !found.includes(name));
for (const name of missing) console.log(`${name.replace('.json', '')}: recorded no results`);

const passed = results.reduce((sum, { numPassedTests }) => sum + numPassedTests, 0);
// A file that fails to load counts no test of its own: its suite does.
const failed =
  results.reduce((sum, { numFailedTests, numFailedTestSuites }) => sum + Math.max(numFailedTests, numFailedTestSuites > 0 ? 1 : 0), 0) + missing.length;
const skipped = results.reduce((sum, { numPendingTests, numTodoTests }) => sum + numPendingTests + numTodoTests, 0);
if (skipped > 0) console.log(`${skipped} skipped: nothing is skipped here without failing`);
console.log(`${passed} passed, ${failed + skipped} failed`);
process.exitCode = failed + skipped === 0 && passed > 0 ? 0 : 1;
