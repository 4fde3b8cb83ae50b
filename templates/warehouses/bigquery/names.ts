import { NameError, shown } from '../../../src/names.ts';

/** 6 to 30 characters: https://docs.cloud.google.com/resource-manager/docs/creating-managing-projects */
const PROJECT = /^[a-z](?:[a-z0-9-]{4,28})[a-z0-9]$/;
/** Two multi-regions, and regions such as northamerica-northeast1: https://docs.cloud.google.com/bigquery/docs/locations */
const LOCATION = /^(?:US|EU|[a-z]{2,20}-[a-z]{2,20}[0-9]{1,2})$/;
const DOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/;
const GROUP = /^[a-z0-9_][a-z0-9._+-]*@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

/** The id of a Google Cloud project, which dbt calls a database. Throws {@link NameError}. */
export function parseProjectId(text: string): string {
  if (PROJECT.test(text)) return text;
  throw new NameError(
    `"${shown(text)}" is no id of a Google Cloud project: 6 to 30 lower-case letters, digits and -, a letter first, no - at the end. Give the id, not the name: gcloud projects list.`,
  );
}

/** A location of BigQuery: US, EU or a region such as europe-west4. Throws {@link NameError}. */
export function parseLocation(text: string): string {
  if (LOCATION.test(text)) return text;
  throw new NameError(`"${shown(text)}" is no location of BigQuery. Give US, EU or a region, e.g. europe-west4.`);
}

/** The domain of the team's e-mail addresses; empty where each person's own is in roster.yml. Throws {@link NameError}. */
export function parseDomain(text: string): string {
  if (text === '' || (text.length <= 190 && DOMAIN.test(text))) return text;
  throw new NameError(`"${shown(text)}" is no domain of e-mail addresses: lower case, e.g. example.com.`);
}

/** The address of a Google group; empty where there is none. Throws {@link NameError}. */
export function parseGroup(text: string): string {
  if (text === '' || (text.length <= 254 && GROUP.test(text))) return text;
  throw new NameError(`"${shown(text)}" is no address of a Google group: lower case, e.g. data-team@example.com.`);
}

/** `acme_prod` or `acme-prod` and an ending, as the id of a project: what is too long is cut at the front. */
export const projectIdLike = (name: string, ending: string): string =>
  `${name
    .replaceAll('_', '-')
    .slice(0, 30 - ending.length)
    .replace(/-$/, '')}${ending}`;
