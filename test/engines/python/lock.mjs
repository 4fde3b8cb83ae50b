// Writes <name>.txt from <name>.in with the newest versions that fit. `uv` must be on the PATH (pip install uv).
import { execFileSync } from 'node:child_process';

for (const name of process.argv.slice(2)) {
  const overrides = ['v2', 'tools', 'cookiecutter', 'googlesql', 'bqemulator'].includes(name) ? [] : ['--overrides', 'overrides.txt'];
  const prereleases = name === 'v2' ? ['--prerelease', 'allow'] : [];
  // Only the WebAssembly in it is loaded, by Node: test/support/googlesql.ts.
  const alone = name === 'googlesql' ? ['--no-deps'] : [];
  const oldest = name === 'fakesnow' || name === 'bqemulator' ? '3.11' : '3.10';
  const flags = ['--universal', '--python-version', oldest, '--no-header', '--no-annotate', '--upgrade', ...overrides, ...prereleases, ...alone];
  execFileSync('uv', ['pip', 'compile', ...flags, `${name}.in`, '-o', `${name}.txt`], { cwd: import.meta.dirname, stdio: 'inherit' });
}
