import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * GitLab's API over real HTTP, as far as the emitted scripts ask it, with the answers that its documentation gives:
 * docs.gitlab.com/api/ merge_requests, packages, deployments, issues, notes, projects, protected_branches,
 * project_level_variables, group_level_variables, pipeline_schedules; offset pagination as in docs.gitlab.com/api/rest. Project 7,
 * acme/data/dbt.
 */
export interface GitlabApi {
  readonly url: string;
  readonly merges: Map<number, Merge>;
  readonly packages: Package[];
  readonly deployments: Deployment[];
  /** Jobs that deployed to prod, the oldest first; null where somebody has made a deployment without one. */
  readonly deploys: (Deploy | null)[];
  readonly issues: Issue[];
  readonly notes: { readonly issue: number; readonly body: string }[];
  /** What the project's own page says. */
  readonly project: Record<string, unknown>;
  readonly protectedBranches: Map<string, ProtectedBranch>;
  /** Who may create such a tag, by level. */
  readonly protectedTags: Map<string, readonly number[]>;
  /** Pipelines that the API knows, by id. */
  readonly pipelines: Map<number, { readonly ref: string; readonly tag: boolean; readonly source: string }>;
  /** Which GitLab it is. */
  version: string;
  readonly variables: StoredVariable[];
  /** The variables of the groups that the login owns, by the group's path. */
  readonly groups: Map<string, readonly StoredVariable[]>;
  readonly schedules: Schedule[];
  /** Whose job a token is; a token that is not here is a person's, who may do everything. */
  readonly jobs: Map<string, JobPipeline>;
  /** Every further request whose `GET /projects/…` fits goes wrong, `times` over, the `from`-th of them first. Without `where`, all is well again. */
  fails(where?: RegExp, how?: GitlabFailure, times?: number, from?: number): void;
  /** Whether the plan is Premium, where the API changes who may push to a protected branch. */
  premium(is: boolean): void;
  /** Whether the login may not read pipelines. */
  blind(is: boolean): void;
  /** What an older GitLab lets a job's own token read: no merge requests. */
  older(is: boolean): void;
  /** Every request so far: `GET /projects/7/merge_requests/142 JOB-TOKEN`. */
  readonly requests: readonly string[];
  /** Every header with a login that came in, with where it came to. */
  readonly logins: readonly string[];
  stop(): Promise<void>;
}

export interface Merge {
  readonly state: 'opened' | 'closed' | 'merged' | 'locked' | (string & {});
  readonly sha: string;
  readonly closedAt?: string | null;
  readonly mergedAt?: string | null;
  readonly updatedAt?: string;
}
export interface Deploy {
  readonly id: number;
  readonly name: string;
  readonly ref: string;
  readonly tag: boolean;
  readonly pipeline: number;
}
export interface JobPipeline {
  readonly id?: number;
  readonly project_id: number;
  readonly ref: string;
  readonly source: string;
  readonly sha: string;
}
export interface Package {
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly files: PackageFile[];
}
export interface PackageFile {
  readonly id: number;
  readonly name: string;
  readonly data: Buffer;
  readonly pipelines: readonly JobPipeline[];
}
export interface Deployment {
  readonly environment: string;
  readonly status: string;
  readonly finishedAt: string;
  /** Its job; null where somebody has made the deployment without one. */
  readonly job?: { readonly name: string; readonly ref: string; readonly tag: boolean } | null;
}
export interface Issue {
  readonly iid: number;
  title: string;
  description: string;
  state: 'opened' | 'closed';
  readonly author: string;
  readonly createdAt: string;
}
export interface ProtectedBranch {
  readonly push: readonly number[];
  readonly merge: readonly number[];
  readonly force: boolean;
}
export interface StoredVariable {
  readonly key: string;
  readonly value: string;
  readonly protected: boolean;
  readonly masked: boolean;
  readonly hidden: boolean;
  readonly raw: boolean;
  readonly environment_scope: string;
}
export interface Schedule {
  readonly id: number;
  description: string;
  ref: string;
  cron: string;
  active: boolean;
  owner: { state: string };
  readonly variables: { key: string; value: string }[];
}

export type GitlabFailure =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The connection ends in the middle of the body. */
  | 'cut off'
  | 'hang up'
  | 'html'
  | 'wrong shape'
  /** Whatever page is asked for, the first one comes. */
  | 'same page'
  /** A page is promised, and empty. */
  | 'last page missing'
  /** Somebody on the way takes the headers off that tell of pages. */
  | 'no headers';

/** What was asked: the path without its query, the query, the words of a body, and whose login it was. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly job: JobPipeline | undefined;
}
interface Answer {
  readonly status?: number;
  readonly json?: unknown;
  readonly raw?: Buffer;
  readonly list?: readonly unknown[];
}
const MISSING: Answer = { status: 404, json: { message: '404 Not found' } };
const SWEEP_JOB = { name: 'dbt-sweep', ref: 'main', tag: false };
/** What an authorization that is missing looks like: a project that is not there. */
const UNSEEN: Answer = { status: 404, json: { message: '404 Project Not Found' } };

export async function startGitlabApi(): Promise<GitlabApi> {
  const merges: GitlabApi['merges'] = new Map();
  const packages: Package[] = [];
  const deployments: Deployment[] = [];
  const deploys: (Deploy | null)[] = [];
  const issues: Issue[] = [];
  const notes: { issue: number; body: string }[] = [];
  const project: Record<string, unknown> = {
    id: 7,
    path_with_namespace: 'acme/data/dbt',
    namespace: { id: 3, kind: 'group', full_path: 'acme/data' },
    web_url: 'https://gitlab.com/acme/data/dbt',
    visibility: 'private',
    issues_access_level: 'enabled',
    ci_allow_fork_pipelines_to_run_in_parent_project: true,
    protect_merge_request_pipelines: true,
    only_allow_merge_if_pipeline_succeeds: false,
    allow_merge_on_skipped_pipeline: null,
    restrict_user_defined_variables: true,
    auto_cancel_pending_pipelines: 'enabled',
    ci_pipeline_variables_minimum_override_role: 'developer',
  };
  const protectedBranches: GitlabApi['protectedBranches'] = new Map();
  const protectedTags: GitlabApi['protectedTags'] = new Map();
  const pipelines: GitlabApi['pipelines'] = new Map();
  const gitlab = { version: '18.4.1-ee' };
  const variables: StoredVariable[] = [];
  const groups: GitlabApi['groups'] = new Map([
    ['acme/data', []],
    ['acme', []],
  ]);
  const schedules: Schedule[] = [];
  const jobs: GitlabApi['jobs'] = new Map();
  const requests: string[] = [];
  const logins: string[] = [];
  let failure: { where: RegExp; how: GitlabFailure; left: number; wait: number } | undefined;
  let isOlder = false;
  let isPremium = true;
  let isBlind = false;
  let ids = 1000;

  const mergeJson = (iid: number, merge: Merge) => ({
    id: 5000 + iid,
    iid,
    title: '"; echo planted; "',
    state: merge.state,
    sha: merge.sha,
    closed_at: merge.closedAt === undefined ? (merge.state === 'closed' ? '2026-11-20T05:17:00.520Z' : null) : merge.closedAt,
    merged_at: merge.mergedAt === undefined ? (merge.state === 'merged' ? '2026-11-21T05:17:00.000Z' : null) : merge.mergedAt,
    updated_at: merge.updatedAt ?? '2026-11-22T05:17:00.000Z',
  });

  function answer(asked: Asked): Answer {
    const { method, path: place, query, body, job } = asked;
    const words = place.split('/').slice(1).map(decodeURIComponent);
    if (place === '/version') return { json: gitlab };
    if (words[0] === 'groups' && words[2] === 'variables') {
      const found = groups.get(words[1] ?? '');
      return found ? { list: found } : { status: 404, json: { message: '404 Group Not Found' } };
    }
    if (words[0] !== 'projects' || (words[1] !== '7' && words[1] !== 'acme/data/dbt')) return UNSEEN;
    const [, , area = '', one, under, ...rest] = words;
    const said = (): Record<string, unknown> => JSON.parse(body.toString() || '{}');
    switch (area) {
      case '':
        // A job's token may not read the project itself: docs.gitlab.com/ci/jobs/ci_job_token
        if (job) return UNSEEN;
        if (method === 'PUT') Object.assign(project, said());
        return { json: project };
      case 'merge_requests': {
        if (job && isOlder) return UNSEEN;
        if (one === undefined) return { list: [...merges].sort(([a], [b]) => a - b).map(([iid, merge]) => mergeJson(iid, merge)) };
        const found = merges.get(Number(one));
        return found ? { json: mergeJson(Number(one), found) } : MISSING;
      }
      case 'packages':
        return packagesAnswer({ ...asked, words: [one ?? '', under ?? '', ...rest] });
      case 'deployments': {
        if (query.get('environment') === 'prod')
          return { list: deploys.map((one, at) => ({ id: 700 + at, deployable: one && { ...one, pipeline: { id: one.pipeline } } })).toReversed() };
        // app/finders/deployments_finder.rb
        if (query.get('order_by') === 'finished_at' && !query.has('finished_after'))
          return { status: 400, json: { message: '400 Bad request - `finished_at` filter and `finished_at` sorting must be paired' } };
        const wanted = deployments.filter(({ environment, status }) => environment === query.get('environment') && status === query.get('status'));
        const sorted = query.get('sort') === 'desc' ? wanted.toReversed() : wanted;
        return {
          list: sorted.map(({ status, finishedAt, job = SWEEP_JOB }, index) => ({
            id: 100 - index,
            status,
            deployable: job && { ...job, finished_at: finishedAt },
          })),
        };
      }
      case 'issues':
        return issuesAnswer(method, one, under, said());
      case 'protected_branches': {
        if (method === 'POST') {
          const { name, push_access_level: push, merge_access_level: merge, allow_force_push: force } = said();
          protectedBranches.set(String(name), { push: [Number(push)], merge: [Number(merge)], force: force === true });
        }
        const levels = (all: readonly number[]) => all.map((access_level, index) => ({ id: index + 1, access_level }));
        const ruleJson = (name: string, { push, merge, force }: ProtectedBranch) => ({
          id: 300 + [...protectedBranches.keys()].indexOf(name),
          name,
          push_access_levels: levels(push),
          merge_access_levels: levels(merge),
          allow_force_push: force,
        });
        if (method === 'GET' && one === undefined) return { list: [...protectedBranches].map(([name, rule]) => ruleJson(name, rule)) };
        const name = method === 'POST' ? String(said().name) : (one ?? '');
        const found = protectedBranches.get(name);
        if (!found) return MISSING;
        if (method === 'PATCH') {
          const asked = said().allowed_to_push as readonly { id?: number; _destroy?: boolean; access_level?: number }[];
          const kept = found.push.filter((_, index) => !asked.some(({ id, _destroy }) => _destroy === true && id === index + 1));
          const push = isPremium ? [...kept, ...asked.flatMap(({ access_level: level }) => level ?? [])] : found.push;
          protectedBranches.set(name, { ...found, push, force: said().allow_force_push === true });
          return { json: {} };
        }
        return { json: ruleJson(name, found) };
      }
      case 'protected_tags': // which have no id
        return { list: [...protectedTags].map(([name, levels]) => ({ name, create_access_levels: levels.map((access_level, id) => ({ id, access_level })) })) };
      case 'pipelines': {
        const found = pipelines.get(Number(one));
        return found ? { json: { id: Number(one), project_id: 7, ...found } } : MISSING;
      }
      case 'variables':
        return variablesAnswer(method, one, query, said());
      case 'pipeline_schedules':
        return schedulesAnswer(method, one, under, said());
      default:
        return MISSING;
    }
  }

  function packagesAnswer({ method, query, body, job, words }: Asked & { words: readonly string[] }): Answer {
    const [first = '', second = '', version = '', name = ''] = words;
    if (first === '') {
      // The name is searched for, not compared.
      const found = packages.filter((one) => one.name.includes(query.get('package_name') ?? ''));
      return { list: found.toReversed().map(({ id, name: called, version: number }) => ({ id, name: called, version: number, package_type: 'generic' })) };
    }
    if (first === 'generic') {
      const found = packages.find((one) => one.name === second && one.version === version);
      if (method === 'PUT') {
        const target = found ?? { id: ++ids, name: second, version, files: [] };
        if (!found) packages.push(target);
        target.files.push({ id: ++ids, name, data: body, pipelines: job ? [job] : [] });
        return { status: 201, json: { message: '201 Created' } };
      }
      const file = found?.files.findLast((one) => one.name === name);
      return file ? { raw: file.data } : MISSING;
    }
    const at = packages.findIndex(({ id }) => String(id) === first);
    const found = packages[at];
    if (method === 'DELETE' && second === '' && found) {
      packages.splice(at, 1);
      return { status: 204 };
    }
    if (second !== 'package_files' || !found) return MISSING;
    const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');
    return {
      list: found.files.map(({ id, name: file_name, data, pipelines }) => ({
        id,
        file_name,
        file_sha256: digest(data),
        // Left out where there is none, and where whoever asks may not read pipelines.
        ...(pipelines.length > 0 && !isBlind && { pipelines }),
      })),
    };
  }

  function issuesAnswer(method: string, one: string | undefined, under: string | undefined, said: Record<string, unknown>): Answer {
    const issueJson = (issue: Issue) => ({
      id: 9000 + issue.iid,
      iid: issue.iid,
      title: issue.title,
      description: issue.description,
      state: issue.state,
      created_at: issue.createdAt,
      web_url: `https://gitlab.example.com/acme/data/dbt/-/issues/${issue.iid}`,
    });
    if (one === undefined && method === 'POST') {
      const issue: Issue = {
        iid: issues.length + 1,
        title: String(said.title),
        description: String(said.description),
        state: 'opened',
        author: 'bot',
        createdAt: new Date().toISOString(),
      };
      issues.push(issue);
      return { status: 201, json: issueJson(issue) };
    }
    if (one === undefined) return { list: issues.filter(({ state, author }) => state === 'opened' && author === 'bot').map(issueJson) };
    const issue = issues.find(({ iid }) => String(iid) === one);
    if (!issue) return MISSING;
    if (under === 'notes') {
      notes.push({ issue: issue.iid, body: String(said.body) });
      return { status: 201, json: {} };
    }
    if (said.title !== undefined) issue.title = String(said.title);
    if (said.description !== undefined) issue.description = String(said.description);
    if (said.state_event === 'close') issue.state = 'closed';
    return { json: issueJson(issue) };
  }

  function variablesAnswer(method: string, one: string | undefined, query: URLSearchParams, said: Record<string, unknown>): Answer {
    if (method === 'GET') return { list: variables };
    const scope = query.get('filter[environment_scope]') ?? said.environment_scope;
    const at = variables.findIndex((variable) => variable.key === (one ?? said.key) && variable.environment_scope === scope);
    const value = String(said.value ?? '');
    // docs.gitlab.com/ci/variables/#mask-a-cicd-variable
    const there = variables[at];
    const masks = said.masked_and_hidden === true || (method === 'PUT' && (said.masked === true || (there?.hidden === true && said.value !== undefined)));
    if (masks && (value.length < 8 || /\s/.test(value))) return { status: 400, json: { message: { value: ['is invalid'] } } };
    if (method === 'DELETE') {
      if (at < 0) return MISSING;
      variables.splice(at, 1);
      return { status: 204 };
    }
    const stored: StoredVariable = {
      key: String(one ?? said.key),
      value: said.masked_and_hidden === true ? '' : value,
      protected: said.protected === true,
      masked: said.masked_and_hidden === true || said.masked === true,
      hidden: said.masked_and_hidden === true,
      raw: said.raw === true,
      environment_scope: String(scope),
    };
    if (method === 'PUT') {
      if (at < 0) return MISSING;
      const { value: old = '', masked = false, hidden = false } = variables[at] ?? {};
      variables[at] = {
        ...stored,
        value: said.value === undefined ? old : value,
        masked: hidden || (said.masked === undefined ? masked : stored.masked),
        hidden,
      };
    } else if (at >= 0) return { status: 400, json: { message: { key: ['has already been taken'] } } };
    else variables.push(stored);
    return { json: stored };
  }

  function schedulesAnswer(method: string, one: string | undefined, under: string | undefined, said: Record<string, unknown>): Answer {
    if (one === undefined && method === 'GET') return { list: schedules.map(({ variables: _, ...schedule }) => schedule) };
    if (one === undefined) {
      const made: Schedule = {
        id: ++ids,
        description: String(said.description),
        ref: String(said.ref),
        cron: String(said.cron),
        active: said.active !== false,
        owner: { state: 'active' },
        variables: [],
      };
      schedules.push(made);
      return { status: 201, json: made };
    }
    const schedule = schedules.find(({ id }) => String(id) === one);
    if (!schedule) return MISSING;
    if (under === 'variables' && project.ci_pipeline_variables_minimum_override_role === 'no_one_allowed')
      return { status: 403, json: { message: '403 Forbidden' } };
    if (under === 'variables') schedule.variables.push({ key: String(said.key), value: String(said.value) });
    else if (method === 'PUT') Object.assign(schedule, said);
    return { json: schedule };
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => respond(request, Buffer.concat(chunks), response));
  });

  function respond(request: IncomingMessage, body: Buffer, response: ServerResponse): unknown {
    const url = new URL(request.url ?? '', 'http://127.0.0.1');
    const place = url.pathname.replace('/api/v4', '');
    const method = request.method ?? 'GET';
    const jobToken = request.headers['job-token'];
    const bearer = request.headers.authorization;
    const login = jobToken === undefined ? (bearer === undefined ? 'nobody' : 'Bearer') : 'JOB-TOKEN';
    requests.push(`${method} ${place}${url.search} ${login}`);
    logins.push(`${String(jobToken ?? bearer ?? '')} ${place}`);
    const send = (status: number, data: Buffer | string, headers: Record<string, string> = {}): void => {
      const bytes = Buffer.from(data);
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': String(bytes.length), ...headers });
      response.end(bytes);
    };
    let how: GitlabFailure | undefined;
    if (failure && failure.left > 0 && failure.where.test(`${method} ${place}${url.search}`)) {
      failure.wait -= 1;
      if (failure.wait < 0) {
        failure.left -= 1;
        how = failure.how;
      }
    }
    if (how === 'hang up') return request.socket.destroy();
    if (how === 'html') return send(200, '<html>Sign in</html>', { 'content-type': 'text/html' });
    if (how === 'wrong shape') return send(200, '{"merge_requests": []}', pageHeaders(1, 100, 0));
    if (typeof how === 'object') return send(how.status, how.body ?? JSON.stringify({ message: `${how.status} Planted` }), { ...how.headers });
    if (login === 'nobody' || (jobToken !== undefined && !jobs.has(String(jobToken)))) return send(401, '{"message":"401 Unauthorized"}');
    const asked: Asked = { method, path: place, query: url.searchParams, body, job: jobToken === undefined ? undefined : jobs.get(String(jobToken)) };
    const found = answer(asked);
    if (how === 'cut off' && !found.list) {
      const half = JSON.stringify(found.json);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(half.length) });
      response.write(half.slice(0, half.length / 2));
      return response.socket?.end();
    }
    if (found.raw) return send(200, found.raw, { 'content-type': 'application/octet-stream' });
    if (!found.list) return send(found.status ?? 200, found.status === 204 ? '' : JSON.stringify(found.json));
    const size = Number(url.searchParams.get('per_page') ?? 20);
    const page = how === 'same page' ? 1 : Number(url.searchParams.get('page') ?? 1);
    const items = found.list.slice((page - 1) * size, page * size);
    const whole = JSON.stringify(items);
    if (how === 'cut off') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(whole.length), ...pageHeaders(page, size, found.list.length) });
      response.write(whole.slice(0, whole.length / 2));
      return response.socket?.end();
    }
    if (how === 'no headers') return send(200, whole);
    if (how === 'last page missing' && page * size >= found.list.length)
      return send(200, '[]', { ...pageHeaders(page, size, found.list.length), 'x-next-page': String(page + 1) });
    const headers = pageHeaders(page, size, found.list.length);
    // Of more than 10,000 items GitLab does not count.
    if (found.list.length > 10_000) for (const name of ['x-total', 'x-total-pages']) delete headers[name];
    return send(200, whole, headers);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v4`,
    merges,
    packages,
    deployments,
    deploys,
    issues,
    notes,
    project,
    protectedBranches,
    protectedTags,
    pipelines,
    set version(version: string) {
      gitlab.version = version;
    },
    get version() {
      return gitlab.version;
    },
    variables,
    groups,
    schedules,
    jobs,
    fails: (where, how = { status: 500 }, times = Number.POSITIVE_INFINITY, from = 1) => {
      failure = where && { where, how, left: times, wait: from - 1 };
    },
    premium: (is) => {
      isPremium = is;
    },
    blind: (is) => {
      isBlind = is;
    },
    older: (is) => {
      isOlder = is;
    },
    requests,
    logins,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const pageHeaders = (page: number, size: number, total: number): Record<string, string> => ({
  'x-page': String(page),
  'x-per-page': String(size),
  'x-next-page': page * size < total ? String(page + 1) : '',
  'x-total': String(total),
  'x-total-pages': String(Math.max(1, Math.ceil(total / size))),
});
