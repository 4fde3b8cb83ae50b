import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** GitHub's API over real HTTP, as far as the emitted scripts ask it. */
export interface GithubApi {
  readonly url: string;
  /** What it will say of a pull request: its state, or a status and a body that are no answer. */
  says(answer: 'open' | 'closed' | { readonly status: number; readonly body: string }): void;
  /** Every request so far: `GET /repos/acme/dbt/pulls/142 Bearer a-job-token`. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

export async function startGithubApi(): Promise<GithubApi> {
  let answer: Parameters<GithubApi['says']>[0] = 'open';
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
    const number = Number(/\/pulls\/([0-9]+)$/.exec(request.url ?? '')?.[1]);
    const { status, body } = typeof answer === 'string' ? { status: 200, body: JSON.stringify({ number, state: answer }) } : answer;
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    says: (next) => {
      answer = next;
    },
    requests,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
