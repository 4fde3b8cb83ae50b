/** What BigQuery asks for beyond the grammar and the types of its language: each rule with its page. */

/** Words, texts and signs of GoogleSQL: https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/lexical */
const TOKEN =
  /--[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/|(?:[rR]|[bB]|[rR][bB]|[bB][rR])?(?:"""(?:\\[\s\S]|[^\\])*?"""|'''(?:\\[\s\S]|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|`[^`]*`|\s+|@{0,2}[A-Za-z_]\w*|\d+(?:\.\d+)?|\|\||[\s\S]/g;

export const tokensOf = (sql: string): readonly string[] => [...sql.matchAll(TOKEN)].map(([token]) => token);
const isComment = (token: string): boolean => /^(?:--|#|\/\*)/.test(token);
/** Without comments, and with one blank where there were several. */
const plain = (sql: string): string =>
  tokensOf(sql)
    .map((token) => (isComment(token) || /^\s/.test(token) ? ' ' : token))
    .join('')
    .replace(/ +/g, ' ')
    .trim();

/** Why BigQuery would refuse the statement or the expression; undefined where these rules have nothing against it. */
export function problemOf(sql: string): string | undefined {
  const text = plain(sql);
  return grantProblem(text) ?? listingProblem(text) ?? privilegesProblem(text) ?? constantProblem(text);
}

/** https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language */
const GRANT = /^(GRANT|REVOKE) (.+?) ON (\w+(?: \w+)?) ([^ ]+) (TO|FROM) (.+)$/i;
const KINDS = ['SCHEMA', 'TABLE', 'VIEW', 'EXTERNAL TABLE', 'PROJECT'];
/** https://docs.cloud.google.com/iam/docs/roles-permissions/bigquery */
const ROLES =
  /^`(?:roles\/bigquery\.(?:admin|connectionAdmin|connectionUser|dataEditor|dataOwner|dataViewer|filteredDataViewer|jobUser|metadataViewer|readSessionUser|resourceAdmin|resourceEditor|resourceViewer|rowAccessPolicyAdmin|user)|(?:projects\/[a-z][a-z0-9-]{4,28}[a-z0-9]|organizations\/\d+)\/roles\/[A-Za-z0-9_.]{3,64})`$/;
const ADDRESS = '[^@\\s"]+@[^@\\s"]+\\.[a-z]+';
const PRINCIPAL = new RegExp(`^["'](?:(?:user|group|serviceAccount):${ADDRESS}|domain:[^@\\s"']+\\.[a-z]+|specialGroup:all(?:Authenticated)?Users)["']$`);

function grantProblem(text: string): string | undefined {
  if (!/^(?:GRANT|REVOKE)\b/i.test(text)) return undefined;
  const [, verb = '', roles = '', kind = '', , word = '', principals = ''] = GRANT.exec(text) ?? [];
  if (verb === '') return 'no GRANT or REVOKE of BigQuery';
  if (!KINDS.includes(kind.toUpperCase())) return `nothing is granted on ${kind}`;
  if ((verb.toUpperCase() === 'GRANT') !== (word.toUpperCase() === 'TO')) return `${verb} … ${word}`;
  const role = roles.split(/ ?, ?/).find((one) => !ROLES.test(one));
  if (role !== undefined) return `${role} is no role of BigQuery`;
  const principal = principals.split(/ ?, ?/).find((one) => !PRINCIPAL.test(one));
  return principal === undefined ? undefined : `${principal} is nobody whom BigQuery knows`;
}

/** Without a region or a dataset a listing is of the region US alone: https://docs.cloud.google.com/bigquery/docs/information-schema-intro#region_qualifier */
function listingProblem(text: string): string | undefined {
  return /(?<![.`\w])INFORMATION_SCHEMA\s*\./i.test(text) ? 'INFORMATION_SCHEMA without a region or a dataset' : undefined;
}

/** https://docs.cloud.google.com/bigquery/docs/information-schema-object-privileges#limitations */
function privilegesProblem(text: string): string | undefined {
  return /\bOBJECT_PRIVILEGES\b/i.test(text) && !/\bobject_name = /i.test(text) ? 'OBJECT_PRIVILEGES is read of one dataset or table at a time' : undefined;
}

/** What no option may be computed with: https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#schema_option_list */
const VARYING = /\b(ARRAY_TO_STRING|FORMAT|GENERATE_ARRAY|GENERATE_DATE_ARRAY|LPAD|RAND|REGEXP_REPLACE|REPEAT|REPLACE|RPAD|SESSION_USER) ?\(/i;
function constantProblem(text: string): string | undefined {
  const options = /\bOPTIONS ?\(/i.exec(text);
  if (!options || !/^(?:CREATE|ALTER|UNDROP)\b/i.test(text)) return undefined;
  let depth = 0;
  let inside = '';
  for (const token of tokensOf(text.slice(options.index + options[0].length - 1))) {
    if (token === '(') depth++;
    if (token === ')' && --depth === 0) break;
    if (!/^[rRbB]*["']/.test(token)) inside += token;
  }
  if (/\bSELECT\b/i.test(inside)) return 'an option is no query';
  const [, called] = VARYING.exec(inside) ?? [];
  return called === undefined ? undefined : `no option may be computed with ${called}`;
}
