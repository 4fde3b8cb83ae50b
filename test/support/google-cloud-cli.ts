/** The commands of gcloud and bq that are emitted, each with the flags that its reference page lists and we use. */
interface Command {
  readonly page: string;
  readonly flags: readonly string[];
}

const gcloud = (path: string, ...flags: readonly string[]): readonly [string, Command] => [
  `gcloud ${path}`,
  {
    page: `https://docs.cloud.google.com/sdk/gcloud/reference/${path.replaceAll(' ', '/')}`,
    flags: ['--project', '--format', '--filter', '--quiet', ...flags],
  },
];
const bq = (name: string, ...flags: readonly string[]): readonly [string, Command] => [
  `bq ${name}`,
  {
    page: `https://docs.cloud.google.com/bigquery/docs/reference/bq-cli-reference#bq_${name}`,
    flags: ['--project_id', '--location', '--format', '--quiet', ...flags],
  },
];
const BINDING = ['--member', '--role', '--condition'];
const PROVIDER = [
  '--location',
  '--workload-identity-pool',
  '--issuer-uri',
  '--attribute-mapping',
  '--attribute-condition',
  '--allowed-audiences',
  '--jwk-json-path',
];

export const COMMANDS: ReadonlyMap<string, Command> = new Map([
  gcloud('projects describe'),
  gcloud('projects get-iam-policy'),
  gcloud('projects get-ancestors-iam-policy'),
  gcloud('projects add-iam-policy-binding', ...BINDING),
  gcloud('projects remove-iam-policy-binding', ...BINDING, '--all'),
  gcloud('services enable'),
  gcloud('iam roles create', '--title', '--description', '--permissions', '--stage'),
  gcloud('iam roles update', '--title', '--description', '--permissions', '--stage'),
  gcloud('iam roles undelete'),
  gcloud('iam roles delete'),
  gcloud('iam roles list', '--show-deleted'),
  gcloud('iam roles describe', '--organization'),
  gcloud('iam service-accounts create', '--display-name', '--description'),
  gcloud('iam service-accounts list'),
  gcloud('iam service-accounts describe'),
  gcloud('iam service-accounts delete'),
  gcloud('iam service-accounts disable'),
  gcloud('iam service-accounts get-iam-policy'),
  gcloud('iam service-accounts add-iam-policy-binding', ...BINDING),
  gcloud('iam service-accounts remove-iam-policy-binding', ...BINDING, '--all'),
  gcloud('iam service-accounts keys list', '--iam-account', '--managed-by'),
  gcloud('iam service-accounts keys create', '--iam-account'),
  gcloud('iam service-accounts keys delete', '--iam-account'),
  gcloud('iam workload-identity-pools create', '--location', '--description', '--display-name'),
  gcloud('iam workload-identity-pools describe', '--location'),
  gcloud('iam workload-identity-pools delete', '--location'),
  gcloud('iam workload-identity-pools undelete', '--location'),
  gcloud('iam workload-identity-pools providers create-oidc', ...PROVIDER),
  gcloud('iam workload-identity-pools providers update-oidc', ...PROVIDER),
  gcloud('iam workload-identity-pools providers list', '--location', '--workload-identity-pool'),
  gcloud('iam workload-identity-pools providers describe', '--location', '--workload-identity-pool'),
  gcloud('iam workload-identity-pools providers undelete', '--location', '--workload-identity-pool'),
  gcloud('identity groups memberships add', '--group-email', '--member-email'),
  gcloud('auth application-default login', '--impersonate-service-account'),
  gcloud('quotas preferences update', '--service', '--quota-id', '--preferred-value', '--allow-missing', '--allow-high-percentage-quota-decrease'),
  // Its own flags are in `bq help query` too.
  bq('help'),
  bq('query', '--max_rows', '--max_statement_results', '--max_child_jobs', '--use_legacy_sql', '--parameter', '--dry_run', '--maximum_bytes_billed'),
  bq('cp'),
  bq('mk', '--dataset', '--label'),
  bq('rm', '-r', '-d'),
  bq('show', '--dataset'),
  bq('update', '--dataset', '--source', '--set_label', '--etag'),
  bq('ls', '--datasets', '--max_results'),
]);

/** What of a shell script's calls of gcloud and bq the table above does not have, a line each; and which commands were seen. */
export function readCalls(script: string): { readonly unknown: readonly string[]; readonly seen: readonly string[] } {
  const unknown: string[] = [];
  const seen = new Set<string>();
  for (const words of callsIn(script)) {
    const name = nameOf(words);
    const command = COMMANDS.get(name);
    if (command === undefined) unknown.push(`no command: ${words.join(' ')}`);
    else {
      seen.add(name);
      const flags = words.filter((word) => word.startsWith('-')).map((word) => word.replace(/=[\s\S]*$/, ''));
      for (const flag of flags) if (!command.flags.includes(flag)) unknown.push(`${name} has no ${flag}: ${command.page}`);
    }
  }
  return { unknown, seen: [...seen] };
}

/** The longest name in the table that the call begins with; of one that is not there, its words before the first flag. */
function nameOf(words: readonly string[]): string {
  const end = words.findIndex((word, at) => at > 0 && !/^[a-z][a-z-]*$/.test(word));
  const before = end === -1 ? words : words.slice(0, end);
  for (let length = before.length; length > 1; length--) {
    const name = before.slice(0, length).join(' ');
    if (COMMANDS.has(name)) return name;
  }
  return before.join(' ');
}

/** Each call as its words, those inside `$( )` too. A variable that stands for a word of the command is every literal that it is given. */
function callsIn(script: string): readonly (readonly string[])[] {
  const text = script.replace(/^\s*#.*$/gm, '').replace(/\\\n/g, ' ');
  const own = [...text.matchAll(/^(\w+)\(\) \{/gm)].map(([, name]) => name);
  return [...text.matchAll(COMMAND_POSITION)]
    .filter(([program]) => program.startsWith('command ') || !own.includes(program.trim()))
    .flatMap(({ index }) => expanded(wordsFrom(text, index), text))
    .map((words) => flagsLast(words[0] === 'command' ? words.slice(1) : words));
}

/** bq's global flags may stand before its command. */
const flagsLast = ([program = '', ...words]: readonly string[]): readonly string[] => {
  const first = words.findIndex((word) => !word.startsWith('-'));
  return [program, ...words.slice(first), ...words.slice(0, first)];
};

/** Where a shell takes a word for the name of a program. */
const COMMAND_POSITION = /(?<=^\s*|[;|&({]\s*|\b(?:then|do|else|if|elif|while|until)\s+|!\s+|[*'"\w]\)\s+)(?:command )?(?:gcloud|bq) /gm;

function expanded(words: readonly string[], text: string): readonly (readonly string[])[] {
  const at = words.findIndex((word) => /^"?\$\w+"?$/.test(word));
  const flag = words.findIndex((word) => word.startsWith('-'));
  const name = /\w+/.exec(words[at] ?? '')?.[0] ?? '';
  const values = [...text.matchAll(new RegExp(`\\b${name}=([a-z][a-z-]+)`, 'g'))].map(([, value = '']) => value);
  if (at === -1 || values.length === 0 || (flag !== -1 && at > flag)) return [words];
  return [...new Set(values)].map((value) => words.map((word, place) => (place === at ? value : word)));
}

/** The words of a command, up to where the shell ends it. */
function wordsFrom(text: string, start: number): readonly string[] {
  const words = [''];
  let quote = '';
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at] ?? '';
    const outside = quote === '' && depth === 0;
    if (outside && /[|;<>)&\n`]/.test(char)) break;
    if (depth === 0 && char === quote) quote = '';
    else if (outside && (char === "'" || char === '"')) quote = char;
    else if (quote !== "'" && text.startsWith('$(', at)) depth++;
    else if (depth > 0 && char === ')') depth--;
    if (outside && char === ' ') words.push('');
    else words[words.length - 1] += char;
  }
  return words.filter((word) => word !== '' && word !== '2');
}
