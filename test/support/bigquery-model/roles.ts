/**
 * What the predefined roles contain, of the permissions that this model asks about; read in November 2026 on
 * https://docs.cloud.google.com/iam/docs/roles-permissions/bigquery, …/iam and …/resourcemanager, and compared with the roles as
 * https://github.com/iann0036/iam-dataset read them from Google on 22 August 2026: the same, permission by permission.
 */

const words = (list: string): readonly string[] => list.split(/\s+/).filter((one) => one !== '');
const prefixed = (prefix: string, list: string): readonly string[] => words(list).map((one) => `${prefix}.${one}`);
const bigquery = (list: string): readonly string[] => prefixed('bigquery', list);
const iam = (list: string): readonly string[] => prefixed('iam', list);
const resources = (list: string): readonly string[] => prefixed('resourcemanager', list);
const pools = (list: string): readonly string[] => words(list).map((one) => `iam.googleapis.com/${one}`);

const SEEN_PROJECT = resources('projects.get projects.list');

const READ_METADATA = bigquery(
  'datasets.get datasets.getIamPolicy models.getMetadata models.list routines.get routines.list tables.get tables.getIamPolicy tables.list',
);
const READ_DATA = [...READ_METADATA, ...bigquery('models.export models.getData tables.createSnapshot tables.export tables.getData tables.replicateData')];
const WRITE_DATA = [
  ...READ_DATA,
  ...bigquery(`config.get datasets.create models.create models.delete models.updateData models.updateMetadata routines.create routines.delete routines.update
    tables.create tables.createIndex tables.delete tables.deleteIndex tables.restoreSnapshot tables.update tables.updateData tables.updateIndex`),
];
const POLICIES_OF_ROWS = bigquery(`rowAccessPolicies.create rowAccessPolicies.delete rowAccessPolicies.get rowAccessPolicies.getIamPolicy rowAccessPolicies.list
  rowAccessPolicies.setIamPolicy rowAccessPolicies.update`);
const OWN_DATA = [
  ...WRITE_DATA,
  ...POLICIES_OF_ROWS,
  ...bigquery('datasets.delete datasets.link datasets.setIamPolicy datasets.update tables.deleteSnapshot tables.setIamPolicy tables.setCategory'),
];
const CONNECTIONS = bigquery(`connections.create connections.delegate connections.delete connections.get connections.getIamPolicy connections.list
  connections.setIamPolicy connections.update connections.use`);
const SESSIONS = bigquery('readsessions.create readsessions.getData readsessions.update');
const POOLS = pools(`workloadIdentityPools.create workloadIdentityPools.delete workloadIdentityPools.get workloadIdentityPools.list workloadIdentityPools.update
  workloadIdentityPoolProviders.create workloadIdentityPoolProviders.delete workloadIdentityPoolProviders.get workloadIdentityPoolProviders.list
  workloadIdentityPoolProviders.update`);
const KEYS = iam(
  'serviceAccountKeys.create serviceAccountKeys.delete serviceAccountKeys.disable serviceAccountKeys.enable serviceAccountKeys.get serviceAccountKeys.list',
);
const ROLES = iam('roles.create roles.delete roles.get roles.list roles.update roles.undelete');

/** Basic roles hold no permission on the data of tables: that comes through the special groups of each dataset. */
const VIEWER = [
  ...SEEN_PROJECT,
  ...SESSIONS,
  ...bigquery(`config.get connections.get connections.getIamPolicy connections.list connections.use datasets.get datasets.getIamPolicy jobs.create jobs.get jobs.list
    jobs.listExecutionMetadata models.export models.getData models.getMetadata models.list routines.get routines.list rowAccessPolicies.get
    rowAccessPolicies.getIamPolicy rowAccessPolicies.list tables.createSnapshot tables.getIamPolicy tables.replicateData transfers.get`),
  ...iam('roles.get roles.list serviceAccountKeys.get serviceAccountKeys.list serviceAccounts.get serviceAccounts.getIamPolicy serviceAccounts.list'),
  ...pools('workloadIdentityPools.get workloadIdentityPools.list workloadIdentityPoolProviders.get workloadIdentityPoolProviders.list'),
  ...resources('projects.getIamPolicy'),
];
const EDITOR = [
  ...VIEWER,
  ...KEYS,
  ...bigquery(`config.update connections.create connections.delete connections.update datasets.create jobs.delete models.create models.delete models.updateData
    models.updateMetadata routines.create routines.delete routines.update rowAccessPolicies.create rowAccessPolicies.delete rowAccessPolicies.update
    tables.createIndex tables.deleteIndex tables.restoreSnapshot tables.updateIndex transfers.update`),
  ...iam('serviceAccounts.actAs serviceAccounts.create serviceAccounts.delete serviceAccounts.disable serviceAccounts.enable serviceAccounts.update'),
  ...resources('projects.update'),
  'serviceusage.services.enable',
];
const OWNER = [
  ...EDITOR,
  ...ROLES,
  ...POOLS,
  ...bigquery(`connections.delegate connections.setIamPolicy datasets.delete datasets.link datasets.setIamPolicy datasets.update jobs.listAll jobs.update
    rowAccessPolicies.setIamPolicy tables.deleteSnapshot tables.setIamPolicy`),
  ...iam('serviceAccounts.setIamPolicy'),
  ...resources('projects.delete projects.setIamPolicy'),
];

const ROLE_PERMISSIONS: Readonly<Record<string, readonly string[]>> = {
  'roles/owner': OWNER,
  'roles/editor': EDITOR,
  'roles/viewer': VIEWER,
  'roles/bigquery.admin': [
    ...OWN_DATA,
    ...CONNECTIONS,
    ...SESSIONS,
    ...bigquery(
      'config.update jobs.create jobs.delete jobs.get jobs.list jobs.listAll jobs.listExecutionMetadata jobs.update rowAccessPolicies.overrideTimeTravelRestrictions transfers.get transfers.update',
    ),
    ...SEEN_PROJECT,
  ],
  'roles/bigquery.dataOwner': [...OWN_DATA, ...SEEN_PROJECT],
  'roles/bigquery.dataEditor': [...WRITE_DATA, ...SEEN_PROJECT],
  'roles/bigquery.dataViewer': [...READ_DATA, ...SEEN_PROJECT],
  'roles/bigquery.metadataViewer': [...READ_METADATA, ...SEEN_PROJECT],
  'roles/bigquery.jobUser': [...bigquery('config.get jobs.create'), ...SEEN_PROJECT],
  'roles/bigquery.user': [
    ...bigquery('config.get datasets.create datasets.get datasets.getIamPolicy jobs.create jobs.list models.list routines.list tables.list transfers.get'),
    ...SESSIONS,
    ...SEEN_PROJECT,
  ],
  'roles/bigquery.readSessionUser': [...SESSIONS, ...SEEN_PROJECT],
  'roles/bigquery.resourceViewer': [...bigquery('jobs.get jobs.list jobs.listAll jobs.listExecutionMetadata'), ...SEEN_PROJECT],
  'roles/bigquery.connectionUser': bigquery('connections.get connections.getIamPolicy connections.list connections.use'),
  'roles/bigquery.connectionAdmin': CONNECTIONS,
  'roles/bigquery.securityAdmin': [
    ...POLICIES_OF_ROWS,
    ...bigquery(
      'datasets.get datasets.getIamPolicy datasets.setIamPolicy datasets.update tables.get tables.getIamPolicy tables.list tables.setIamPolicy tables.update',
    ),
  ],
  'roles/bigquery.filteredDataViewer': bigquery('rowAccessPolicies.getFilteredData'),
  'roles/iam.serviceAccountUser': [...iam('serviceAccounts.actAs serviceAccounts.get serviceAccounts.list'), ...SEEN_PROJECT],
  'roles/iam.serviceAccountTokenCreator': [
    ...iam(
      'serviceAccounts.get serviceAccounts.getAccessToken serviceAccounts.getOpenIdToken serviceAccounts.implicitDelegation serviceAccounts.list serviceAccounts.signBlob serviceAccounts.signJwt',
    ),
    ...SEEN_PROJECT,
  ],
  'roles/iam.serviceAccountOpenIdTokenCreator': iam('serviceAccounts.getOpenIdToken'),
  'roles/iam.serviceAccountKeyAdmin': [...KEYS, ...iam('serviceAccounts.get serviceAccounts.list'), ...SEEN_PROJECT],
  'roles/iam.serviceAccountAdmin': [
    ...iam(`serviceAccounts.create serviceAccounts.delete serviceAccounts.disable serviceAccounts.enable serviceAccounts.get serviceAccounts.getIamPolicy
      serviceAccounts.list serviceAccounts.setIamPolicy serviceAccounts.update`),
    ...SEEN_PROJECT,
  ],
  'roles/iam.workloadIdentityUser': iam('serviceAccounts.get serviceAccounts.getAccessToken serviceAccounts.getOpenIdToken serviceAccounts.list'),
  'roles/iam.workloadIdentityPoolAdmin': [...POOLS, ...SEEN_PROJECT],
  'roles/iam.roleAdmin': [...ROLES, ...resources('projects.get projects.getIamPolicy')],
  'roles/iam.organizationRoleAdmin': [...ROLES, ...resources('organizations.getIamPolicy projects.get projects.getIamPolicy projects.list')],
  'roles/iam.securityAdmin': [
    ...pools('workloadIdentityPools.list workloadIdentityPoolProviders.list'),
    ...bigquery(`connections.getIamPolicy connections.list connections.setIamPolicy datasets.getIamPolicy datasets.setIamPolicy jobs.list models.list routines.list
      rowAccessPolicies.getIamPolicy rowAccessPolicies.list rowAccessPolicies.setIamPolicy tables.getIamPolicy tables.list tables.setIamPolicy`),
    ...iam('roles.get roles.list serviceAccountKeys.list serviceAccounts.get serviceAccounts.getIamPolicy serviceAccounts.list serviceAccounts.setIamPolicy'),
    ...resources(
      'folders.getIamPolicy folders.setIamPolicy organizations.getIamPolicy organizations.setIamPolicy projects.getIamPolicy projects.list projects.setIamPolicy',
    ),
  ],
  'roles/resourcemanager.projectIamAdmin': resources('projects.get projects.getIamPolicy projects.setIamPolicy'),
  'roles/resourcemanager.folderIamAdmin': resources('folders.get folders.getIamPolicy folders.setIamPolicy'),
  'roles/resourcemanager.folderAdmin': resources(
    'folders.get folders.getIamPolicy folders.setIamPolicy projects.get projects.getIamPolicy projects.list projects.setIamPolicy',
  ),
  'roles/resourcemanager.organizationAdmin': resources(
    'folders.get folders.getIamPolicy folders.setIamPolicy organizations.getIamPolicy organizations.setIamPolicy projects.get projects.getIamPolicy projects.list projects.setIamPolicy',
  ),
};

export const PREDEFINED: ReadonlyMap<string, ReadonlySet<string>> = new Map(Object.entries(ROLE_PERMISSIONS).map(([role, held]) => [role, new Set(held)]));

/** Every permission that this model asks about or knows in a role. */
export const PERMISSIONS: ReadonlySet<string> = new Set(Object.values(ROLE_PERMISSIONS).flat());

/** What a dataset's policy takes; the page names each role's lowest level. Basic and project-level roles are refused there. */
const ON_DATASETS: readonly string[] = [
  'roles/bigquery.admin',
  'roles/bigquery.dataOwner',
  'roles/bigquery.dataEditor',
  'roles/bigquery.dataViewer',
  'roles/bigquery.metadataViewer',
  'roles/bigquery.user',
  'roles/bigquery.securityAdmin',
  'roles/bigquery.filteredDataViewer',
];

/** Whether a role can be granted on a resource of that kind. https://docs.cloud.google.com/iam/docs/roles-permissions/bigquery ("Lowest-level resources") */
export function isGrantable(role: string, kind: 'organization' | 'folder' | 'project' | 'dataset' | 'table' | 'account' | 'connection' | 'pool'): boolean {
  if (!PREDEFINED.has(role)) return true;
  if (kind === 'dataset' || kind === 'table') return ON_DATASETS.includes(role);
  if (kind === 'account') return role.startsWith('roles/iam.serviceAccount') || role === 'roles/iam.workloadIdentityUser';
  if (kind === 'connection') return role.startsWith('roles/bigquery.connection') || role === 'roles/bigquery.admin';
  return true;
}
