import type { BigQueryModel } from './bigquery-model/model.ts';
import type { Identity, Layout, Names } from './bigquery-table.ts';
import { ADMIN, type Step } from './bigquery-world.ts';

/** A mistake in an installation, or of an administrator after it, and the cell of the table that it turns red. */
export interface Fault {
  readonly name: string;
  /** Changes the text of the scripts; throws where it has no such place. */
  readonly change?: (steps: readonly Step[]) => readonly Step[];
  /** What somebody did afterwards. */
  readonly spoil?: (model: BigQueryModel) => void;
  readonly turnsRed: { readonly act: string; readonly identity: Identity };
  readonly layouts?: readonly Layout[];
}
/** The same for who may log in as what: `token` is the one that gets further. */
export interface LoginFault {
  readonly name: string;
  readonly spoil: (model: BigQueryModel) => void;
  readonly token: string;
}

const person = (name: string): string => `user:${name}@acme.example`;

export function change(from: RegExp, to: string): (steps: readonly Step[]) => readonly Step[] {
  return (steps) => {
    const changed = steps.map((one) => ({ ...one, text: one.text.replaceAll(from, to) }));
    if (changed.every((one, index) => one.text === steps[index]?.text)) throw new Error(`the installation has nothing like ${from}`);
    return changed;
  };
}

export function faults(n: Names): readonly Fault[] {
  const { prod, dev, ci } = n;
  const project = (id: string): string => `projects/${id}`;
  const dataset = (id: string, name: string): string => `projects/${id}/datasets/${name}`;
  const prodAccount = `projects/${prod}/serviceAccounts/acme-prod@${prod}.iam.gserviceaccount.com`;
  const service = (id: 'ci' | 'prod' | 'janitor'): string => `serviceAccount:acme-${id}@${id === 'prod' ? prod : ci}.iam.gserviceaccount.com`;
  const bound = (name: string, on: string, role: string, member: string, identity: Identity, act: string, condition?: string): Fault => ({
    name,
    spoil: (model) => {
      model.bind(on, role, member, condition);
    },
    turnsRed: { act, identity },
  });
  const done = (name: string, text: string, identity: Identity, act: string): Fault => ({
    name,
    spoil: (model) => {
      model.run(text, ADMIN);
    },
    turnsRed: { act, identity },
  });
  const changed = (name: string, from: RegExp, to: string, identity: Identity, act: string): Fault => ({
    name,
    change: change(from, to),
    turnsRed: { act, identity },
  });
  const only = (fault: Fault, ...layouts: readonly Layout[]): Fault => ({ ...fault, layouts });

  return [
    bound(
      'dataEditor on the whole project of prod for a developer',
      project(prod),
      'roles/bigquery.dataEditor',
      person('sam'),
      'sam',
      'create a table in prod',
    ),
    bound(
      'dataEditor on the project lets one create datasets',
      project(prod),
      'roles/bigquery.dataEditor',
      person('sam'),
      'sam',
      'create a dataset beside prod',
    ),
    bound('the basic role Editor for a developer: keys', project(prod), 'roles/editor', person('sam'), 'sam', 'make a key of prod'),
    bound('the basic role Editor for a developer: the writers of each dataset', project(prod), 'roles/editor', person('sam'), 'sam', 'write a source'),
    bound('the basic role Viewer for a developer', project(prod), 'roles/viewer', person('sam'), 'sam', 'read a source with personal data'),
    bound('the basic role Viewer on the project of pull requests', project(ci), 'roles/viewer', person('looker'), 'looker', 'read a pull request'),
    bound(
      "the Viewers' entry in a developer's dataset",
      dataset(dev, 'dev_priya'),
      'roles/bigquery.dataViewer',
      `projectViewer:${dev}`,
      'vic',
      "read priya's tables",
    ),
    bound(
      "the Editors' entry in a developer's dataset",
      dataset(dev, 'dev_priya'),
      'roles/bigquery.dataEditor',
      `projectEditor:${dev}`,
      'ed',
      "change priya's table",
    ),
    bound('the basic role Editor above the project', 'folders/10', 'roles/editor', person('sam'), 'sam', 'insert into prod'),
    bound('bigquery.user instead of jobUser for developers', project(dev), 'roles/bigquery.user', person('priya'), 'priya', 'create a dataset of developers'),
    bound('bigquery.user beside prod', project(prod), 'roles/bigquery.user', person('sam'), 'sam', 'create a dataset beside prod with bq'),
    bound('bigquery.user for the service of production', project(prod), 'roles/bigquery.user', service('prod'), 'prod', 'create a dataset beside prod'),
    bound('bigquery.admin for a reader', project(prod), 'roles/bigquery.admin', person('looker'), 'looker', 'drop the dataset of prod'),
    bound(
      'a condition by a bare prefix',
      project(dev),
      'roles/bigquery.dataEditor',
      person('sam'),
      'sam',
      "create a table in sam_smith's dataset",
      `resource.name.startsWith("projects/${dev}/datasets/dev_sam")`,
    ),
    bound(
      'a condition on anything that contains the name',
      project(dev),
      'roles/bigquery.dataEditor',
      person('sam'),
      'sam',
      "change priya's table",
      `resource.name.contains("dev_")`,
    ),
    bound('a developer may take tokens of prod', prodAccount, 'roles/iam.serviceAccountTokenCreator', person('sam'), 'sam', 'take a token of prod'),
    bound('a developer may take tokens in the whole project', project(prod), 'roles/iam.serviceAccountTokenCreator', person('sam'), 'sam', 'insert into prod'),
    bound('CI may take tokens of prod', prodAccount, 'roles/iam.workloadIdentityUser', service('ci'), 'ci', 'delete from prod'),
    bound('the janitor may take tokens of prod', prodAccount, 'roles/iam.serviceAccountTokenCreator', service('janitor'), 'janitor', 'truncate prod'),
    bound('a developer may act as prod', prodAccount, 'roles/iam.serviceAccountUser', person('sam'), 'sam', 'update prod'),
    bound('a developer may make keys of prod', project(prod), 'roles/iam.serviceAccountKeyAdmin', person('sam'), 'sam', 'make a key of prod'),
    bound('a developer administers service accounts', project(prod), 'roles/iam.serviceAccountAdmin', person('sam'), 'sam', 'let sam act as prod'),
    bound('a developer administers policies', project(prod), 'roles/resourcemanager.projectIamAdmin', person('sam'), 'sam', 'give oneself the project of prod'),
    bound('a developer administers the pools', project(prod), 'roles/iam.workloadIdentityPoolAdmin', person('sam'), 'sam', 'trust every token'),
    bound('CI administers roles', project(ci), 'roles/iam.roleAdmin', service('ci'), 'ci', 'let CI do more'),
    bound('a developer is security administrator of BigQuery', project(prod), 'roles/bigquery.securityAdmin', person('sam'), 'sam', 'give developers prod'),
    bound(
      'dataOwner on a dataset of prod for a developer',
      dataset(prod, 'analytics'),
      'roles/bigquery.dataOwner',
      person('sam'),
      'sam',
      'drop the dataset of prod',
    ),
    bound(
      'dataOwner on a dataset of prod for its service',
      dataset(prod, 'analytics'),
      'roles/bigquery.dataOwner',
      service('prod'),
      'prod',
      'give developers prod',
    ),
    bound(
      'dataEditor on the other dataset of prod for CI',
      dataset(prod, 'staging'),
      'roles/bigquery.dataEditor',
      service('ci'),
      'ci',
      'create a table in the other prod dataset',
    ),
    bound(
      'dataOwner on her own dataset for a developer',
      dataset(dev, 'dev_priya'),
      'roles/bigquery.dataOwner',
      person('priya'),
      'priya',
      "give sam priya's dataset",
    ),
    bound(
      'dataOwner on her own dataset lets a developer drop it',
      dataset(dev, 'dev_priya'),
      'roles/bigquery.dataOwner',
      person('priya'),
      'priya',
      "drop priya's dataset",
    ),
    bound(
      'a developer may build in the dataset of another',
      dataset(dev, 'dev_sam_smith'),
      'roles/bigquery.dataEditor',
      person('sam'),
      'sam',
      "create a table in sam_smith's dataset",
    ),
    bound('every developer reads every dev dataset', project(dev), 'roles/bigquery.dataViewer', person('sam'), 'sam', "read priya's tables"),
    done(
      'everybody with a Google account reads prod',
      `grant \`roles/bigquery.dataViewer\` on schema \`${prod}\`.analytics to "specialGroup:allAuthenticatedUsers"`,
      'stranger',
      'read a table of prod, built after the grants',
    ),
    done(
      'the internet reads personal data',
      `grant \`roles/bigquery.dataViewer\` on schema \`${prod}\`.raw_pii to "specialGroup:allUsers"`,
      'stranger',
      'read rows of personal data without a job',
    ),
    done(
      'the whole domain reads personal data',
      `grant \`roles/bigquery.dataViewer\` on schema \`${prod}\`.raw_pii to "domain:acme.example"`,
      'looker',
      'read a source with personal data',
    ),
    done(
      'personal data for CI',
      `grant \`roles/bigquery.dataViewer\` on schema \`${prod}\`.raw_pii to "${service('ci')}"`,
      'ci',
      'select personal data into a pull request',
    ),
    done(
      'personal data for a developer',
      `grant \`roles/bigquery.dataViewer\` on schema \`${prod}\`.raw_pii to "${person('priya')}"`,
      'priya',
      'read personal data through an own view',
    ),
    {
      name: 'a dataset of a developer is authorized to read personal data',
      spoil: (model) => {
        model.authorize(dataset(prod, 'raw_pii'), dataset(dev, 'dev_priya'));
      },
      turnsRed: { act: 'read personal data through an own view', identity: 'priya' },
    },
    {
      name: 'a group of developers holds a reader',
      spoil: (model) => {
        model.group('data@acme.example', person('sam'), person('looker'));
        model.run(`grant \`roles/bigquery.dataViewer\` on schema \`${prod}\`.raw to "group:data@acme.example"`, ADMIN);
      },
      turnsRed: { act: 'read a source', identity: 'looker' },
    },
    {
      name: 'a group within a group holds a stranger',
      spoil: (model) => {
        model.group('inner@acme.example', 'user:mallory@elsewhere.example');
        model.group('outer@acme.example', 'group:inner@acme.example');
        model.bind(dataset(prod, 'analytics'), 'roles/bigquery.dataEditor', 'group:outer@acme.example');
      },
      turnsRed: { act: 'replace a table of prod', identity: 'stranger' },
    },
    bound(
      'a developer may use a connection',
      `projects/${prod}/locations/us/connections/outside`,
      'roles/bigquery.connectionAdmin',
      person('priya'),
      'priya',
      "make a remote function in priya's dataset",
    ),
    bound('CI may use all connections', project(prod), 'roles/bigquery.connectionUser', service('ci'), 'ci', 'make a remote function in a pull request'),
    bound('the folder makes a developer an editor', 'folders/10', 'roles/bigquery.dataEditor', person('sam'), 'sam', 'drop a table of prod'),
    bound(
      'the organization lets a developer take tokens',
      'organizations/1',
      'roles/iam.serviceAccountTokenCreator',
      person('sam'),
      'sam',
      'take a token of prod',
    ),
    bound('the organization lets CI read', 'organizations/1', 'roles/bigquery.dataViewer', service('ci'), 'ci', 'read a source with personal data'),
    bound(
      'the organization makes a reader its administrator',
      'organizations/1',
      'roles/resourcemanager.organizationAdmin',
      person('anna'),
      'anna',
      'give the organization',
    ),
    bound('the folder is administered by a developer', 'folders/10', 'roles/resourcemanager.folderAdmin', person('sam'), 'sam', 'give a basic role on prod'),
    bound(
      'the janitor owns the project of prod',
      project(prod),
      'roles/bigquery.dataOwner',
      service('janitor'),
      'janitor',
      'drop a dataset of others beside prod',
    ),
    bound('the janitor owns the project of developers', project(dev), 'roles/bigquery.dataOwner', service('janitor'), 'janitor', "read priya's tables"),
    only(
      bound(
        'the janitor clears the whole project of developers',
        project(dev),
        `projects/${dev}/roles/acme_janitor`,
        service('janitor'),
        'janitor',
        'drop a dataset of others beside the developers',
      ),
      'three',
      'two',
      'single',
    ),
    changed('the janitor reads data', /bigquery\.tables\.list,/g, 'bigquery.tables.list,bigquery.tables.getData,', 'janitor', "read priya's tables"),
    changed(
      'the janitor lets others in',
      /bigquery\.datasets\.update,/g,
      'bigquery.datasets.update,bigquery.datasets.setIamPolicy,',
      'janitor',
      "give sam priya's dataset",
    ),
    changed('the janitor cannot delete datasets', /bigquery\.datasets\.delete\b/g, 'bigquery.datasets.get', 'janitor', "drop priya's dataset"),
    changed('the janitor cannot drop snapshots', /bigquery\.tables\.deleteSnapshot/g, 'bigquery.tables.get', 'janitor', "drop priya's snapshot"),
    changed('the janitor cannot drop functions', /bigquery\.routines\.delete/g, 'bigquery.routines.get', 'janitor', "drop priya's function"),
    only(
      bound('CI creates datasets in the project of prod', project(prod), 'roles/bigquery.user', service('ci'), 'ci', 'create a dataset beside prod'),
      'three',
      'two',
    ),
    bound(
      'developers create datasets in the project of CI',
      project(ci),
      'roles/bigquery.user',
      person('priya'),
      'priya',
      'create a dataset that is no pull request',
    ),
    changed(
      'CI may create datasets and look into all',
      /bigquery\.datasets\.create\b/g,
      'bigquery.datasets.create,bigquery.jobs.listAll',
      'ci',
      n.layout === 'single' ? 'see what everybody ran in the project of prod' : 'see what everybody ran in the project of CI',
    ),
    bound('jobUser for a developer, who runs code as the agent of Dataform', project(dev), 'roles/bigquery.jobUser', person('sam'), 'sam', 'update prod'),
    bound('jobUser for CI, which runs code as the agent of Dataform', project(ci), 'roles/bigquery.jobUser', service('ci'), 'ci', 'update prod'),
    changed(
      'the role that runs queries runs code of Dataform too',
      /bigquery\.jobs\.create,bigquery\.config\.get/g,
      'bigquery.jobs.create,dataform.repositories.create,bigquery.config.get',
      'anna',
      'update prod',
    ),
    bound('the leaver still reads', dataset(prod, 'analytics'), 'roles/bigquery.dataViewer', person('lea'), 'lea', 'export prod'),
    bound('the leaver still builds', dataset(dev, 'dev_lea'), 'roles/bigquery.dataEditor', person('lea'), 'lea', "create a table in the leaver's dataset"),
    bound('a reviewer writes pull requests', project(ci), 'roles/bigquery.dataEditor', person('anna'), 'anna', 'change a table of a pull request'),
    bound('a dashboard reads pull requests', project(ci), 'roles/bigquery.dataViewer', person('looker'), 'looker', 'read a pull request'),
    bound(
      'a dashboard runs its queries in the project of prod',
      project(prod),
      'roles/bigquery.jobUser',
      person('looker'),
      'looker',
      'run a query in the project of prod',
    ),
    done(
      'a reader is missing',
      `revoke \`roles/bigquery.dataViewer\` on schema \`${prod}\`.staging from "${person('looker')}"`,
      'looker',
      'read the other prod dataset',
    ),
    done(
      'developers cannot run queries',
      `revoke \`projects/${dev}/roles/acme_query_runner\` on project \`${dev}\` from "${person('priya')}"`,
      'priya',
      'read a table of prod, built after the grants',
    ),
    done('CI cannot read a source', `revoke \`roles/bigquery.dataViewer\` on schema \`${prod}\`.raw from "${service('ci')}"`, 'ci', 'read a source'),
    done(
      'production cannot read personal data',
      `revoke \`roles/bigquery.dataViewer\` on schema \`${prod}\`.raw_pii from "${service('prod')}"`,
      'prod',
      'read a source with personal data',
    ),
    done(
      'the newcomer was forgotten',
      `revoke \`roles/bigquery.dataEditor\` on schema \`${dev}\`.dev_noor from "${person('noor')}"`,
      'noor',
      "create a table in the newcomer's dataset",
    ),
    done(
      'a view of a developer reads prod on behalf of whoever asks',
      `create table \`${dev}\`.dev_priya.v9 (i int64); grant \`roles/bigquery.dataEditor\` on table \`${dev}\`.dev_priya.v9 to "${person('sam')}"; grant \`roles/bigquery.dataEditor\` on schema \`${dev}\`.dev_priya to "${person('sam')}"`,
      'sam',
      "replace priya's table",
    ),
  ];
}

export function loginFaults(n: Names): readonly LoginFault[] {
  const { prod, ci } = n;
  const number = '111';
  const pool = `projects/${number}/locations/global/workloadIdentityPools/${n.pool}`;
  const prodAccount = `acme-prod@${prod}.iam.gserviceaccount.com`;
  const ciNumber = n.layout === 'three' ? '333' : n.layout === 'two' ? '222' : '111';
  const update = (flags: string): string =>
    `gcloud iam workload-identity-pools providers update-oidc ${n.provider} --workload-identity-pool=${n.pool} --location=global --project=${prod} ${flags}`;
  const letIn = (member: string): string =>
    `gcloud iam service-accounts add-iam-policy-binding ${prodAccount} --role=roles/iam.workloadIdentityUser --member='${member}'`;
  const fault = (name: string, token: string, ...commands: readonly string[]): LoginFault => ({
    name,
    token,
    spoil: (model) => {
      for (const one of commands) model.run(one, ADMIN);
    },
  });
  return [
    fault(
      'the repository is trusted without its environment',
      'a pull request without an environment',
      update(
        `--attribute-mapping=google.subject=assertion.sub,attribute.repository=assertion.repository --attribute-condition="assertion.repository == 'acme/warehouse'"`,
      ),
      letIn(`principalSet://iam.googleapis.com/${pool}/attribute.repository/acme/warehouse`),
    ),
    fault(
      'the environment is trusted without its repository',
      'a fork',
      update('--attribute-mapping=google.subject=assertion.sub,attribute.environment=assertion.environment --attribute-condition=true'),
      letIn(`principalSet://iam.googleapis.com/${pool}/attribute.environment/prod`),
    ),
    fault(
      'the owner is trusted without the repository',
      'another repository of the owner',
      update(
        `--attribute-mapping=google.subject=assertion.sub,attribute.owner=assertion.repository_owner --attribute-condition="assertion.repository_owner == 'acme' && assertion.environment == 'prod'"`,
      ),
      letIn(`principalSet://iam.googleapis.com/${pool}/attribute.owner/acme`),
    ),
    fault(
      'the subject is compared by its beginning',
      'an environment whose name goes on',
      update(`--attribute-mapping=google.subject=assertion.sub --attribute-condition="assertion.sub.startsWith('repo:acme/warehouse:environment:prod')"`),
      letIn(`principalSet://iam.googleapis.com/${pool}/*`),
    ),
    fault(
      'the repository is compared by its beginning',
      'a repository whose name begins so',
      update(
        `--attribute-mapping=google.subject=assertion.sub --attribute-condition="assertion.repository.startsWith('acme/warehouse') && assertion.environment == 'prod'"`,
      ),
      letIn(`principalSet://iam.googleapis.com/${pool}/*`),
    ),
    fault('another issuer is trusted', 'another issuer', update('--issuer-uri=https://evil.example')),
    fault(
      'the subject of pull requests is let in to production',
      'a build of a pull request',
      update('--attribute-condition=true'),
      letIn(`principal://iam.googleapis.com/${pool}/subject/repo:acme/warehouse:environment:ci`),
      letIn(`principal://iam.googleapis.com/projects/${ciNumber}/locations/global/workloadIdentityPools/${n.pool}/subject/repo:acme/warehouse:environment:ci`),
      // So the emitted pool calls it.
      letIn(`principal://iam.googleapis.com/projects/${ciNumber}/locations/global/workloadIdentityPools/${n.pool}/subject/ci`),
    ),
    fault(
      'CI may act as production',
      'a build of a pull request',
      `gcloud iam service-accounts add-iam-policy-binding ${prodAccount} --role=roles/iam.serviceAccountTokenCreator --member=serviceAccount:acme-ci@${ci}.iam.gserviceaccount.com`,
    ),
    fault(
      'a provider lost its condition and its mapping says who one is',
      'a fork',
      update('--attribute-mapping=google.subject=assertion.environment --attribute-condition=true'),
      letIn(`principal://iam.googleapis.com/${pool}/subject/prod`),
    ),
  ];
}
