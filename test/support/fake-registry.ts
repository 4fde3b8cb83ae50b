import { createServer, type IncomingMessage } from 'node:http';

/** A package registry of one package, with GitHub's token service beside it; both on this machine. */
export interface FakeRegistry {
  readonly url: string;
  /** What a workflow job with `id-token: write` finds in its environment. */
  readonly github: Readonly<Record<string, string>>;
  /** The tarballs that were published, in order. */
  readonly published: readonly Buffer[];
  /** Who is asked for a token, and which token then publishes. */
  readonly said: readonly string[];
  readonly close: () => Promise<void>;
}

const SHORT_LIVED = 'npm_short_lived';

export async function fakeRegistry(name: string): Promise<FakeRegistry> {
  const published: Buffer[] = [];
  const said: string[] = [];
  let packument: { readonly versions: Record<string, unknown> } | undefined;
  const server = createServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    const answer = (status: number, body: unknown): unknown => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const text = await textOf(request);
    if (path.startsWith('/github-token')) {
      said.push(`GitHub: ${headers.authorization ?? 'nobody'} for ${new URL(path, 'http://localhost').searchParams.get('audience')}`);
      return answer(200, { value: 'identity' });
    }
    if (path === `/-/npm/v1/oidc/token/exchange/package/${name}`) {
      said.push(`exchange: ${headers.authorization ?? 'nobody'}`);
      return answer(201, { token: SHORT_LIVED });
    }
    if (method === 'PUT') {
      said.push(`publish: ${headers.authorization ?? 'nobody'}`);
      const sent = JSON.parse(text);
      for (const { data } of Object.values<{ data: string }>(sent._attachments)) published.push(Buffer.from(data, 'base64'));
      packument = { ...sent, _attachments: undefined };
      return answer(201, {});
    }
    return packument === undefined ? answer(404, { error: 'not found' }) : answer(200, packument);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the registry has no port');
  const url = `http://127.0.0.1:${address.port}/`;
  return {
    url,
    github: { GITHUB_ACTIONS: 'true', CI: 'true', ACTIONS_ID_TOKEN_REQUEST_URL: `${url}github-token`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-this-job' },
    published,
    said,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
