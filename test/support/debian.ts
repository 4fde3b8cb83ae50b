import { spawnSync } from 'node:child_process';

const isThere = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/**
 * Sees to it that these programs can be started, each in Debian's package of the same name: root installs what is missing,
 * anybody else is told what to type. Debian keeps one version of each in its archive, so none can be pinned.
 */
export function havePrograms(names: readonly string[]): void {
  const missing = names.filter((name) => !isThere(name));
  if (missing.length === 0) return;
  const install = ['apt-get', '-y', '-o', 'DPkg::Lock::Timeout=300', 'install', '--no-install-recommends', ...missing];
  if (process.getuid?.() === 0 && isThere('apt-get')) {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const run = (words: readonly string[]): number | null => spawnSync('env', [...words], { env: environment, stdio: 'ignore' }).status;
    if (run(install) !== 0 && run(['apt-get', 'update']) === 0) run(install);
  }
  const still = names.filter((name) => !isThere(name));
  if (still.length > 0) throw new Error(`These tests need ${still.join(' and ')}. Type: sudo apt-get install ${still.join(' ')}`);
}
