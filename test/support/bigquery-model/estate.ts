import { type Attributes, isMet, mappedValue } from './conditions.ts';
import { NotModelled, type Reading, Refused } from './refusal.ts';
import { isGrantable, PERMISSIONS, PREDEFINED } from './roles.ts';

export type Kind = 'organization' | 'folder' | 'project' | 'dataset' | 'table' | 'routine' | 'account' | 'role' | 'pool' | 'provider' | 'connection' | 'group';

/** One member of one role. https://docs.cloud.google.com/iam/docs/allow-policies#structure */
export interface Binding {
  readonly role: string;
  readonly member: string;
  readonly condition?: string;
}

/** A resource with its policy. Names are those that conditions see: `projects/p/datasets/d/tables/t`. */
export interface Node {
  readonly kind: Kind;
  readonly name: string;
  readonly parent: string | undefined;
  policy: readonly Binding[];
  labels: Readonly<Record<string, string>>;
  /** Of a dataset: when it was made, where that is known. */
  readonly created?: string;
  /** Of a table: what it is, and what it reads where it is a view. */
  readonly relation?: 'TABLE' | 'VIEW' | 'SNAPSHOT' | 'EXTERNAL';
  readonly reads?: readonly string[];
  /** Of a table: its options as they were written. */
  readonly options?: Readonly<Record<string, string>>;
  /** Of a dataset: views, datasets and routines that read it on behalf of whoever asks them. */
  authorized?: readonly string[];
  /** Of a routine: the statements of a procedure's body, and the connection of a remote function. */
  readonly body?: string;
  /** Of a custom role. */
  permissions?: readonly string[];
  /** Of a group. */
  members?: readonly string[];
  /** Of a workload identity provider. */
  provider?: {
    readonly issuer: string;
    readonly mapping: Readonly<Record<string, string>>;
    readonly condition: string | undefined;
    readonly audiences: readonly string[];
  };
  disabled?: boolean;
  number?: string;
  rows?: readonly Readonly<Record<string, unknown>>[];
}

/** A token that an identity provider issued. */
export interface Token {
  readonly issuer: string;
  readonly claims: Readonly<Record<string, string>>;
}

const TYPES: Readonly<Record<Kind, string>> = {
  organization: 'cloudresourcemanager.googleapis.com/Organization',
  folder: 'cloudresourcemanager.googleapis.com/Folder',
  project: 'cloudresourcemanager.googleapis.com/Project',
  dataset: 'bigquery.googleapis.com/Dataset',
  table: 'bigquery.googleapis.com/Table',
  routine: 'bigquery.googleapis.com/Routine',
  account: 'iam.googleapis.com/ServiceAccount',
  role: 'iam.googleapis.com/Role',
  pool: 'iam.googleapis.com/WorkloadIdentityPool',
  provider: 'iam.googleapis.com/WorkloadIdentityPoolProvider',
  connection: 'bigqueryconnection.googleapis.com/Connection',
  group: 'cloudidentity.googleapis.com/Group',
};

/** The basic roles, and the special groups that hold them: https://docs.cloud.google.com/bigquery/docs/access-control-basic-roles */
const SPECIAL: Readonly<Record<string, string>> = { projectOwner: 'roles/owner', projectEditor: 'roles/editor', projectViewer: 'roles/viewer' };

const CUSTOM = new WeakMap<readonly string[], ReadonlySet<string>>();

export const projectOf = (name: string): string => name.split('/')[1] ?? '';
export const datasetOf = (name: string): string => name.split('/').slice(0, 4).join('/');

/** Everything that exists, who holds what on it, and the rules of who may. */
export class Estate {
  readonly reading: Reading;
  nodes: Map<string, Node>;
  /** Datasets that were dropped, with what was in them, newest last. */
  dropped: Node[];
  /** Logins of people that exist: a policy refuses others. */
  people: ReadonlySet<string>;
  /** Keys that were made: account → who made it. */
  keys: readonly string[];
  /** What each is called, as long as no group changes. */
  private called = new Map<string, ReadonlySet<string>>();
  /** What CURRENT_TIMESTAMP says. */
  now = '2026-11-27T12:00:00.000Z';

  constructor(reading: Reading) {
    this.reading = reading;
    this.nodes = new Map();
    this.dropped = [];
    this.people = new Set();
    this.keys = [];
  }
  copy(): Estate {
    const other = new Estate(this.reading);
    for (const [name, node] of this.nodes) other.nodes.set(name, { ...node });
    other.dropped = this.dropped.map((one) => ({ ...one }));
    other.people = this.people;
    other.keys = this.keys;
    other.now = this.now;
    other.called = this.called;
    return other;
  }
  get isWide(): boolean {
    return this.reading === 'wide';
  }
  /** Everything in one text, to see whether something changed. */
  picture(): string {
    return JSON.stringify([[...this.nodes.values()], this.dropped, this.keys]);
  }

  add(kind: Kind, name: string, parent: string | undefined, more: Partial<Node> = {}): Node {
    const node: Node = { kind, name, parent, policy: [], labels: {}, ...more };
    this.nodes.set(name, node);
    if (kind === 'group') this.called = new Map();
    return node;
  }
  find(name: string): Node | undefined {
    return this.nodes.get(name);
  }
  must(name: string, line: number): Node {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Refused(`line ${line}: ${name} does not exist`);
    return node;
  }
  children(name: string): readonly Node[] {
    return [...this.nodes.values()].filter((one) => one.parent === name);
  }
  remove(name: string): void {
    for (const one of this.children(name)) this.remove(one.name);
    this.nodes.delete(name);
  }
  /** From the resource up to the organization. */
  private chain(name: string): readonly Node[] {
    const found: Node[] = [];
    for (let at: string | undefined = name; at !== undefined; ) {
      const node: Node | undefined = this.nodes.get(at) ?? this.dropped.findLast((one) => one.name === at);
      if (node !== undefined) found.push(node);
      // What is not there yet lies where its name says.
      at = node === undefined ? at.split('/').slice(0, -2).join('/') || undefined : node.parent;
    }
    return found;
  }

  /** What a custom or predefined role holds. */
  permissionsOf(role: string): ReadonlySet<string> {
    const custom = this.nodes.get(role)?.permissions;
    if (custom !== undefined) {
      const known = CUSTOM.get(custom) ?? new Set(custom);
      CUSTOM.set(custom, known);
      return known;
    }
    const found = PREDEFINED.get(role);
    if (found === undefined) throw new NotModelled(`the role ${role}`, 1);
    return found;
  }

  /** Everything that a policy may call somebody. A principal that came with a token has its sets with it, after a space. */
  namesOf(principal: string): ReadonlySet<string> {
    let known = this.called.get(principal);
    if (known === undefined) {
      known = this.nameAll(principal);
      this.called.set(principal, known);
    }
    return known;
  }
  private nameAll(principal: string): ReadonlySet<string> {
    const [self = '', ...sets] = principal.split(' ');
    const names = new Set([self, ...sets, 'allUsers']);
    // Identities from external providers are not among them: https://docs.cloud.google.com/iam/docs/principals-overview#all-authenticated-users
    if (!self.startsWith('principal:')) names.add('allAuthenticatedUsers');
    if (self.startsWith('user:')) names.add(`domain:${self.split('@')[1] ?? ''}`);
    for (let grew = true; grew; ) {
      grew = false;
      for (const node of this.nodes.values()) {
        if (node.kind !== 'group' || names.has(node.name) || node.members?.some((one) => names.has(one)) !== true) continue;
        names.add(node.name);
        grew = true;
      }
    }
    return names;
  }

  /** Whether somebody holds a permission on a resource: by a policy of it or of anything above. https://docs.cloud.google.com/iam/docs/resource-hierarchy-access-control */
  holds(principal: string, permission: string, name: string): boolean {
    if (!PERMISSIONS.has(permission)) throw new NotModelled(`the permission ${permission}`, 1);
    const names = this.namesOf(principal);
    const asked = this.nodes.get(name) ?? this.dropped.findLast((one) => one.name === name);
    return this.chain(name).some((node) => node.policy.some((binding) => this.gives(binding, names, permission, name, asked?.kind ?? 'dataset')));
  }
  private gives(binding: Binding, names: ReadonlySet<string>, permission: string, name: string, kind: Kind): boolean {
    if (!this.isMember(binding.member, names)) return false;
    if (!this.permissionsOf(binding.role).has(permission)) return false;
    if (binding.condition === undefined) return true;
    return isMet(binding.condition, { 'resource.name': name, 'resource.type': TYPES[kind], 'resource.service': TYPES[kind].split('/')[0] ?? '' });
  }
  private isMember(member: string, names: ReadonlySet<string>): boolean {
    if (names.has(member)) return true;
    const [special = '', project = ''] = member.split(':');
    const role = SPECIAL[special];
    if (role === undefined) return false;
    // "All users with Editor access to the project": no page says whether that which a folder hands down counts.
    const chain = this.isWide ? this.chain(`projects/${project}`) : this.chain(`projects/${project}`).slice(0, 1);
    return chain.some((node) => node.policy.some((one) => one.role === role && names.has(one.member)));
  }

  /** Adds a binding, as a policy would take it. */
  grant(on: string, binding: Binding, line: number): void {
    const node = this.must(on, line);
    this.checkMember(binding.member, on, line);
    this.checkRole(binding.role, node, line);
    if (binding.condition !== undefined && /^roles\/(?:owner|editor|viewer)$/.test(binding.role))
      throw new Refused(`line ${line}: basic roles take no condition`);
    if (node.policy.some((one) => one.role === binding.role && one.member === binding.member && one.condition === binding.condition)) return;
    node.policy = [...node.policy, binding];
  }
  /** Takes a binding away; whether there was one. */
  revoke(on: string, binding: Binding, line: number): boolean {
    const node = this.must(on, line);
    const left = node.policy.filter((one) => !(one.role === binding.role && one.member === binding.member && one.condition === binding.condition));
    const is = left.length < node.policy.length;
    node.policy = left;
    return is;
  }
  /** Members have to exist: https://docs.cloud.google.com/iam/docs/troubleshoot-policies ("does not exist") */
  private checkMember(member: string, on: string, line: number): void {
    const [type = '', ...rest] = member.split(':');
    const value = rest.join(':');
    if (type === 'user' && !this.people.has(member)) throw new Refused(`line ${line}: ${member} does not exist`);
    if (type === 'serviceAccount' && this.account(value) === undefined && !this.people.has(member)) throw new Refused(`line ${line}: ${member} does not exist`);
    if (type === 'group' && !this.nodes.has(member)) throw new Refused(`line ${line}: ${member} does not exist`);
    if (type === 'deleted') throw new Refused(`line ${line}: ${member} was deleted`);
    if (SPECIAL[type] !== undefined && projectOf(on) !== value) throw new Refused(`line ${line}: ${member} is of another project`);
    if (
      !['user', 'serviceAccount', 'group', 'domain', 'principal', 'principalSet', 'allUsers', 'allAuthenticatedUsers', ...Object.keys(SPECIAL)].includes(type)
    )
      throw new NotModelled(`the member ${member} of ${on}`, line);
  }
  /** A custom role can be granted within its project, or its organization, alone: https://docs.cloud.google.com/iam/docs/roles-overview#custom */
  private checkRole(role: string, node: Node, line: number): void {
    if (role.startsWith('projects/')) {
      const custom = this.nodes.get(role);
      if (custom === undefined || custom.disabled === true) throw new Refused(`line ${line}: ${role} does not exist`);
      if (!node.name.startsWith('projects/') || projectOf(role) !== projectOf(node.name))
        throw new Refused(`line ${line}: ${role} is of another project than ${node.name}`);
      return;
    }
    if (!PREDEFINED.has(role)) {
      if (/^roles\/[\w.]+$/.test(role)) throw new NotModelled(`the role ${role}`, line);
      throw new Refused(`line ${line}: ${role} is no role`);
    }
    const { kind } = node;
    if (kind === 'routine' || kind === 'role' || kind === 'provider' || kind === 'group') throw new NotModelled(`a policy of a ${kind}`, line);
    if (!isGrantable(role, kind)) throw new Refused(`line ${line}: ${role} cannot be granted on a ${kind}`);
  }

  /** The service account of that address. */
  account(email: string): Node | undefined {
    return this.nodes.get(`projects/${email.split('@')[1]?.split('.')[0] ?? ''}/serviceAccounts/${email}`);
  }

  /**
   * Whom somebody can become without changing a policy: https://docs.cloud.google.com/iam/docs/service-account-permissions.
   * actAs gives the account to what one runs; signing gives a token that the account signed for itself. Code in Dataform runs as the
   * project's agent of it, where that service is on: https://docs.cloud.google.com/dataform/docs/access-control
   */
  becomes(principal: string): readonly string[] {
    const found = [principal];
    const ways = ['iam.serviceAccounts.getAccessToken', 'iam.serviceAccountKeys.create'];
    if (this.isWide)
      ways.push('iam.serviceAccounts.actAs', 'iam.serviceAccounts.signJwt', 'iam.serviceAccounts.signBlob', 'iam.serviceAccounts.implicitDelegation');
    for (const one of found) {
      for (const node of this.nodes.values()) {
        const agent = `serviceAccount:service-${node.number}@gcp-sa-dataform.iam.gserviceaccount.com`;
        if (
          this.isWide &&
          node.kind === 'project' &&
          this.people.has(agent) &&
          !found.includes(agent) &&
          this.holds(one, 'dataform.repositories.create', node.name)
        )
          found.push(agent);
        if (node.kind !== 'account' || node.disabled === true) continue;
        const identity = `serviceAccount:${node.name.split('/').at(-1)}`;
        if (!found.includes(identity) && ways.some((way) => this.holds(one, way, node.name))) found.push(identity);
      }
    }
    return found;
  }

  /**
   * Who a token's bearer is to a workload identity provider; undefined where it is not accepted.
   * https://docs.cloud.google.com/iam/docs/workload-identity-federation#conditions
   */
  federated(token: Token, provider: Node): string | undefined {
    const said = provider.provider;
    if (said === undefined || provider.disabled === true || said.issuer !== token.issuer) return undefined;
    const pool = this.nodes.get(provider.parent ?? '');
    if (pool === undefined || pool.disabled === true) return undefined;
    const claims: Attributes = Object.fromEntries(Object.entries(token.claims).map(([name, value]) => [`assertion.${name}`, value]));
    const mapped = Object.fromEntries(Object.entries(said.mapping).map(([target, expression]) => [target, mappedValue(expression, claims)]));
    if (said.condition !== undefined && !isMet(said.condition, { ...claims, ...mapped })) return undefined;
    // The subject has to be there: https://docs.cloud.google.com/iam/docs/workload-identity-federation#mapping
    if (typeof mapped['google.subject'] !== 'string') return undefined;
    const number = this.nodes.get(`projects/${projectOf(pool.name)}`)?.number ?? '';
    const base = `//iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools/${pool.name.split('/').at(-1)}`;
    const sets = Object.entries(mapped).flatMap(([target, value]) =>
      target.startsWith('attribute.') && typeof value === 'string' ? [`principalSet:${base}/${target}/${value}`] : [],
    );
    return [`principal:${base}/subject/${mapped['google.subject']}`, `principalSet:${base}/*`, ...sets].join(' ');
  }
}
