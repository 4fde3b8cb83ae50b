import { createServer } from 'node:net';
import process from 'node:process';
import { asNobody, folderOfNobody, network } from './yo.ts';

/** What to type where a machine does not let us cut the network off. */
const WAY_OUT =
  process.platform === 'linux'
    ? 'Run the tests as root, or let everybody make namespaces: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'
    : 'Only Linux has network namespaces. In a container: docker run --rm -v "$PWD":/src -w /src node:20 sh -c "npm ci && npm test"';

/** Throws, with the line to type, where the tests would run beside a network. */
export function requireNoNetwork(): void {
  if (network !== 'cut off') throw new Error(`The network is not cut off here, so nothing would be shown about it. ${WAY_OUT}`);
}

/** What a program sees of the network: a server on this machine, and interfaces of its own. */
export interface Seen {
  readonly reached: boolean;
  readonly interfaces: readonly string[];
}

const PROBE = `
  const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1');
  const tell = (reached) => {
    console.log(JSON.stringify({ reached, interfaces: Object.keys(require('node:os').networkInterfaces()) }));
    process.exit(0);
  };
  socket.once('connect', () => tell(true)).once('error', () => tell(false));`;

/** Looks for a server that does listen, once as the tests run the package and once beside the network. */
export async function lookedFor(offline: boolean): Promise<Seen> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const folder = folderOfNobody();
  const { stdout, stderr } = asNobody([process.execPath, '-e', PROBE, String(address.port)], { cwd: folder, home: folder }, offline);
  await new Promise((resolve) => server.close(resolve));
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}
