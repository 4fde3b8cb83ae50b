import { defaultAccess, demandDatasetCreation, dropDataset } from './defining.ts';
import { type Binding, datasetOf, type Node } from './estate.ts';
import { demandPolicy } from './granting.ts';
import { jq } from './jq.ts';
import { NotModelled, Refused } from './refusal.ts';
import { PERMISSIONS, PREDEFINED } from './roles.ts';
import { Script } from './script.ts';
import { Session } from './session.ts';
import type { Call, Result } from './shell.ts';

/** gcloud and bq. https://docs.cloud.google.com/sdk/gcloud/reference and https://docs.cloud.google.com/bigquery/docs/reference/bq-cli-reference */

interface Given {
  readonly session: Session;
  readonly words: readonly string[];
  readonly flag: (name: string) => string | undefined;
  /** A flag that has to be there. */
  readonly need: (name: string) => string;
  readonly line: number;
  readonly input: string;
  readonly file: (name: string) => string;
  /** Every value of a flag that may stand several times. */
  readonly all: (name: string) => readonly string[];
}
interface Known {
  /** How many words stand after the command, at least and at most. */
  readonly words: readonly [number, number];
  readonly flags: readonly string[];
  /** Those that stand by themselves. */
  readonly switches?: readonly string[];
  readonly run: (given: Given) => string | undefined;
}

const EVERYWHERE = ['project', 'format', 'verbosity'];

/** Runs one, as somebody, in a project. A refusal is exit status 1. */
export function runCommand(session: Session, call: Call): Result {
  const [program = '', ...rest] = call.argv;
  try {
    if (program === 'gcloud') return { status: 0, output: ended(dispatch(session, GCLOUD, rest, call, [...EVERYWHERE], ['quiet', 'q'])) };
    if (program === 'bq')
      return { status: 0, output: ended(dispatch(session, BQ, rest, call, ['project_id', 'location', 'format'], ['quiet', 'headless', 'q'])) };
    if (program === 'jq') return jq(rest, call.input, call.file, call.line);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { status: 1, output: error.message };
  }
  throw new NotModelled(`the program ${program}`, call.line);
}
const ended = (output: string | undefined): string => (output === undefined || output === '' ? '' : `${output}\n`);

function dispatch(
  session: Session,
  commands: Readonly<Record<string, Known>>,
  argv: readonly string[],
  call: Call,
  flags: readonly string[],
  switches: readonly string[],
): string | undefined {
  const words: string[] = [];
  const given: [string, string | undefined][] = [];
  const known = Object.keys(commands);
  let command: string | undefined;
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (!/^-/.test(word) || word === '-') {
      words.push(word);
      const path = words.join(' ');
      if (command === undefined && known.includes(path)) {
        command = path;
        words.length = 0;
      } else if (command === undefined && !known.some((one) => one.startsWith(`${path} `))) throw new NotModelled(`${call.argv[0]} ${path}`, call.line);
      continue;
    }
    const [, name = '', value] = /^--?([\w-]+)(?:=([\s\S]*))?$/.exec(word) ?? [];
    const allowed = command === undefined ? [] : (commands[command]?.flags ?? []);
    const alone = [...switches, ...(command === undefined ? [] : (commands[command]?.switches ?? []))];
    if (alone.includes(name) && (value === undefined || /^(?:true|false)$/.test(value))) given.push([name, value ?? 'true']);
    else if (allowed.includes(name) || flags.includes(name)) {
      if (value === undefined) at += 1;
      given.push([name, value ?? argv[at]]);
    } else throw new NotModelled(`the flag ${word} of ${call.argv[0]} ${command ?? words.join(' ')}`, call.line);
  }
  const found = command === undefined ? undefined : commands[command];
  if (found === undefined) throw new NotModelled(`${call.argv[0]} ${words.join(' ')}`, call.line);
  if (words.length < found.words[0] || words.length > found.words[1]) throw new Refused(`line ${call.line}: ${command} with ${words.length} arguments`);
  const flag = (name: string): string | undefined => given.findLast(([one]) => one === name)?.[1];
  const home = flag('project') ?? flag('project_id') ?? session.project;
  return found.run({
    session: new Session(session.estate, session.who, home),
    words,
    flag,
    need: (name) => {
      const value = flag(name);
      if (value === undefined) throw new Refused(`line ${call.line}: ${command} without --${name}`);
      return value;
    },
    line: call.line,
    input: call.input,
    file: call.file,
    all: (name) => given.flatMap(([one, value]) => (one === name && value !== undefined ? [value] : [])),
  });
}

const json = (value: unknown): string => JSON.stringify(value);
const last = (name: string): string => name.split('/').at(-1) ?? '';

/** What --format asks for: JSON, or fields of it. */
function shown(given: Given, value: Readonly<Record<string, unknown>>): string {
  const format = given.flag('format');
  if (format === 'json' || format === 'prettyjson') return json(value);
  const field = /^value\((\w+)\)$/.exec(format ?? '')?.[1];
  if (field !== undefined) return String(value[field] ?? '');
  if (format === undefined || format === 'none' || format === 'disable') return '';
  throw new NotModelled(`--format=${format}`, given.line);
}
function listed(given: Given, values: readonly Readonly<Record<string, unknown>>[]): string {
  const filter = given.flag('filter');
  const [, field = '', wanted = ''] = filter === undefined ? [] : (/^(\w+)[=:](\S+)$/.exec(filter) ?? []);
  if (filter !== undefined && field === '') throw new NotModelled(`--filter=${filter}`, given.line);
  const found = filter === undefined ? values : values.filter((one) => String(one[field]) === wanted);
  if (given.flag('format') === 'json') return json(found);
  return found.map((one) => shown(given, one)).join('\n');
}

function policyOf(node: Node): Readonly<Record<string, unknown>> {
  const bindings = new Map<string, { role: string; members: string[]; condition?: { expression: string; title: string } }>();
  for (const { role, member, condition } of node.policy) {
    const key = json([role, condition]);
    const one = bindings.get(key) ?? { role, members: [], ...(condition !== undefined && { condition: { expression: condition, title: '' } }) };
    one.members.push(member);
    bindings.set(key, one);
  }
  return { bindings: [...bindings.values()], etag: 'x' };
}

/** `expression=…,title=…`, or None. https://docs.cloud.google.com/iam/docs/managing-conditional-role-bindings */
function conditionOf(given: Given, node: Node): string | undefined {
  const text = given.flag('condition');
  if (text === undefined) {
    // "When using this command with a policy that has conditions, --condition has to be given": gcloud asks, and fails where it cannot.
    if (node.policy.some((one) => one.condition !== undefined))
      throw new Refused(`line ${given.line}: the policy has conditions, so --condition has to be given`);
    return undefined;
  }
  if (text === 'None') return undefined;
  const [, delimiter = ',', body = text] = /^\^([^^]+)\^([\s\S]*)$/.exec(text) ?? [];
  const expression = body.split(delimiter).find((one) => one.trim().startsWith('expression='));
  if (expression === undefined || !body.includes('title=')) throw new Refused(`line ${given.line}: a condition has an expression and a title`);
  return expression.trim().slice('expression='.length);
}

/** Adds or takes away one binding of a policy. */
function bind(given: Given, on: string, act: 'add' | 'remove', read: string): string {
  const node = given.session.estate.must(on, given.line);
  given.session.demand(read, on, given.line);
  demandPolicy(given.session, on, given.line);
  const member = given.need('member');
  if (act === 'remove' && given.flag('all') === 'true') {
    node.policy = node.policy.filter((one) => one.role !== given.need('role') || one.member !== member);
    return shown(given, policyOf(node));
  }
  const condition = conditionOf(given, node);
  const binding: Binding = { role: given.need('role'), member, ...(condition !== undefined && { condition }) };
  if (act === 'add') given.session.estate.grant(on, binding, given.line);
  else if (!given.session.estate.revoke(on, binding, given.line))
    throw new Refused(`line ${given.line}: policy binding with the specified principal, role, and condition not found`);
  return shown(given, policyOf(node));
}
const binding = (act: 'add' | 'remove', name: (given: Given) => string, read: string): Known => ({
  words: [1, 1],
  flags: ['member', 'role', 'condition'],
  switches: ['all'],
  run: (given) => bind(given, name(given), act, read),
});

const projectName = ({ words }: Given): string => `projects/${words[0] ?? ''}`;
function account(given: Given, email = given.words[0] ?? ''): Node {
  const found = given.session.estate.account(email);
  if (found === undefined) throw new Refused(`line ${given.line}: service account ${email} does not exist`);
  return found;
}
/** What has no description has no such field. */
const described = ({ labels: { description } }: Node) => (description === undefined || description === '' ? {} : { description });
const describedAccount = (node: Node) => ({
  email: last(node.name),
  name: node.name,
  ...described(node),
  disabled: node.disabled === true,
});

/** `a,b,c`; each has to be known, or the model could not say what the role gives. */
function permissions(given: Given): readonly string[] {
  const all = given
    .need('permissions')
    .split(',')
    .filter((one) => one !== '');
  for (const one of all) if (!PERMISSIONS.has(one)) throw new NotModelled(`the permission ${one}`, given.line);
  return all;
}
const roleName = (given: Given): string => {
  const [id = ''] = given.words;
  if (id.includes('/')) return id;
  if (!/^[\w.]{3,64}$/.test(id)) throw new Refused(`line ${given.line}: ${id} is no id of a role`);
  return `projects/${given.session.project}/roles/${id}`;
};
const poolName = ({ session, words, flag }: Given): string =>
  `projects/${session.project}/locations/global/workloadIdentityPools/${flag('workload-identity-pool') ?? words[0] ?? ''}`;

function provider(given: Given, act: 'create' | 'update'): undefined {
  const { session, words, flag, line } = given;
  const pool = session.estate.must(poolName(given), line);
  if (flag('location') !== 'global') throw new Refused(`line ${line}: the location of a pool is global`);
  const name = `${pool.name}/providers/${words[0] ?? ''}`;
  session.demand(`iam.googleapis.com/workloadIdentityPoolProviders.${act}`, `projects/${session.project}`, line);
  const before = session.estate.find(name)?.provider;
  if (act === 'create' && before !== undefined) throw new Refused(`line ${line}: ${name} exists already`);
  if (act === 'update') session.estate.must(name, line);
  const mapping = flag('attribute-mapping');
  const condition = flag('attribute-condition');
  const audiences = flag('allowed-audiences');
  const made = {
    issuer: flag('issuer-uri') ?? before?.issuer ?? '',
    mapping:
      mapping === undefined
        ? (before?.mapping ?? {})
        : Object.fromEntries(mapping.split(',').map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)])),
    condition: condition ?? before?.condition,
    audiences: audiences?.split(',') ?? before?.audiences ?? [],
  };
  if (!/^https:\/\/./.test(made.issuer)) throw new Refused(`line ${line}: an issuer begins with https://`);
  if (made.mapping['google.subject'] === undefined) throw new Refused(`line ${line}: the mapping has no google.subject`);
  session.estate.add('provider', name, pool.name, { provider: made });
  return undefined;
}
const PROVIDER_FLAGS = [
  'location',
  'workload-identity-pool',
  'issuer-uri',
  'attribute-mapping',
  'attribute-condition',
  'allowed-audiences',
  'jwk-json-path',
  'display-name',
  'description',
];

const GCLOUD: Readonly<Record<string, Known>> = {
  'projects add-iam-policy-binding': binding('add', projectName, 'resourcemanager.projects.getIamPolicy'),
  'projects remove-iam-policy-binding': binding('remove', projectName, 'resourcemanager.projects.getIamPolicy'),
  'projects get-iam-policy': {
    words: [1, 1],
    flags: [],
    run: (given) => {
      const node = given.session.estate.must(projectName(given), given.line);
      given.session.demand('resourcemanager.projects.getIamPolicy', node.name, given.line);
      return shown(given, policyOf(node));
    },
  },
  'projects get-ancestors-iam-policy': {
    words: [1, 1],
    flags: [],
    run: (given) => {
      const found: { id: string; type: string; policy: unknown }[] = [];
      for (let name: string | undefined = projectName(given); name !== undefined; ) {
        const node: Node = given.session.estate.must(name, given.line);
        given.session.demand(`resourcemanager.${node.kind}s.getIamPolicy`, name, given.line);
        found.push({ id: last(name), type: node.kind, policy: policyOf(node) });
        name = node.parent;
      }
      return json(found);
    },
  },
  'projects describe': {
    words: [1, 1],
    flags: [],
    run: (given) => {
      const node = given.session.estate.must(projectName(given), given.line);
      given.session.demand('resourcemanager.projects.get', node.name, given.line);
      return shown(given, { projectId: last(node.name), projectNumber: node.number ?? '' });
    },
  },
  'resource-manager folders add-iam-policy-binding': binding('add', ({ words }) => `folders/${words[0] ?? ''}`, 'resourcemanager.folders.getIamPolicy'),
  'organizations add-iam-policy-binding': binding('add', ({ words }) => `organizations/${words[0] ?? ''}`, 'resourcemanager.organizations.getIamPolicy'),
  'services enable': {
    words: [1, 9],
    flags: [],
    run: ({ session, line }) => {
      session.demand('serviceusage.services.enable', `projects/${session.project}`, line);
      return undefined;
    },
  },
  'iam service-accounts create': {
    words: [1, 1],
    flags: ['display-name', 'description'],
    run: ({ session, words, flag, line }) => {
      const [id = ''] = words;
      if (!/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(id)) throw new Refused(`line ${line}: ${id} is no id of a service account`);
      const project = session.estate.must(`projects/${session.project}`, line);
      session.demand('iam.serviceAccounts.create', project.name, line);
      const email = `${id}@${session.project}.iam.gserviceaccount.com`;
      if (session.estate.account(email) !== undefined) throw new Refused(`line ${line}: service account ${id} already exists`);
      session.estate.add('account', `${project.name}/serviceAccounts/${email}`, project.name, { labels: { description: flag('description') ?? '' } });
      return undefined;
    },
  },
  'iam service-accounts describe': {
    words: [1, 1],
    flags: [],
    run: (given) => {
      const node = account(given);
      given.session.demand('iam.serviceAccounts.get', node.name, given.line);
      return shown(given, describedAccount(node));
    },
  },
  'iam service-accounts list': {
    words: [0, 0],
    flags: ['filter'],
    run: (given) => {
      const project = given.session.estate.must(`projects/${given.session.project}`, given.line);
      given.session.demand('iam.serviceAccounts.list', project.name, given.line);
      return listed(
        given,
        given.session.estate
          .children(project.name)
          .filter((one) => one.kind === 'account')
          .map(describedAccount),
      );
    },
  },
  'iam service-accounts disable': {
    words: [1, 1],
    flags: [],
    run: (given) => {
      const node = account(given);
      given.session.demand('iam.serviceAccounts.disable', node.name, given.line);
      node.disabled = true;
      return undefined;
    },
  },
  'iam service-accounts delete': {
    words: [1, 1],
    flags: [],
    run: (given) => {
      const node = account(given);
      given.session.demand('iam.serviceAccounts.delete', node.name, given.line);
      given.session.estate.remove(node.name);
      return undefined;
    },
  },
  'iam service-accounts get-iam-policy': {
    words: [1, 1],
    flags: [],
    run: (given) => {
      const node = account(given);
      given.session.demand('iam.serviceAccounts.getIamPolicy', node.name, given.line);
      return shown(given, policyOf(node));
    },
  },
  'iam service-accounts add-iam-policy-binding': binding('add', (given) => account(given).name, 'iam.serviceAccounts.getIamPolicy'),
  'iam service-accounts remove-iam-policy-binding': binding('remove', (given) => account(given).name, 'iam.serviceAccounts.getIamPolicy'),
  'iam service-accounts keys create': {
    words: [1, 1],
    flags: ['iam-account'],
    run: (given) => {
      const node = account(given, given.need('iam-account'));
      given.session.demand('iam.serviceAccountKeys.create', node.name, given.line);
      given.session.estate.keys = [...given.session.estate.keys, `${last(node.name)} ${given.session.who}`];
      return undefined;
    },
  },
  'iam service-accounts keys list': {
    words: [0, 0],
    flags: ['iam-account', 'managed-by'],
    run: (given) => {
      given.session.demand('iam.serviceAccountKeys.list', account(given, given.need('iam-account')).name, given.line);
      return listed(given, []);
    },
  },
  'auth print-access-token': {
    words: [0, 0],
    flags: ['impersonate-service-account'],
    run: (given) => {
      given.session.demand('iam.serviceAccounts.getAccessToken', account(given, given.need('impersonate-service-account')).name, given.line);
      return 'token';
    },
  },
  'iam roles create': {
    words: [1, 1],
    flags: ['title', 'description', 'permissions', 'stage'],
    run: (given) => {
      const { session, line } = given;
      session.demand('iam.roles.create', `projects/${session.project}`, line);
      if (session.estate.find(roleName(given)) !== undefined) throw new Refused(`line ${line}: role ${roleName(given)} already exists`);
      session.estate.add('role', roleName(given), `projects/${session.project}`, {
        permissions: permissions(given),
        labels: { description: given.flag('description') ?? '' },
      });
      return undefined;
    },
  },
  'iam roles update': {
    words: [1, 1],
    flags: ['title', 'description', 'permissions', 'stage', 'add-permissions'],
    run: (given) => {
      const node = given.session.estate.must(roleName(given), given.line);
      given.session.demand('iam.roles.update', `projects/${given.session.project}`, given.line);
      if (given.flag('permissions') !== undefined) node.permissions = permissions(given);
      if (given.flag('add-permissions') !== undefined) node.permissions = [...(node.permissions ?? []), ...(given.flag('add-permissions') ?? '').split(',')];
      return undefined;
    },
  },
  'iam roles describe': {
    words: [1, 1],
    flags: [],
    run: (given) => {
      // A predefined role is everybody's to read.
      const predefined = PREDEFINED.get(given.words[0] ?? '');
      if (predefined !== undefined) return shown(given, { name: given.words[0], includedPermissions: [...predefined] });
      const node = given.session.estate.must(roleName(given), given.line);
      given.session.demand('iam.roles.get', `projects/${given.session.project}`, given.line);
      return shown(given, { name: node.name, ...described(node), includedPermissions: node.permissions });
    },
  },
  'iam roles list': {
    words: [0, 0],
    flags: ['filter'],
    switches: ['show-deleted'],
    run: (given) => {
      const project = `projects/${given.session.project}`;
      given.session.demand('iam.roles.list', project, given.line);
      const roles = given.session.estate.children(project).filter((one) => one.kind === 'role');
      return listed(
        given,
        roles.map((one) => ({ name: one.name, ...described(one) })),
      );
    },
  },
  'iam workload-identity-pools create': {
    words: [1, 1],
    flags: ['location', 'display-name', 'description'],
    run: (given) => {
      const { session, line } = given;
      if (given.flag('location') !== 'global') throw new Refused(`line ${line}: the location of a pool is global`);
      if (!/^(?!gcp-)[a-z0-9-]{4,32}$/.test(given.words[0] ?? '')) throw new Refused(`line ${line}: ${given.words[0]} is no id of a pool`);
      session.demand('iam.googleapis.com/workloadIdentityPools.create', `projects/${session.project}`, line);
      if (session.estate.find(poolName(given)) !== undefined) throw new Refused(`line ${line}: ${poolName(given)} exists already`);
      session.estate.add('pool', poolName(given), `projects/${session.project}`, { labels: { description: given.flag('description') ?? '' } });
      return undefined;
    },
  },
  'iam workload-identity-pools describe': {
    words: [1, 1],
    flags: ['location'],
    run: (given) => {
      const node = given.session.estate.must(poolName(given), given.line);
      given.session.demand('iam.googleapis.com/workloadIdentityPools.get', `projects/${given.session.project}`, given.line);
      return shown(given, { name: node.name, ...described(node) });
    },
  },
  'iam workload-identity-pools delete': {
    words: [1, 1],
    flags: ['location'],
    run: (given) => {
      const node = given.session.estate.must(poolName(given), given.line);
      given.session.demand('iam.googleapis.com/workloadIdentityPools.delete', `projects/${given.session.project}`, given.line);
      given.session.estate.remove(node.name);
      return undefined;
    },
  },
  'iam workload-identity-pools providers list': {
    words: [0, 0],
    flags: ['location', 'workload-identity-pool'],
    run: (given) => {
      const pool = given.session.estate.must(poolName(given), given.line);
      given.session.demand('iam.googleapis.com/workloadIdentityPoolProviders.list', `projects/${given.session.project}`, given.line);
      return json(given.session.estate.children(pool.name).map(({ name }) => ({ name })));
    },
  },
  'iam workload-identity-pools providers describe': {
    words: [1, 1],
    flags: ['location', 'workload-identity-pool'],
    run: (given) => {
      const node = given.session.estate.must(`${poolName(given)}/providers/${given.words[0]}`, given.line);
      given.session.demand('iam.googleapis.com/workloadIdentityPoolProviders.get', `projects/${given.session.project}`, given.line);
      return shown(given, { name: node.name, attributeCondition: node.provider?.condition });
    },
  },
  'iam workload-identity-pools providers create-oidc': { words: [1, 1], flags: PROVIDER_FLAGS, run: (given) => provider(given, 'create') },
  'iam workload-identity-pools providers update-oidc': { words: [1, 1], flags: PROVIDER_FLAGS, run: (given) => provider(given, 'update') },
};

/** `project:dataset` or `project:dataset.table`. */
function reference({ session, words, line }: Given, at = 0): string {
  const [, project = session.project, dataset = '', table] = /^(?:([^:]+):)?([^.]+)(?:\.(.+))?$/.exec(words[at] ?? '') ?? [];
  if (dataset === '') throw new Refused(`line ${line}: ${words[at]} is no dataset or table`);
  return `projects/${project}/datasets/${dataset}${table === undefined ? '' : `/tables/${table}`}`;
}
const bqBinding = (act: 'add' | 'remove'): Known => ({
  words: [1, 1],
  flags: ['member', 'role'],
  switches: ['table', 't', 'dataset', 'd'],
  run: (given) => {
    const name = reference(given);
    return bind(given, name, act, name.includes('/tables/') ? 'bigquery.tables.getIamPolicy' : 'bigquery.datasets.getIamPolicy');
  },
});

/** An entry of a dataset's list. https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset.FIELDS.access */
interface Entry {
  readonly role?: string;
  readonly userByEmail?: string;
  readonly groupByEmail?: string;
  readonly domain?: string;
  readonly specialGroup?: string;
  readonly iamMember?: string;
  readonly view?: { readonly name: string };
}
/** `name:value`, each by a flag of its own: https://docs.cloud.google.com/bigquery/docs/adding-labels */
/** Another one after each change: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset.FIELDS.etag */
const etagOf = ({ policy, labels, authorized }: Node): string => JSON.stringify([policy, labels, authorized ?? []]);
const labelsOf = (flags: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(flags.map((one) => [one.slice(0, one.indexOf(':')), one.slice(one.indexOf(':') + 1)]));
const LEGACY: readonly (readonly [string, string])[] = [
  ['OWNER', 'roles/bigquery.dataOwner'],
  ['WRITER', 'roles/bigquery.dataEditor'],
  ['READER', 'roles/bigquery.dataViewer'],
];
const SPECIAL_GROUPS: readonly (readonly [string, string])[] = [
  ['projectOwners', 'projectOwner'],
  ['projectWriters', 'projectEditor'],
  ['projectReaders', 'projectViewer'],
];
function entryOf({ role, member }: Binding): Entry {
  const [type = '', ...rest] = member.split(':');
  const value = rest.join(':');
  const shownRole = LEGACY.find(([, iam]) => iam === role)?.[0] ?? role;
  const special = SPECIAL_GROUPS.find(([, iam]) => iam === type)?.[0];
  if (special !== undefined) return { role: shownRole, specialGroup: special };
  if (member === 'allAuthenticatedUsers') return { role: shownRole, specialGroup: member };
  if (type === 'user' || type === 'serviceAccount') return { role: shownRole, userByEmail: value };
  if (type === 'group') return { role: shownRole, groupByEmail: value };
  if (type === 'domain') return { role: shownRole, domain: value };
  return { role: shownRole, iamMember: member };
}
function bindingOf(entry: Entry, project: string): Binding {
  const role = LEGACY.find(([legacy]) => legacy === entry.role)?.[1] ?? entry.role ?? '';
  const special = SPECIAL_GROUPS.find(([group]) => group === entry.specialGroup)?.[1];
  if (special !== undefined) return { role, member: `${special}:${project}` };
  if (entry.specialGroup !== undefined) return { role, member: entry.specialGroup };
  if (entry.userByEmail !== undefined)
    return { role, member: `${entry.userByEmail.endsWith('.gserviceaccount.com') ? 'serviceAccount' : 'user'}:${entry.userByEmail}` };
  if (entry.groupByEmail !== undefined) return { role, member: `group:${entry.groupByEmail}` };
  if (entry.domain !== undefined) return { role, member: `domain:${entry.domain}` };
  return { role, member: entry.iamMember ?? '' };
}

const BQ: Readonly<Record<string, Known>> = {
  query: {
    words: [0, 1],
    flags: ['use_legacy_sql', 'maximum_bytes_billed', 'parameter', 'max_rows'],
    switches: ['nouse_legacy_sql'],
    run: ({ session, words, flag, all, line, input }) => {
      if (flag('use_legacy_sql') !== 'false' && flag('nouse_legacy_sql') !== 'true') throw new NotModelled('legacy SQL', line);
      // name:type:value, the type STRING where it is empty: https://docs.cloud.google.com/bigquery/docs/parameterized-queries
      const parameters = new Map(
        all('parameter').map((one) => {
          const [, name = '', type = '', value = ''] = /^(\w+):(\w*):([\s\S]*)$/.exec(one) ?? [];
          if (type !== '' && type !== 'STRING') throw new NotModelled(`--parameter=${one}`, line);
          return [`@${name}`, value] as const;
        }),
      );
      const rows = new Script(session, parameters).answer(words[0] ?? input, flag('format') === 'json');
      return rows === undefined
        ? undefined
        : json(rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value === null ? null : String(value)]))));
    },
  },
  mk: {
    words: [1, 1],
    flags: ['default_table_expiration', 'description', 'label', 'max_time_travel_hours'],
    switches: ['dataset', 'd', 'force', 'f'],
    run: (given) => {
      const name = reference(given);
      if (name.includes('/tables/')) throw new NotModelled('bq mk of a table', given.line);
      demandDatasetCreation(given.session, name, given.line);
      const project = name.split('/')[1] ?? '';
      if (given.session.estate.find(name) !== undefined) throw new Refused(`line ${given.line}: ${name} exists already`);
      given.session.estate.add('dataset', name, `projects/${project}`, {
        policy: defaultAccess(given.session.who, project),
        labels: labelsOf(given.all('label')),
        created: given.session.estate.now,
      });
      return undefined;
    },
  },
  rm: {
    words: [1, 1],
    flags: [],
    switches: ['r', 'f', 'd', 't', 'dataset', 'table', 'recursive', 'force'],
    run: (given) => {
      const node = given.session.estate.must(reference(given), given.line);
      if (node.kind === 'dataset') dropDataset(given.session, node.name, given.flag('r') === 'true' || given.flag('recursive') === 'true', given.line);
      else {
        given.session.demand(node.relation === 'SNAPSHOT' ? 'bigquery.tables.deleteSnapshot' : 'bigquery.tables.delete', node.name, given.line);
        given.session.estate.remove(node.name);
      }
      return undefined;
    },
  },
  /** https://docs.cloud.google.com/bigquery/docs/managing-tables#copy-table */
  cp: {
    words: [2, 2],
    flags: [],
    switches: ['f', 'n', 'no_clobber', 'force', 'clone', 'snapshot', 'restore', 'append_table', 'a'],
    run: (given) => {
      const { session, line } = given;
      session.demandJob(line);
      // table@milliseconds reads what was there then, which may be gone since: https://docs.cloud.google.com/bigquery/docs/restore-deleted-tables
      const source = reference(given).replace(/@-?\d+$/, '');
      const target = reference(given, 1);
      session.demandAll(['bigquery.tables.get', 'bigquery.tables.getData'], session.estate.find(source)?.name ?? datasetOf(source), line);
      session.estate.must(datasetOf(target), line);
      session.demand('bigquery.tables.create', datasetOf(target), line);
      if (session.estate.find(target) !== undefined || !session.isWide)
        session.demandAll(['bigquery.tables.update', 'bigquery.tables.updateData'], session.estate.find(target)?.name ?? datasetOf(target), line);
      session.estate.add('table', target, datasetOf(target), { relation: 'TABLE' });
      return undefined;
    },
  },
  /** https://docs.cloud.google.com/bigquery/docs/exporting-data#required_permissions */
  extract: {
    words: [2, 2],
    flags: [],
    run: (given) => {
      const node = given.session.estate.must(reference(given), given.line);
      given.session.demandJob(given.line);
      given.session.demandAll(given.session.isWide ? ['bigquery.tables.export'] : ['bigquery.tables.export', 'bigquery.tables.getData'], node.name, given.line);
      return undefined;
    },
  },
  /** Reads rows without a job: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list */
  head: {
    words: [1, 1],
    flags: ['max_rows', 'n'],
    run: (given) => {
      const node = given.session.estate.must(reference(given), given.line);
      if (node.relation === 'VIEW') throw new Refused(`line ${given.line}: ${node.name} is a view`);
      given.session.demand('bigquery.tables.getData', node.name, given.line);
      return undefined;
    },
  },
  show: {
    words: [1, 1],
    flags: [],
    switches: ['dataset', 'd'],
    run: (given) => {
      const node = given.session.estate.must(reference(given), given.line);
      if (node.kind !== 'dataset') {
        given.session.demand('bigquery.tables.get', node.name, given.line);
        return undefined;
      }
      given.session.demandAll(['bigquery.datasets.get', 'bigquery.datasets.getIamPolicy'], node.name, given.line);
      return json({
        etag: etagOf(node),
        labels: node.labels,
        access: [...node.policy.map((one) => entryOf(one)), ...(node.authorized ?? []).map((name) => ({ view: { name } }))],
      });
    },
  },
  ls: {
    words: [0, 1],
    flags: ['max_results'],
    switches: ['datasets'],
    run: (given) => {
      if (given.flag('datasets') === 'true') {
        const project = given.session.estate.must(`projects/${given.session.project}`, given.line);
        // Whoever may not see one does not see that it is there: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets/list
        const seen = given.session.estate
          .children(project.name)
          .filter((one) => one.kind === 'dataset' && given.session.may('bigquery.datasets.get', one.name));
        return json(seen.map((one) => ({ datasetReference: { projectId: given.session.project, datasetId: last(one.name) }, labels: one.labels })));
      }
      const node = given.session.estate.must(reference(given), given.line);
      given.session.demand('bigquery.tables.list', node.name, given.line);
      return undefined;
    },
  },
  /** https://docs.cloud.google.com/bigquery/docs/control-access-to-resources-iam */
  'add-iam-policy-binding': bqBinding('add'),
  'remove-iam-policy-binding': bqBinding('remove'),
  /** A dataset lets a view read it; the model has a flag of its own for what is a file with bq: https://docs.cloud.google.com/bigquery/docs/authorized-views */
  update: {
    words: [1, 1],
    flags: ['view', 'set_label', 'source', 'etag'],
    switches: ['dataset', 'd'],
    run: (given) => {
      const node = given.session.estate.must(reference(given), given.line);
      const source = given.flag('source');
      if (given.flag('etag') !== undefined && given.flag('etag') !== etagOf(node))
        throw new Refused(`line ${given.line}: ${node.name} has changed since it was read`);
      if (source !== undefined) {
        // The list replaces the one that was there: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset.FIELDS.access
        demandPolicy(given.session, node.name, given.line);
        const { access } = JSON.parse(given.file(source)) as { readonly access: readonly Entry[] };
        const project = node.name.split('/')[1] ?? '';
        if (!access.some(({ role }) => role === 'OWNER')) throw new Refused(`line ${given.line}: a dataset has at least one owner`);
        node.authorized = access.flatMap(({ view }) => (view === undefined ? [] : [view.name]));
        const before = node.policy;
        const wanted = access.flatMap((one) => (one.view === undefined ? [bindingOf(one, project)] : []));
        // What was there may stay, an account that was deleted since too.
        node.policy = before.filter((old) => wanted.some(({ role, member }) => role === old.role && member === old.member));
        for (const one of wanted)
          if (!before.some(({ role, member }) => role === one.role && member === one.member)) given.session.estate.grant(node.name, one, given.line);
        return undefined;
      }
      if (given.flag('view') === undefined) {
        given.session.demand('bigquery.datasets.update', node.name, given.line);
        node.labels = { ...node.labels, ...labelsOf(given.all('set_label')) };
        return undefined;
      }
      demandPolicy(given.session, node.name, given.line);
      const view = reference({ ...given, words: [given.need('view')] });
      given.session.estate.must(view, given.line);
      node.authorized = [...(node.authorized ?? []), view];
      return undefined;
    },
  },
};
