/**
 * Keeps one PostgreSQL server alive for exactly as long as the process that started this one: when our standard
 * input closes, for whatever reason (a crash and a kill -9 included), the server is stopped and its folder removed.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

const { command, args, uid, gid, folder } = JSON.parse(process.argv[2]);
const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
const server = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'ignore'], detached: true, ...(uid === undefined ? {} : { uid, gid }) });

let stopping = false;
function stop() {
  if (stopping) return;
  stopping = true;
  server.kill('SIGINT'); // fast shutdown: sessions are ended
  setTimeout(() => server.kill('SIGQUIT'), 5000).unref(); // immediate shutdown
  setTimeout(() => server.kill('SIGKILL'), 10_000).unref();
}

server.on('error', () => process.exit(1));
server.on('exit', (code) => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(stopping ? 0 : (code ?? 1));
});
process.stdin.on('end', stop).on('error', stop).resume();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, stop);
