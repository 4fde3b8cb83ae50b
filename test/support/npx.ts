import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { packed } from './package.ts';

/**
 * An environment in which `npx generator-dbt-envs` is the packed package, installed below this folder as
 * `npm install --global` does it, without a network and with nothing else of this machine's.
 */
export async function npxEnvironment(folder: string): Promise<Readonly<Record<string, string>>> {
  const { tarball } = await packed();
  const prefix = path.join(folder, 'global');
  const options = { npm_config_prefix: prefix, npm_config_offline: 'true', npm_config_progress: 'false', npm_config_update_notifier: 'false' };
  const environment = { PATH: process.env.PATH ?? '', HOME: folder, ...options };
  execFileSync('npm', ['install', '--global', tarball], { env: environment, stdio: 'pipe' });
  return environment;
}
