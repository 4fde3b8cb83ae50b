import type { FileRequest, Fragment } from './planned-file.ts';
import type { Project } from './project.ts';
import type { Question } from './question.ts';

/** Whose credentials: a developer's own, or one of the three services'. The janitor runs under target ci. */
export type Identity = 'dev' | 'ci' | 'prod' | 'janitor';

/** An environment variable that profiles.yml reads. Names of secrets begin with DBT_ENV_SECRET, which dbt keeps out of its logs. */
export interface Variable {
  readonly name: string;
  readonly secret: boolean;
  readonly identities: readonly Identity[];
  /** What profiles.yml calls it, where the setting has a name of its own: the janitor works under target ci. */
  readonly as?: string;
  /** What to put there, in the admin's words. */
  readonly what: string;
  readonly example: string;
  /** profiles.yml falls back to it; absent: the variable must be set. */
  readonly default?: string;
}

/** How far the warehouse itself holds a rule; the docs repeat the words. */
export type Enforcement = 'yes' | 'by prefix' | 'by project' | 'by file permission' | 'no';

/** Passages of README.md, docs/environments.md and docs/runbook.md that only the warehouse can write. */
export type WarehouseTopic =
  | 'connect' // first hour: how a developer reaches the warehouse
  | 'permissions' // who may do what, enforced by what; what is not
  | 'install' // which script who runs, in which order
  | 'hire'
  | 'leaver'
  | 'rotate-keys'
  | 'restore'
  | 'break-glass'
  | 'migrate'; // from "everyone shares prod" to this

/** How a job logs in where no password of its service is stored. The provider writes scripts/dbt_envs/identity_token.py, which prints a fresh token. */
export interface WorkloadIdentity {
  /** One command line, after dbt is installed and before whatever needs the login, run from the project's folder. */
  readonly run: string;
  /** What every step of the job needs for it; no secret. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whom the token is for, `$NAME` standing for the variable that profiles.yml reads under that name: for a provider that has to be told before the job begins. */
  readonly audience: string;
  /**
   * What an administrator of the warehouse runs so that it trusts the tokens, with TOKEN_ISSUER and, for each service, CI_CLAIMS,
   * PROD_CLAIMS, JANITOR_CLAIMS in its environment: what its token says, all of it and letter for letter, `name=value name=value`,
   * where `name=one,other` is either; `-` for a service that no job logs in as. Only claims that are strings, and for production and the
   * janitor such as no pull request, other branch or other repository gets, nor whoever takes a name next. What two services' claims
   * both admit is refused. TOKEN_KEYS, where the warehouse cannot reach the issuer: a file of its public keys.
   */
  readonly trust: string;
  /** The file that `run` starts, and whatever else belongs to it. */
  readonly files: readonly FileRequest[];
}

/** Of somebody on the roster, what a warehouse may know them by. */
export interface Person {
  readonly login: string;
  readonly email?: string;
}

export interface Warehouse<Id extends string = string> {
  /** The folder's name, the `--warehouse` value, and what `.yo-rc.json` stores. */
  readonly id: Id;
  readonly label: string;
  /** The name of dbt's adapter package; its version is in templates/versions.json. */
  readonly adapter: string;
  /** What must be known to connect, and what only this warehouse asks. */
  readonly questions: readonly Question[];
  readonly enforcement: {
    readonly prodClosedToPeople: Enforcement;
    readonly devExact: Enforcement;
    readonly ciExact: Enforcement;
    /** `engine`: proved on the real engine in our tests; `modelled`: until it is recorded in an account. */
    readonly proof: 'engine' | 'modelled';
    /** One sentence that README.md prints under its table. */
    readonly summary: string;
  };
  /** Where the warehouse lives: anywhere on the network, or on the disk of the machine that runs the job. */
  readonly reach: 'network' | 'disk';
  /** The services log in as the machine that runs the job, and so can whatever else runs there. */
  loginOfMachine?(project: Project): boolean;
  /** The services log in with a token of the CI provider's own instead of a stored secret. */
  readonly workloadIdentity?: WorkloadIdentity;
  /** The database that a query has to name before the schemas of an environment, as SQL writes it; absent: a schema's name is enough. */
  databases?(project: Project): Readonly<Record<'dev' | 'ci' | 'prod', string>>;
  /**
   * Whom it knows a developer, leaver or reader as, folded as it folds names: two people with one principal are one to it.
   * Undefined where that is not known.
   */
  principalOf(project: Project, person: Person): string | undefined;
  /** Principals that are nobody's own login, folded alike: each role, service and group that grants/ makes or expects, and the administrators' roles that are there anyway. */
  reservedPrincipals(project: Project): readonly string[];
  variables(project: Project): readonly Variable[];
  /** profiles.yml's outputs: the text of `dev`, `ci` and `prod`, each a mapping at column 0. */
  targets(project: Project): Readonly<Record<'dev' | 'ci' | 'prod', Fragment>>;
  /** The type of a seed's column that holds an amount with two decimals; absent: decimal(12, 2). */
  readonly seedAmount?: string;
  /** JSON, which may have Jinja in it, that dbt puts before each query and the warehouse keeps as labels of the job: who is to pay for it. */
  jobLabels?(project: Project): string;
  /** Exact pip requirements beside dbt and the adapter, made with `requirement`; absent: none. */
  readonly requirements?: readonly string[];
  /** Macros that only this warehouse needs: its door, its listings. */
  macros(project: Project): readonly FileRequest[];
  /** The run-operations of the sweep: drop_stale_schemas, keep_schema, restore_schema, report. docs/adding-a-warehouse.md says what each prints. */
  sweep(project: Project): readonly FileRequest[];
  /** grants/ and what proves it. */
  grants(project: Project): readonly FileRequest[];
  readonly deploy: {
    /** Commands around the build of production, run from the project's folder. */
    readonly before: readonly string[];
    readonly after: readonly string[];
    /** A view goes with the table that it reads when dbt replaces that table: a deploy of a selection builds such views too. */
    readonly viewsGoWithTables: boolean;
    /** What a deploy has built before it fails stays, so that the rest of it can be built alone. */
    readonly keepsWhatSucceeded: boolean;
  };
  docs(project: Project): Readonly<Record<WarehouseTopic, Fragment>>;
  /** What is left to do, in order, in words for these very answers. `isThere` says of a path of the project whether it is planned or there already: a step names no other. */
  nextSteps(project: Project, isThere: (path: string) => boolean): readonly string[];
  /** What has to wait for the first deploy, so for CI's own steps too. */
  lastSteps?(project: Project): readonly string[];
}

export const defineWarehouse = <const Id extends string>(warehouse: Warehouse<Id>): Warehouse<Id> => warehouse;

/** The passages of a warehouse that keeps them as `<folder>/docs/<topic>.md.ejs`, all with one view. `folder` is under `templates/`. */
export function passagesIn(folder: string, view: object): Readonly<Record<WarehouseTopic, Fragment>> {
  const passage = (topic: WarehouseTopic): Fragment => ({ template: `${folder}/docs/${topic}.md.ejs`, view });
  return {
    connect: passage('connect'),
    permissions: passage('permissions'),
    install: passage('install'),
    hire: passage('hire'),
    leaver: passage('leaver'),
    'rotate-keys': passage('rotate-keys'),
    restore: passage('restore'),
    'break-glass': passage('break-glass'),
    migrate: passage('migrate'),
  };
}
