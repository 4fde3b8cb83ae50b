import type { Layout, Names } from './bigquery-table.ts';
import { names } from './bigquery-table.ts';
import type { Step } from './bigquery-world.ts';

/** A boundary written by hand, against which the table, the model and the planted faults are tried. It shares nothing with the templates. */

const PEOPLE: readonly (readonly [string, string])[] = [
  ['priya', 'priya'],
  ['sam', 'sam'],
  ['sam_smith', 'sam.smith'],
  ['noor', 'noor'],
];
const runner = (project: string): string => `\`projects/${project}/roles/acme_query_runner\``;
const user = (login: string): string => `"user:${login}@acme.example"`;

export function sampleNames(layout: Layout): Names {
  const { prod, dev, ci } = names(layout);
  const janitor = `"serviceAccount:acme-janitor@${ci}.iam.gserviceaccount.com"`;
  const readers = [...PEOPLE.map(([, login]) => user(login)), user('anna')].join(', ');
  const shared = (name: string): string =>
    layout === 'three'
      ? ''
      : `; grant \`roles/bigquery.dataViewer\` on schema \`${ci}\`.${name} to ${readers}; grant \`projects/${ci}/roles/acme_janitor\` on schema \`${ci}\`.${name} to ${janitor}`;
  return {
    layout,
    prod,
    dev,
    ci,
    creatorRole: 'acme_creator',
    pool: 'dbt-acme',
    provider: 'ci',
    createPr: (name) => `create schema \`${ci}\`.${name} options (labels = [('dbt_envs_project', 'acme')])${shared(name)}`,
  };
}

/** The scripts of the sample; with `lea` before she left. */
export function sample(layout: Layout, withLea: boolean): readonly Step[] {
  const { prod, dev, ci } = names(layout);
  const people = withLea ? [...PEOPLE, ['lea', 'lea'] as const] : PEOPLE;
  const everybody = people.map(([, login]) => user(login)).join(', ');
  const nonprod = [...new Set([dev, ci])];
  const service = (id: string): string => `"serviceAccount:acme-${id}@${id === 'prod' ? prod : ci}.iam.gserviceaccount.com"`;
  const janitorPermissions =
    'bigquery.datasets.get,bigquery.datasets.update,bigquery.datasets.delete,bigquery.tables.list,bigquery.tables.get,bigquery.tables.delete,bigquery.tables.deleteSnapshot,bigquery.models.list,bigquery.models.getMetadata,bigquery.models.delete,bigquery.routines.list,bigquery.routines.get,bigquery.routines.delete';
  const on = (dataset: string): string => `\`${prod}\`.${dataset}`;
  const sh = (name: string, text: string): Step => ({ kind: 'sh', name, text });
  const sql = (name: string, text: string): Step => ({ kind: 'sql', name, text });
  return [
    sh(
      'roles',
      `set -euo pipefail
account() {
  gcloud iam service-accounts describe "$1@$2.iam.gserviceaccount.com" --project="$2" > /dev/null 2>&1 || gcloud iam service-accounts create "$1" --project="$2"
}
role() {
  if gcloud iam roles describe "$1" --project="$2" > /dev/null 2>&1; then
    gcloud iam roles update "$1" --project="$2" --permissions="$3"
  else
    gcloud iam roles create "$1" --project="$2" --title='of acme' --permissions="$3"
  fi
}
account acme-ci ${ci}
account acme-janitor ${ci}
account acme-prod ${prod}
for project in ${[...new Set([prod, dev, ci])].join(' ')}; do
  role acme_query_runner "$project" bigquery.jobs.create,bigquery.config.get,resourcemanager.projects.get
done
role acme_creator ${ci} bigquery.datasets.create,bigquery.datasets.get,bigquery.jobs.list
for project in ${nonprod.join(' ')}; do
  role acme_janitor "$project" ${janitorPermissions}
done
`,
    ),
    sql(
      'boundary',
      `CREATE SCHEMA IF NOT EXISTS ${on('analytics')} OPTIONS (location = 'US', labels = [('env', 'prod')]);
CREATE SCHEMA IF NOT EXISTS ${on('staging')} OPTIONS (location = 'US', labels = [('env', 'prod')]);
${people
  .map(
    ([slug, login]) => `CREATE SCHEMA IF NOT EXISTS \`${dev}\`.dev_${slug} OPTIONS (location = 'US', labels = [('env', 'dev')]);
GRANT \`roles/bigquery.dataEditor\` ON SCHEMA \`${dev}\`.dev_${slug} TO ${user(login)};
GRANT \`projects/${dev}/roles/acme_janitor\` ON SCHEMA \`${dev}\`.dev_${slug} TO ${service('janitor')};`,
  )
  .join('\n')}
GRANT ${runner(dev)} ON PROJECT \`${dev}\` TO ${everybody};
${['analytics', 'staging', 'raw'].map((one) => `GRANT \`roles/bigquery.dataViewer\` ON SCHEMA ${on(one)} TO ${everybody}, ${service('ci')};`).join('\n')}
GRANT \`roles/bigquery.dataEditor\` ON SCHEMA ${on('analytics')} TO ${service('prod')};
GRANT \`roles/bigquery.dataEditor\` ON SCHEMA ${on('staging')} TO ${service('prod')};
GRANT \`roles/bigquery.dataViewer\` ON SCHEMA ${on('raw')} TO ${service('prod')};
GRANT \`roles/bigquery.dataViewer\` ON SCHEMA ${on('raw_pii')} TO ${service('prod')};
GRANT ${runner(prod)} ON PROJECT \`${prod}\` TO ${service('prod')};
GRANT ${runner(ci)}, \`projects/${ci}/roles/acme_creator\` ON PROJECT \`${ci}\` TO ${service('ci')}, ${service('janitor')};
${nonprod.map((one) => `GRANT \`roles/bigquery.metadataViewer\` ON PROJECT \`${one}\` TO ${service('janitor')};`).join('\n')}
${layout === 'three' ? `GRANT \`projects/${ci}/roles/acme_janitor\` ON PROJECT \`${ci}\` TO ${service('janitor')};\nGRANT \`roles/bigquery.dataViewer\` ON PROJECT \`${ci}\` TO ${everybody}, ${user('anna')};` : ''}
GRANT \`roles/bigquery.dataViewer\` ON SCHEMA ${on('analytics')} TO ${user('looker')}, ${user('anna')};
GRANT \`roles/bigquery.dataViewer\` ON SCHEMA ${on('staging')} TO ${user('looker')}, ${user('anna')};
GRANT ${runner(ci)} ON PROJECT \`${ci}\` TO ${user('anna')};
`,
    ),
    sh(
      'entries',
      people
        .flatMap(([slug]) => [
          `bq remove-iam-policy-binding --member=projectEditor:${dev} --role=roles/bigquery.dataEditor ${dev}:dev_${slug} > /dev/null 2>&1 || true`,
          `bq remove-iam-policy-binding --member=projectViewer:${dev} --role=roles/bigquery.dataViewer ${dev}:dev_${slug} > /dev/null 2>&1 || true`,
        ])
        .join('\n'),
    ),
    sh(
      'federation',
      `set -euo pipefail
number() { gcloud projects describe "$1" --format='value(projectNumber)'; }
pool() {
  local project=$1 trusted=$2 action=update-oidc
  if ! gcloud iam workload-identity-pools describe dbt-acme --location=global --project="$project" > /dev/null 2>&1; then
    gcloud iam workload-identity-pools create dbt-acme --location=global --project="$project"
    action=create-oidc
  elif ! gcloud iam workload-identity-pools providers describe ci --workload-identity-pool=dbt-acme --location=global --project="$project" > /dev/null 2>&1; then
    action=create-oidc
  fi
  gcloud iam workload-identity-pools providers "$action" ci --workload-identity-pool=dbt-acme --location=global --project="$project" \\
    --issuer-uri="$TOKEN_ISSUER" --attribute-mapping=google.subject=assertion.sub --attribute-condition="assertion.sub in [$trusted] && assertion.repository_id == '4711' && assertion.repository_owner_id == '11'"
}
let_in() {
  gcloud iam service-accounts add-iam-policy-binding "$1@$2.iam.gserviceaccount.com" --project="$2" --role=roles/iam.workloadIdentityUser \\
    --member="principal://iam.googleapis.com/projects/$(number "$2")/locations/global/workloadIdentityPools/dbt-acme/subject/$3" > /dev/null
}
${prod === ci ? `pool ${prod} "'repo:acme/warehouse:environment:ci', 'repo:acme/warehouse:environment:janitor', 'repo:acme/warehouse:environment:prod'"` : `pool ${ci} "'repo:acme/warehouse:environment:ci', 'repo:acme/warehouse:environment:janitor'"\npool ${prod} "'repo:acme/warehouse:environment:prod'"`}
let_in acme-ci ${ci} "repo:acme/warehouse:environment:ci"
let_in acme-janitor ${ci} "repo:acme/warehouse:environment:janitor"
let_in acme-prod ${prod} "repo:acme/warehouse:environment:prod"
`,
    ),
  ];
}

/** What takes the leaver's rights away. */
export function sampleLeaver(layout: Layout): readonly Step[] {
  const { prod, dev, ci } = names(layout);
  return [
    {
      kind: 'sql',
      name: 'leaver',
      text: `REVOKE \`roles/bigquery.dataEditor\` ON SCHEMA \`${dev}\`.dev_lea FROM "user:lea@acme.example";
REVOKE ${runner(dev)} ON PROJECT \`${dev}\` FROM "user:lea@acme.example";
${['analytics', 'staging', 'raw'].map((one) => `REVOKE \`roles/bigquery.dataViewer\` ON SCHEMA \`${prod}\`.${one} FROM "user:lea@acme.example";`).join('\n')}
${layout === 'three' ? `REVOKE \`roles/bigquery.dataViewer\` ON PROJECT \`${ci}\` FROM "user:lea@acme.example";` : ''}
`,
    },
  ];
}
