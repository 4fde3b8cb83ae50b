import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nodes } from './engines.ts';
import { asNobody, folderOfNobody } from './yo.ts';

/** The majors of test/engines/nodes: the one before ours, ours at their oldest or newest. */
export type NodeMajor = '18' | '20' | '22' | '24' | '26';

/** The binary of that Node, where an ordinary user can start it. Throws where this platform has none. */
export async function nodeBinary(major: NodeMajor): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(
      `There is no Node ${major} to try here: the binaries are for Linux on x64. In a container: docker run --rm --platform linux/amd64 -v "$PWD":/src -w /src node:20 npm run test:full`,
    );
  await nodes.install();
  const binary = path.join(nodes.folder, 'node_modules', `node-${major}`, 'bin', 'node');
  const home = folderOfNobody();
  if (asNobody([binary, '--version'], { cwd: home, home }).status === 0) return binary;
  const copy = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-node-')), 'node');
  chmodSync(path.dirname(copy), 0o755);
  copyFileSync(binary, copy);
  chmodSync(copy, 0o755);
  return copy;
}

export const versionOf = (binary: string): string => spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim();
