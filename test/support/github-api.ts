import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * GitHub's API over real HTTP, as far as the emitted scripts ask it, with the answers that its documentation gives:
 * docs.github.com/en/rest/ pulls/pulls, issues/issues, issues/comments, actions/workflows, actions/workflow-runs,
 * actions/workflow-jobs, actions/artifacts, branches/branches, commits/commits, repos/rules. What is in it may be changed at any time.
 */
export interface GithubApi {
  readonly url: string;
  readonly pulls: Map<number, Pull>;
  readonly issues: Issue[];
  /** Of pull requests and of issues. */
  readonly comments: Comment[];
  readonly workflows: Workflow[];
  readonly runs: Run[];
  readonly artifacts: Artifact[];
  readonly branches: Map<string, Branch>;
  /** The active rules of every branch. */
  readonly rules: { readonly type: string }[];
  /** The commits of `main`, the oldest first. */
  readonly main: string[];
  /** What it will say of any pull request while {@link pulls} is empty: its state, or a status and a body that are no answer. */
  says(answer: 'open' | 'closed' | { readonly status: number; readonly body: string }): void;
  /** Every further request whose `GET /repos/…` fits goes wrong, `times` over. Without `where`, all is well again. */
  fails(where?: RegExp, how?: Failure, times?: number): void;
  /** Whether the list of runs gives all of them, whatever was asked for. */
  ignoresFilters(does: boolean): void;
  /** The moment that its answers say they were given at; `null`: they say none. Without a moment, the real one. */
  clock(says?: Date | string | null): void;
  /** What it answers about the repository itself, beside its name. */
  repository(more: Readonly<Record<string, unknown>>): void;
  /** A successful deploy, and what it published. */
  deployed(run?: Partial<Run>, zip?: Buffer, artifact?: Partial<Artifact>): Run;
  /** Every request so far: `GET /repos/acme/dbt/pulls/142 Bearer a-job-token`. */
  readonly requests: readonly string[];
  /** Every request to the storage that artifacts are downloaded from, written down likewise. */
  readonly storageRequests: readonly string[];
  stop(): Promise<void>;
}

export interface Pull {
  readonly state: 'open' | 'closed';
  readonly sha?: string;
  readonly closedAt?: string;
}
export interface Issue {
  readonly number: number;
  readonly title: string;
  body: string;
  state: 'open' | 'closed';
  reason: string | null;
  readonly login: string;
  readonly type: 'User' | 'Bot';
  /** The app's slug; `null` for a person. */
  readonly app: string | null;
  readonly createdAt: string;
  /** GitHub lists pull requests among the issues. */
  readonly isPull?: true;
}
export interface Comment {
  readonly id: number;
  /** The number of the pull request or the issue. */
  readonly pull: number;
  body: string;
  readonly login: string;
  readonly type: 'User' | 'Bot';
  /** The app's slug; `null` for a person. */
  readonly app: string | null;
}
export interface Workflow {
  readonly id: number;
  readonly path: string;
  /** `active` where it is left out. */
  readonly state?: string;
}
export interface Run {
  readonly id: number;
  readonly workflow: number;
  readonly path: string;
  readonly event: string;
  readonly branch: string;
  readonly sha: string;
  /** The id of the repository that it was pushed to; another one for a fork. */
  readonly from: number;
  readonly conclusion: string;
  readonly createdAt: string;
  /** Later than `createdAt` where it was started again. */
  readonly startedAt?: string;
  readonly jobs?: readonly RunJob[];
}
export interface RunJob {
  readonly name: string;
  readonly conclusion: string | null;
  readonly completedAt: string | null;
}
export interface Artifact {
  readonly id: number;
  readonly run: number;
  readonly name: string;
  readonly zip: Buffer;
  readonly expired: boolean;
  readonly createdAt: string;
  /** What GitHub says that its digest is. */
  readonly digest?: string;
}
export interface Branch {
  readonly sha: string;
  readonly protected: boolean;
  /** Whether a branch protection rule is behind it, rather than a ruleset. */
  readonly classic: boolean;
}

export type Failure =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The connection ends in the middle of the body. */
  | 'cut off'
  | 'hang up'
  /** The connection is taken, and nothing comes. */
  | 'silent'
  /** A byte now and then, without end. */
  | 'drips'
  | 'html'
  /** Whatever page is asked for, the first one comes. */
  | 'same page'
  /** The last page is promised, not linked, and empty. */
  | 'last page missing'
  /** Somebody on the way takes the Link header off. */
  | 'no links'
  | 'next page elsewhere'
  | 'wrong shape'
  /** All is well: what was planted before comes after that many requests. */
  | 'not yet';

export const REPOSITORY_ID = 1296269;
const DEPLOY = '.github/workflows/dbt_deploy.yml';
const BOT = { login: 'github-actions[bot]', type: 'Bot', app: 'github-actions' } as const;

export async function startGithubApi(): Promise<GithubApi> {
  const requests: string[] = [];
  const storageRequests: string[] = [];
  const pulls = new Map<number, Pull>();
  const issues: Issue[] = [];
  const comments: Comment[] = [];
  const workflows: Workflow[] = [{ id: 7, path: DEPLOY }];
  const runs: Run[] = [];
  const artifacts: Artifact[] = [];
  const branches = new Map<string, Branch>();
  const rules: { type: string }[] = [];
  const main: string[] = ['a'.repeat(40)];
  const failures: { where: RegExp; how: Failure; left: number }[] = [];
  let anyPull: Parameters<GithubApi['says']>[0] = 'open';
  let last = 1000;
  let unfiltered = false;
  let date: string | null | undefined;
  let described: Readonly<Record<string, unknown>> = {};

  const storage = createServer((request, response) => {
    storageRequests.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    const failure = failureFor(`STORAGE ${request.url}`);
    if (failure !== undefined && spoil(failure, response, 'half a zip')) return;
    const found = artifacts.find(({ id }) => request.url === `/artifacts/${id}?sig=signed`);
    // The real one refuses a request that brings a token of GitHub's along.
    if (request.headers.authorization !== undefined || !found) response.writeHead(found ? 401 : 404).end();
    else response.writeHead(200, { 'content-type': 'application/zip', 'content-length': found.zip.length }).end(found.zip);
  });
  const api = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push(`${method} ${url} ${headers.authorization ?? ''}`);
    response.sendDate = date !== null;
    if (typeof date === 'string') response.setHeader('date', date);
    const failure = failureFor(`${method} ${url}`);
    if (failure !== undefined && spoil(failure, response, '{"number":142,')) return;
    const address = new URL(url, `http://${headers.host}`);
    const path = address.pathname.replace(/^\/repositories\/[0-9]+|^\/repos\/acme\/dbt(?=\/|$)/, '');
    const answer: Answer = path === address.pathname ? notFound() : route(method, path, address.searchParams, await bodyOf(request));
    if ('items' in answer) sendPage(response, address, answer, failure);
    else
      response
        .writeHead(answer.status, { 'content-type': 'application/json; charset=utf-8', ...answer.headers })
        .end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });

  function failureFor(line: string): Failure | undefined {
    const found = failures.find(({ where, left }) => left > 0 && where.test(line));
    if (found) found.left -= 1;
    return found?.how;
  }

  function route(method: string, path: string, query: URLSearchParams, body: string): Answer {
    const at = (pattern: RegExp): readonly string[] | undefined => pattern.exec(path)?.slice(1).map(decodeURIComponent);
    let found: readonly string[] | undefined;
    if (path === '') return ok({ id: REPOSITORY_ID, full_name: 'acme/dbt', default_branch: 'main', private: true, ...described });
    if (path === '/pulls') {
      const state = query.get('state') ?? 'open';
      return { items: [...pulls].filter(([, pull]) => state === 'all' || pull.state === state).map(([number, pull]) => pullOf(number, pull)) };
    }
    found = at(/^\/pulls\/([0-9]+)$/);
    if (found) {
      const number = Number(found[0]);
      const pull = pulls.get(number);
      if (pull) return ok(pullOf(number, pull));
      if (pulls.size > 0) return notFound();
      return typeof anyPull === 'string' ? ok(pullOf(number, { state: anyPull })) : anyPull;
    }
    if (path === '/issues' && method === 'GET') {
      const asked = { state: query.get('state') ?? 'open', creator: query.get('creator') };
      const chosen = issues
        .filter(({ state }) => asked.state === 'all' || state === asked.state)
        .filter(({ login }) => unfiltered || asked.creator === null || login === asked.creator);
      return { items: chosen.toReversed().map(issueOf) };
    }
    if (path === '/issues' && method === 'POST') {
      const { title } = JSON.parse(body);
      const text = bodyIn(body);
      if (typeof title !== 'string' || title === '' || text === undefined) return unprocessable();
      const issue: Issue = { number: ++last, title, body: text, state: 'open', reason: null, ...BOT, createdAt: moment(now()) };
      issues.push(issue);
      return { ...ok(issueOf(issue)), status: 201 };
    }
    found = at(/^\/issues\/([0-9]+)$/);
    if (found) {
      const issue = issues.find(({ number }) => String(number) === found?.[0]);
      if (!issue) return notFound();
      if (method === 'PATCH') {
        const given: { body?: string; state?: 'open' | 'closed'; state_reason?: string } = JSON.parse(body);
        if (given.body !== undefined && bodyIn(body) === undefined) return unprocessable();
        if (given.state_reason !== undefined && !REASONS.includes(given.state_reason)) return unprocessable();
        issue.body = given.body ?? issue.body;
        issue.state = given.state ?? issue.state;
        issue.reason = given.state_reason ?? issue.reason;
      }
      return ok(issueOf(issue));
    }
    found = at(/^\/issues\/([0-9]+)\/comments$/);
    if (found) {
      const pull = Number(found[0]);
      if (method === 'GET') return { items: comments.filter((one) => one.pull === pull).map(commentOf) };
      const text = bodyIn(body);
      if (text === undefined) return unprocessable();
      const comment: Comment = { id: ++last, pull, body: text, ...BOT };
      comments.push(comment);
      return { ...ok(commentOf(comment)), status: 201 };
    }
    found = at(/^\/issues\/comments\/([0-9]+)$/);
    if (found && method === 'PATCH') {
      const comment = comments.find(({ id }) => String(id) === found?.[0]);
      const text = bodyIn(body);
      if (!comment) return notFound();
      if (text === undefined) return unprocessable();
      comment.body = text;
      return ok(commentOf(comment));
    }
    if (path === '/actions/workflows') return { key: 'workflows', items: workflows.map(workflowOf) };
    found = at(/^\/actions\/workflows\/([\w.-]+)$/);
    if (found) {
      const workflow = workflows.find(({ id, path: file }) => String(id) === found?.[0] || file.endsWith(`/${found?.[0]}`));
      return workflow ? ok(workflowOf(workflow)) : notFound();
    }
    found = at(/^\/actions\/workflows\/([0-9]+)\/runs$/);
    if (found) {
      const asked = { branch: query.get('branch'), event: query.get('event'), status: query.get('status') };
      const chosen = runs
        .filter(({ workflow }) => unfiltered || String(workflow) === found?.[0])
        .filter(({ branch }) => unfiltered || asked.branch === null || branch === asked.branch)
        .filter(({ event }) => unfiltered || asked.event === null || event === asked.event)
        .filter(({ conclusion }) => unfiltered || asked.status === null || asked.status === 'completed' || conclusion === asked.status)
        .sort((a, b) => b.createdAt.localeCompare(a.createdAt));
      return { key: 'workflow_runs', items: chosen.map(runOf) };
    }
    found = at(/^\/actions\/runs\/([0-9]+)\/jobs$/);
    if (found) {
      const jobs = runs.find(({ id }) => String(id) === found?.[0])?.jobs;
      return jobs ? { key: 'jobs', items: jobs.map(jobOf) } : notFound();
    }
    found = at(/^\/actions\/runs\/([0-9]+)\/artifacts$/);
    if (found) {
      const name = query.get('name');
      const chosen = artifacts.filter((one) => String(one.run) === found?.[0] && (name === null || one.name === name));
      return { key: 'artifacts', items: chosen.map(artifactOf) };
    }
    found = at(/^\/actions\/artifacts\/([0-9]+)\/zip$/);
    if (found) {
      const artifact = artifacts.find(({ id }) => String(id) === found?.[0]);
      if (!artifact) return notFound();
      if (artifact.expired) return { status: 410, body: { message: 'Artifact has expired' } };
      return { status: 302, body: '', headers: { location: `${addressOf(storage)}/artifacts/${artifact.id}?sig=signed` } };
    }
    found = at(/^\/branches\/([^/]+)$/);
    if (found) {
      const [name = ''] = found;
      const branch = branches.get(name) ?? (name === 'main' ? { sha: main.at(-1) ?? '', protected: false, classic: false } : undefined);
      if (!branch) return { status: 404, body: { message: 'Branch not found' } };
      const protection = { enabled: branch.classic, required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] } };
      return ok({ name, commit: { sha: branch.sha }, protected: branch.protected, protection });
    }
    if (at(/^\/rules\/branches\/([^/]+)$/)) return { items: rules.map(({ type }) => ({ type, ruleset_source_type: 'Repository', ruleset_id: 42 })) };
    found = at(/^\/compare\/([0-9a-f]{40})\.\.\.([0-9a-f]{40})$/);
    if (found) {
      const [base = '', head = ''] = found;
      const [from, to] = [main.indexOf(base), main.indexOf(head)];
      return ok({ status: base === head ? 'identical' : from < 0 || to < 0 ? 'diverged' : from < to ? 'ahead' : 'behind' });
    }
    return notFound();
  }

  const pullOf = (number: number, { state, sha = 'c'.repeat(40), closedAt }: Pull) => ({
    number,
    state,
    closed_at: state === 'open' ? null : (closedAt ?? '2026-11-20T05:17:00Z'),
    head: { sha, repo: { full_name: 'acme/dbt' } },
  });
  const now = (): Date => (typeof date === 'string' ? new Date(date) : new Date());
  const issueOf = ({ number, title, body, state, reason, login, type, app, createdAt, isPull }: Issue) => ({
    id: number * 1000,
    number,
    title,
    body,
    state,
    state_reason: reason,
    created_at: createdAt,
    html_url: `https://github.com/acme/dbt/issues/${number}`,
    user: { login, type },
    performed_via_github_app: app === null ? null : { slug: app },
    ...(isPull && { pull_request: {} }),
  });
  const workflowOf = ({ id, path, state = 'active' }: Workflow) => ({ id, path, state });
  const jobOf = ({ name, conclusion, completedAt }: RunJob, at: number) => ({
    id: at + 1,
    name,
    status: conclusion === null ? 'in_progress' : 'completed',
    conclusion,
    completed_at: completedAt,
  });
  const commentOf = ({ id, pull, body, login, type, app }: Comment) => ({
    id,
    html_url: `https://github.com/acme/dbt/pull/${pull}#issuecomment-${id}`,
    body,
    user: { login, type },
    performed_via_github_app: app === null ? null : { slug: app },
  });
  const runOf = (run: Run) => ({
    id: run.id,
    path: run.path,
    event: run.event,
    head_branch: run.branch,
    head_sha: run.sha,
    status: 'completed',
    conclusion: run.conclusion,
    created_at: run.createdAt,
    run_started_at: run.startedAt ?? run.createdAt,
    html_url: `https://github.com/acme/dbt/actions/runs/${run.id}`,
    repository: { id: REPOSITORY_ID },
    head_repository: { id: run.from },
  });
  const artifactOf = ({ id, name, zip, expired, createdAt, digest }: Artifact) => ({
    id,
    name,
    size_in_bytes: zip.length,
    expired,
    created_at: createdAt,
    digest: digest ?? `sha256:${createHash('sha256').update(zip).digest('hex')}`,
  });

  await Promise.all([listen(api), listen(storage)]);
  return {
    url: addressOf(api),
    ...{ pulls, issues, comments, workflows, runs, artifacts, branches, rules, main, requests, storageRequests },
    says: (next) => {
      anyPull = next;
    },
    fails: (where, how, times = Number.POSITIVE_INFINITY) => {
      if (where === undefined || how === undefined) failures.length = 0;
      else failures.unshift({ where, how, left: times });
    },
    ignoresFilters: (does) => {
      unfiltered = does;
    },
    clock: (says) => {
      date = says instanceof Date ? says.toUTCString() : says;
    },
    repository: (more) => {
      described = more;
    },
    deployed: (given = {}, zip, artifact = {}) => {
      const id = ++last;
      const createdAt = new Date(Date.UTC(2026, 10, 20) + id * 60_000).toISOString().replace('.000', '');
      const usual = { workflow: 7, path: DEPLOY, event: 'push', branch: 'main', sha: main.at(-1) ?? '', from: REPOSITORY_ID, conclusion: 'success' };
      const run: Run = { id, createdAt, ...usual, ...given };
      runs.push(run);
      if (zip) artifacts.push({ id: ++last, run: run.id, name: 'dbt-prod-state', zip, expired: false, createdAt: run.startedAt ?? run.createdAt, ...artifact });
      return run;
    },
    stop: async () => {
      await Promise.all([closed(api), closed(storage)]);
    },
  };
}

type Answer = { readonly status: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> } | Page;
/** A list; under `key`, inside an object, where its endpoint gives one. */
interface Page {
  readonly items: readonly object[];
  readonly key?: string;
}

/** docs.github.com/en/rest/issues/issues#update-an-issue */
const REASONS: readonly string[] = ['completed', 'not_planned', 'duplicate', 'reopened'];
const moment = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z');
const ok = (body: unknown) => ({ status: 200, body });
const notFound = () => ({ status: 404, body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' } });
const unprocessable = () => ({ status: 422, body: { message: 'Validation Failed' } });

/** docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api: 30 a page, 100 at most, links by the repository's id. */
function sendPage(response: ServerResponse, address: URL, { items, key }: Page, failure?: Failure): void {
  const size = Math.min(Number(address.searchParams.get('per_page') ?? 30), 100);
  const page = failure === 'same page' ? 1 : Number(address.searchParams.get('page') ?? 1);
  const pages = Math.max(Math.ceil(items.length / size), 1);
  const link = (to: number, rel: string, host = address.origin) => {
    const url = new URL(address.pathname.replace('/repos/acme/dbt', `/repositories/${REPOSITORY_ID}`), host);
    url.search = address.search;
    url.searchParams.set('page', String(to));
    return `<${url}>; rel="${rel}"`;
  };
  const asked = Number(address.searchParams.get('page') ?? 1);
  const links = [
    ...(asked > 1 ? [link(asked - 1, 'prev'), link(1, 'first')] : []),
    ...(asked < pages && !(failure === 'last page missing' && asked === pages - 1)
      ? [link(asked + 1, 'next', failure === 'next page elsewhere' ? 'http://localhost:1' : undefined)]
      : []),
    ...(asked < pages ? [link(pages, 'last')] : []),
  ];
  const shown = failure === 'last page missing' && page === pages ? [] : items.slice((page - 1) * size, page * size);
  response
    .writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      ...(links.length > 0 && failure !== 'no links' && { link: links.join(', ') }),
    })
    .end(JSON.stringify(key === undefined ? shown : { total_count: items.length, [key]: shown }));
}

/** Whether that was all of the answer. */
function spoil(failure: Failure, response: ServerResponse, half: string): boolean {
  if (typeof failure === 'object') {
    response.writeHead(failure.status, { 'content-type': 'application/json', ...failure.headers }).end(failure.body ?? '{"message":"planted"}');
    return true;
  }
  switch (failure) {
    case 'cut off':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 4096 });
      response.write(half, () => response.destroy());
      return true;
    case 'hang up':
      response.destroy();
      return true;
    case 'silent':
      return true;
    case 'drips': {
      response.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(drip));
      return true;
    }
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in to the proxy</html>');
      return true;
    case 'wrong shape':
      response.writeHead(200, { 'content-type': 'application/json' }).end('"nothing"');
      return true;
    case 'not yet':
    case 'same page':
    case 'last page missing':
    case 'no links':
    case 'next page elsewhere':
      return false;
  }
}

/** The text of a comment that is created or edited, where GitHub would take it: up to 65,536 characters. */
function bodyIn(json: string): string | undefined {
  const { body }: { body?: unknown } = JSON.parse(json);
  return typeof body === 'string' && body !== '' && body.length <= 65_536 ? body : undefined;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const listen = (server: Server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const closed = (server: Server) => {
  server.closeAllConnections();
  return new Promise<void>((resolve) => server.close(() => resolve()));
};
const addressOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
