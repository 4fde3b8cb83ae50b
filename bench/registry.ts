import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';

interface Stored {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/** A registry on this machine: our tarball, and whatever the registry behind it gave once. */
export interface Registry {
  readonly url: string;
  readonly close: () => void;
}

const TARBALL = '/-/tarball/';

/**
 * Serves a tarball of ours under its own name, and keeps what it fetched for others, so that a second install of anything
 * waits for this machine alone.
 */
export async function localRegistry(behind: string, manifest: { readonly name: string; readonly version: string }, tarball: string): Promise<Registry> {
  const kept = new Map<string, Promise<Stored>>();
  let own: Readonly<Record<string, Stored>> = {};
  const answerTo = async (url: string, accept: string): Promise<Stored> => {
    const ours = own[url];
    if (ours !== undefined) return ours;
    const key = `${url} ${accept}`;
    const stored = kept.get(key) ?? fetched(behind, url, accept, addressOf(server));
    kept.set(key, stored);
    return await stored;
  };
  const server = createServer(({ url = '/', headers: { accept = '*/*' } }, response) => {
    answerTo(url, accept).then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      (error) => response.writeHead(502).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = addressOf(server);
  own = packageAt(url, manifest, readFileSync(tarball));
  return { url, close: () => void server.close() };
}

function packageAt(url: string, manifest: { readonly name: string; readonly version: string }, tarball: Buffer): Readonly<Record<string, Stored>> {
  const { name, version } = manifest;
  const place = `${TARBALL}${name}`;
  const dist = { tarball: `${url}${place}`, integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}` };
  const document = { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
  return {
    [`/${name}`]: { status: 200, type: 'application/json', body: Buffer.from(JSON.stringify(document)) },
    [place]: { status: 200, type: 'application/octet-stream', body: tarball },
  };
}

async function fetched(behind: string, url: string, accept: string, here: string): Promise<Stored> {
  const from = url.startsWith(TARBALL) ? decodeURIComponent(url.slice(TARBALL.length)) : new URL(url.slice(1), behind).href;
  const answer = await fetch(from, { headers: { accept } });
  const type = answer.headers.get('content-type') ?? 'application/octet-stream';
  const body = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, type, body: type.includes('json') ? Buffer.from(throughHere(body.toString('utf8'), here)) : body };
}

/** Tarballs are asked of us too. */
const throughHere = (packument: string, here: string): string =>
  packument.replace(/"tarball":"([^"]+)"/g, (_, address: string) => `"tarball":"${here}${TARBALL}${encodeURIComponent(address)}"`);

function addressOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the registry is not listening');
  return `http://127.0.0.1:${address.port}`;
}
