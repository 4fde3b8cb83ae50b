import { runCommand } from './commands.ts';
import { Estate, type Token } from './estate.ts';
import type { Row } from './expressions.ts';
import { Cut, type Reading, Refused } from './refusal.ts';
import { Script } from './script.ts';
import { Session } from './session.ts';
import { Shell } from './shell.ts';

export type { Token } from './estate.ts';
export { NotModelled, type Reading, Refused } from './refusal.ts';

/** Who does something, and in which project their jobs run. */
export interface Login {
  readonly who: string;
  readonly project: string;
}

/** A command of gcloud or bq; anything else is SQL. */
const COMMAND = /^\s*(?:gcloud|bq)\s/;

/** What changes nothing: it needs no copy of the estate to be tried on. */
const READS = /^\s*(?:select|export data|bq (?:head|ls|extract))\s/i;

function wasCut(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof Cut) return true;
    throw error;
  }
}

/** A model of who may do what in BigQuery, from Google's documentation. Throws {@link NotModelled} at every statement, command and flag that it does not know. */
export class BigQueryModel {
  private estate: Estate;
  private readonly becoming = new Map<string, readonly string[]>();

  constructor(reading: Reading) {
    this.estate = new Estate(reading);
  }
  /** Another one in the same state. */
  copy(): BigQueryModel {
    const other = new BigQueryModel(this.estate.reading);
    other.estate = this.estate.copy();
    return other;
  }

  organization(id: string): void {
    this.estate.add('organization', `organizations/${id}`, undefined);
  }
  folder(id: string, parent: string): void {
    this.estate.add('folder', `folders/${id}`, parent);
  }
  project(id: string, number: string, parent?: string): void {
    this.estate.add('project', `projects/${id}`, parent, { number });
  }
  /** People, and service accounts outside of what is modelled. */
  people(...members: readonly string[]): void {
    this.estate.people = new Set([...this.estate.people, ...members]);
  }
  /** An account is deleted: policies go on naming it so. https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Policy#Binding */
  forget(member: string): void {
    this.becoming.clear();
    this.estate.people = new Set([...this.estate.people].filter((one) => one !== member));
    for (const node of this.estate.nodes.values())
      node.policy = node.policy.map((one) => (one.member === member ? { ...one, member: `deleted:${member}?uid=1` } : one));
  }
  group(email: string, ...members: readonly string[]): void {
    this.estate.add('group', `group:${email}`, undefined, { members });
  }
  connection(project: string, location: string, id: string): void {
    this.estate.add('connection', `projects/${project}/locations/${location}/connections/${id}`, `projects/${project}`);
  }
  /** A job that ran in a project and wrote a table in a dataset of it. */
  ran(project: string, email: string, dataset: string, table = 'orders', statement: string | null = 'CREATE_TABLE_AS_SELECT'): void {
    const node = this.estate.must(`projects/${project}`, 0);
    const job = {
      user_email: email,
      creation_time: '2026-11-20T12:00:00.000Z',
      state: 'DONE',
      error_result: null,
      statement_type: statement,
      destination_table: { project_id: project, dataset_id: dataset, table_id: table },
    };
    node.rows = [...(node.rows ?? []), job];
  }
  /** An hour passes. */
  later(): void {
    this.estate.now = new Date(Date.parse(this.estate.now) + 3_600_000).toISOString();
  }
  /** A dataset lets a view, a routine or all of a dataset read it: https://docs.cloud.google.com/bigquery/docs/authorized-datasets */
  authorize(dataset: string, reader: string): void {
    const node = this.estate.must(dataset, 0);
    node.authorized = [...(node.authorized ?? []), reader];
  }
  /** What a policy held before anybody looked. */
  bind(on: string, role: string, member: string, condition?: string): void {
    this.becoming.clear();
    this.estate.grant(on, { role, member, ...(condition !== undefined && { condition }) }, 0);
  }
  /** The members of a role on a resource itself. */
  members(on: string, role: string): readonly string[] {
    return this.estate
      .must(on, 0)
      .policy.filter((one) => one.role === role)
      .map(({ member }) => member);
  }
  exists(name: string): boolean {
    return this.estate.find(name) !== undefined;
  }
  labels(name: string): Readonly<Record<string, string>> {
    return this.estate.must(name, 0).labels;
  }
  /** The rows of a table that a script made, a line each, sorted. */
  rows(name: string): readonly string[] {
    return (this.estate.must(name, 0).rows ?? []).map((row) => JSON.stringify(row)).sort();
  }
  /** Every binding of every policy, a line each, sorted. */
  policies(): readonly string[] {
    return [...this.estate.nodes.values()]
      .flatMap(({ name, policy }) =>
        policy.map(({ role, member, condition }) => `${name}: ${member}: ${role}${condition === undefined ? '' : ` where ${condition}`}`),
      )
      .sort();
  }

  /** Runs a script of SQL for good. A script is no transaction: what it did before it was refused stays. */
  sql(text: string, login: Login): void {
    this.becoming.clear();
    new Script(new Session(this.estate, login.who, login.project)).run(text);
  }
  /** Cuts a script of SQL short after so many statements, and says whether there were more. */
  sqlUntil(statements: number, text: string, login: Login): boolean {
    this.becoming.clear();
    const session = new Session(this.estate, login.who, login.project);
    session.endsAfter = statements;
    return wasCut(() => new Script(session).run(text));
  }
  /** The same, with the rows of each of its queries. */
  ask(text: string, login: Login): readonly (readonly Row[])[] {
    this.becoming.clear();
    const script = new Script(new Session(this.estate, login.who, login.project));
    script.answer(text, true);
    return script.results;
  }
  /** Runs a shell script for good, and throws where it does not end with 0. */
  shell(text: string, login: Login, variables: Readonly<Record<string, string>> = {}, args: readonly string[] = []): string {
    this.becoming.clear();
    return this.inShell(text, login, variables, args);
  }
  /** Cuts a shell script short after so many calls of gcloud and bq, and says whether there were more. */
  shellUntil(calls: number, text: string, login: Login, args: readonly string[] = []): boolean {
    this.becoming.clear();
    return wasCut(() => this.inShell(text, login, {}, args, calls));
  }
  private inShell(
    text: string,
    login: Login,
    variables: Readonly<Record<string, string>>,
    args: readonly string[] = [],
    calls = Number.POSITIVE_INFINITY,
  ): string {
    const session = new Session(this.estate, login.who, login.project);
    let left = calls;
    const shell = new Shell(
      (call) => {
        if (call.argv[0] !== 'jq') {
          if (left === 0) throw new Cut();
          left -= 1;
        }
        return runCommand(session, call);
      },
      variables,
      args,
    );
    const status = shell.run(text);
    if (status !== 0) throw new Refused(shell.errors.trim() === '' ? `exit status ${status}` : shell.errors.trim());
    return shell.output;
  }
  run(text: string, login: Login): void {
    this.becoming.clear();
    this.act(text, login);
  }
  private act(text: string, login: Login): void {
    if (COMMAND.test(text)) this.inShell(text, login, {});
    else new Script(new Session(this.estate, login.who, login.project)).run(text);
  }

  /** `done`, `nothing` where it succeeds, was to change something and did not, or why it is refused; everything stays as it is. */
  attempt(login: Login, text: string, effect: 'any' | 'change' = 'any'): string {
    const before = this.estate;
    if (!READS.test(text)) this.estate = before.copy();
    try {
      this.act(text, login);
      return effect === 'any' || this.estate.picture() !== before.picture() ? 'done' : 'nothing';
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return error.message;
    } finally {
      this.estate = before;
    }
  }
  /** The same as everybody whom they can become, with jobs in any of these projects. */
  attemptAnyhow(who: string, projects: readonly string[], text: string, effect: 'any' | 'change' = 'any'): string {
    let first: string | undefined;
    for (const one of this.becomes(who))
      for (const project of COMMAND.test(text) && !/^\s*bq (?:query|cp|extract)/.test(text) ? projects.slice(0, 1) : projects) {
        const answer = this.attempt({ who: one, project }, text, effect);
        if (answer === 'done') return 'done';
        first ??= answer;
      }
    return first ?? 'refused';
  }
  /** Whom somebody can become by impersonation or a key, themselves first. */
  becomes(who: string): readonly string[] {
    let names = this.becoming.get(who);
    if (names === undefined) {
      names = this.estate.becomes(who);
      this.becoming.set(who, names);
    }
    return names;
  }

  /** Which service accounts the bearer of a token can become, through any provider that accepts it. */
  logsInAs(token: Token): readonly string[] {
    const found = new Set<string>();
    for (const provider of this.estate.nodes.values()) {
      if (provider.kind !== 'provider') continue;
      const principal = this.estate.federated(token, provider);
      if (principal === undefined) continue;
      for (const one of this.estate.becomes(principal)) if (this.estate.account(one.split(':')[1] ?? '') !== undefined) found.add(one);
    }
    return [...found].sort();
  }
}
