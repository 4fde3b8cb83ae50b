import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { startServer } from '../support/postgres-server.ts';

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).once('error', () => resolve(false));
  });
async function goes(port: number): Promise<boolean> {
  for (let waited = 0; waited < 15_000; waited += 100) {
    if (!(await answers(port))) return true;
    await sleep(100);
  }
  return false;
}

test('a server wants the right password, and is gone once it was stopped', async () => {
  const server = await startServer();
  const client = await server.connect(server.superuser, server.password, 'postgres');
  const { rows } = await client.query<{ folder: string }>("select current_setting('data_directory') as folder");
  await client.end();
  await expect(server.connect(server.superuser, 'wrong', 'postgres')).rejects.toThrow('password authentication failed');
  expect(existsSync(rows[0]?.folder ?? '')).toBe(true);
  await server.stop();
  await server.stop();
  expect(await answers(server.port)).toBe(false);
  expect(existsSync(rows[0]?.folder ?? '')).toBe(false);
});

test('a server does not outlive the process that started it, even if that is killed', async () => {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const harness = new URL('../support/postgres-server.ts', import.meta.url).href;
  const program = `import(${JSON.stringify(harness)}).then(async ({ startServer }) => { console.log((await startServer()).port); setInterval(() => {}, 1000); })`;
  const owner = spawn(process.execPath, ['--import', tsx, '--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve, reject) => {
    owner.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())));
    owner.once('exit', (code) => reject(new Error(`ended with ${code}`)));
  });
  expect(await answers(port)).toBe(true);
  owner.kill('SIGKILL');
  expect(await goes(port)).toBe(true);
});
