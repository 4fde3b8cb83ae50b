import type { Token } from './bigquery-model/model.ts';
import type { TokenRow } from './bigquery-table.ts';
import { planned } from './scaffold.ts';

/** The project of these tests: acme/warehouse, number 42, in the group acme, number 7. */
const OURS = { project_id: '42', project_path: 'acme/warehouse', namespace_id: '7', namespace_path: 'acme', job_project_id: '42' };

/** What an administrator of the warehouse is told by the emitted setup.py, for that project. */
export function gitlabTrust(given: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const setup = planned({ warehouse: 'bigquery', ci: 'gitlab', ...given }).find(({ path }) => path === 'scripts/dbt_envs/setup.py')?.contents ?? '';
  const claims = [...setup.replaceAll('"\n    "', '').matchAll(/^ {4}"((?:CI|PROD|JANITOR)_CLAIMS)": "(.*)",$/gm)].map(([, name = '', said = '']) => [
    name,
    said.replaceAll('{project}', OURS.project_id).replaceAll('{namespace}', OURS.namespace_id),
  ]);
  return { TOKEN_ISSUER: 'https://gitlab.com', ...Object.fromEntries(claims) };
}

/** The same without one claim of one service: what whoever writes it by hand may forget. */
export function without(trust: Readonly<Record<string, string>>, service: string, claim: string): Readonly<Record<string, string>> {
  const all = (trust[service] ?? '').split(' ');
  const kept = all.filter((one) => !one.startsWith(`${claim}=`));
  if (kept.length !== all.length - 1) throw new Error(`${service} has no claim ${claim}`);
  return { ...trust, [service]: kept.join(' ') };
}

/** A token as docs.gitlab.com/ci/secrets/id_token_authentication and lib/gitlab/ci/jwt.rb make it; an empty claim is not in it. */
function token(ref: string, source: string, environment: string, more: Readonly<Record<string, string>> = {}, issuer = 'https://gitlab.com'): Token {
  const claims = { ...OURS, ref, ref_type: 'branch', ref_protected: ref === 'main' ? 'true' : 'false', pipeline_source: source, environment, ...more };
  const sub = `project_path:${claims.project_path}:ref_type:${claims.ref_type}:ref:${ref}`;
  return { issuer, claims: Object.fromEntries(Object.entries({ sub, ...claims }).filter(([, value]) => value !== '')) };
}
const FORK = { project_id: '666', project_path: 'mallory/warehouse', namespace_id: '60', namespace_path: 'mallory' };
const MERGE = { ref_protected: 'false' };

/** Tokens that reach the warehouse, and the services that their bearers may become. Written before the trust was. */
export const gitlabTokens: readonly TokenRow[] = [
  { what: 'a deploy after a merge', token: token('main', 'push', 'prod'), may: ['prod'] },
  { what: 'a deploy by schedule', token: token('main', 'schedule', 'prod'), may: ['prod'] },
  { what: 'a deploy by hand', token: token('main', 'web', 'prod'), may: ['prod'] },
  { what: 'the nightly sweep', token: token('main', 'schedule', 'sweep'), may: ['janitor'] },
  { what: 'a sweep by hand', token: token('main', 'web', 'sweep'), may: ['janitor'] },
  { what: 'a sweep that only says what it would do', token: token('main', 'web', 'sweep', { environment_action: 'access' }), may: ['janitor'] },
  { what: 'a build of a merge request', token: token('discounts', 'merge_request_event', 'pr/12'), may: ['ci'] },
  { what: 'its drop', token: token('discounts', 'merge_request_event', 'pr/12', { environment_action: 'stop' }), may: ['ci'] },
  {
    what: 'a build whose branch has a long name',
    token: token(`feature/${'long-'.repeat(40)}`, 'merge_request_event', 'pr/12'),
    may: ['ci'],
  },
  // Whoever may push writes the file that says what runs.
  { what: 'a merge request whose job says prod', token: token('discounts', 'merge_request_event', 'prod'), may: ['ci'] },
  { what: 'a merge request whose job says sweep', token: token('discounts', 'merge_request_event', 'sweep'), may: ['ci'] },
  { what: 'a merge request whose job says no environment', token: token('discounts', 'merge_request_event', ''), may: ['ci'] },
  // Its merged result is the code of both, and its token says ref main.
  { what: 'a merge request of main into another branch', token: token('main', 'merge_request_event', 'prod', MERGE), may: ['ci'] },
  { what: 'the same for the sweep', token: token('main', 'merge_request_event', 'sweep', MERGE), may: ['ci'] },
  { what: 'the same, where merge requests of protected branches are protected', token: token('main', 'merge_request_event', 'prod'), may: ['ci'] },
  { what: 'the same for the sweep, where they are protected', token: token('main', 'merge_request_event', 'sweep'), may: ['ci'] },
  // A member runs it here: job_project_id is ours.
  { what: 'a merge request of a fork, run here', token: token('discounts', 'merge_request_event', 'pr/13', { ...FORK, ...MERGE }), may: [] },
  { what: 'a merge request of a fork’s main, run here', token: token('main', 'merge_request_event', 'prod', { ...FORK, ...MERGE }), may: [] },
  {
    what: 'a merge request of a fork in the same group, run here',
    token: token('discounts', 'merge_request_event', 'pr/13', { project_id: '44', project_path: 'acme/warehouse-fork' }),
    may: [],
  },
  { what: 'the same of main, on a GitLab before 18.2.2', token: token('main', 'merge_request_event', 'prod', { job_project_id: '', ...MERGE }), may: [] },
  {
    what: 'a merge request of ours, run in the project that we forked',
    token: token('discounts', 'merge_request_event', 'pr/12', { job_project_id: '1' }),
    may: [],
  },
  { what: 'main of a fork', token: token('main', 'push', 'prod', { ...FORK, job_project_id: '666' }), may: [] },
  { what: 'a push to another branch', token: token('discounts', 'push', 'prod'), may: [] },
  { what: 'a pipeline by hand on another branch', token: token('discounts', 'web', 'prod'), may: [] },
  { what: 'a schedule on another branch', token: token('discounts', 'schedule', 'sweep'), may: [] },
  { what: 'another protected branch', token: token('release', 'push', 'prod', { ref_protected: 'true' }), may: [] },
  { what: 'a schedule on another protected branch', token: token('release', 'schedule', 'sweep', { ref_protected: 'true' }), may: [] },
  { what: 'a branch whose name goes on', token: token('main-2', 'push', 'prod', { ref_protected: 'true' }), may: [] },
  { what: 'a protected tag called main', token: token('main', 'push', 'prod', { ref_type: 'tag' }), may: [] },
  { what: 'a schedule on a protected tag called main', token: token('main', 'schedule', 'sweep', { ref_type: 'tag' }), may: [] },
  { what: 'main while nobody protects it', token: token('main', 'push', 'prod', { ref_protected: 'false' }), may: [] },
  { what: 'a sweep on main while nobody protects it', token: token('main', 'schedule', 'sweep', { ref_protected: 'false' }), may: [] },
  { what: 'a job of main without an environment', token: token('main', 'push', ''), may: [] },
  { what: 'a scheduled job of main without an environment', token: token('main', 'schedule', ''), may: [] },
  { what: 'an environment whose name goes on', token: token('main', 'push', 'prod2'), may: [] },
  { what: 'the environment of the issue', token: token('main', 'schedule', 'sweep-issue'), may: [] },
  { what: 'a trigger token', token: token('main', 'trigger', 'prod'), may: [] },
  { what: 'a pipeline that another project triggers', token: token('main', 'pipeline', 'prod'), may: [] },
  { what: 'a pipeline of a pipeline', token: token('main', 'parent_pipeline', 'prod'), may: [] },
  { what: 'a push that says sweep', token: token('main', 'push', 'sweep'), may: [] },
  {
    what: 'another project of the group',
    token: token('main', 'push', 'prod', { project_id: '43', job_project_id: '43', project_path: 'acme/website' }),
    may: [],
  },
  {
    what: 'its sweep',
    token: token('main', 'schedule', 'sweep', { project_id: '43', job_project_id: '43', project_path: 'acme/website' }),
    may: [],
  },
  {
    what: 'a merge request of another project of the group',
    token: token('discounts', 'merge_request_event', 'pr/12', { project_id: '43', job_project_id: '43', project_path: 'acme/website' }),
    may: [],
  },
  // The group and the project were deleted, and somebody has taken both paths.
  { what: 'the same path, of somebody else', token: token('main', 'push', 'prod', { project_id: '99', namespace_id: '90', job_project_id: '99' }), may: [] },
  {
    what: 'a merge request at the same path, of somebody else',
    token: token('discounts', 'merge_request_event', 'pr/12', { project_id: '99', namespace_id: '90', job_project_id: '99' }),
    may: [],
  },
  { what: 'the project after it was moved', token: token('main', 'push', 'prod', { namespace_id: '8', namespace_path: 'other' }), may: [] },
  { what: 'its sweep after it was moved', token: token('main', 'schedule', 'sweep', { namespace_id: '8', namespace_path: 'other' }), may: [] },
  {
    what: 'its merge requests after it was moved',
    token: token('discounts', 'merge_request_event', 'pr/12', { namespace_id: '8', namespace_path: 'other' }),
    may: [],
  },
  { what: 'the same numbers on another GitLab', token: token('main', 'push', 'prod', {}, 'https://gitlab.evil.example'), may: [] },
];
