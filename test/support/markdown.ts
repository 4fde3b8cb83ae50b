import path from 'node:path';

/** Each function returns what is wrong with a document, in words; nothing where it is sound. */

const outsideFences = (text: string): string => text.replace(/^( *)```[\s\S]*?^\1```$/gm, '');

export interface Heading {
  readonly level: number;
  readonly title: string;
  readonly anchor: string;
}

export const headings = (text: string): readonly Heading[] =>
  [...outsideFences(text).matchAll(/^(#{1,6}) (.+)$/gm)].map(([, marks = '', title = '']) => ({ level: marks.length, title, anchor: anchorOf(title) }));

/** The anchor that GitHub and GitLab give a heading: lower case, punctuation gone, blanks to hyphens. */
const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

/** A document has one title, its levels go down one at a time, and no two headings share an anchor. */
export function wrongHeadings(text: string): readonly string[] {
  const all = headings(text);
  const titles = all.filter(({ level }) => level === 1).length;
  const skipped = all.filter(({ level }, at) => at > 0 && level > (all[at - 1]?.level ?? 0) + 1);
  const twice = all.filter(({ anchor }, at) => all.findIndex((other) => other.anchor === anchor) !== at);
  return [
    ...(titles === 1 ? [] : [`${titles} titles`]),
    ...skipped.map(({ title }) => `"${title}" skips a level`),
    ...twice.map(({ title }) => `"${title}" stands twice`),
  ];
}

/** Relative links lead to a file of the tree (a folder with files counts), and to a heading that is there. */
export function deadLinks(file: string, tree: ReadonlyMap<string, string>): readonly string[] {
  const text = tree.get(file) ?? '';
  return [...outsideFences(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^https:\/\//.test(link)) return [];
    const [to = '', anchor] = link.split('#');
    const target = to === '' ? file : path.posix.normalize(path.posix.join(path.posix.dirname(file), to));
    if (!exists(target, tree)) return [`${file}: ${link} leads nowhere`];
    if (anchor === undefined) return [];
    return headings(tree.get(target) ?? '').some((heading) => heading.anchor === anchor) ? [] : [`${file}: ${link}: no such heading`];
  });
}

/** Whether the tree has this file, or files in this folder. */
const exists = (place: string, tree: ReadonlyMap<string, string>): boolean => {
  const folder = place.replace(/\/$/, '');
  return tree.has(place) || [...tree.keys()].some((file) => file.startsWith(`${folder}/`));
};

const FILE = /^(?!https?:|~|\$)(?:[\w.@-]+\/)*(?:[\w@-]+\.(?:sql|ya?ml|md|txt|py|sh|json|lock|csv|ejs)|\.[\w.-]+)$/;
const FOLDER = /^(?!~|\$)(?:[\w.@-]+\/)+$/;
/** Made by a person, by Python, by git, by dbt, by a command of the same document, or by the run that writes the tree. */
const MADE_ELSEWHERE =
  /^(?:\.env|\.venv\/?|\.git\/?|\.dbt-envs\.lock|\.yo-rc\.json|target\/|logs\/|state\/|manifest\.json|snapshot\.sql|grants\/leavers\/dee\.sql)$/;

/** Files and folders that the text names in `code` or uses in a command block exist in the tree. */
export function missingFiles(file: string, tree: ReadonlyMap<string, string>): readonly string[] {
  const text = tree.get(file) ?? '';
  // What stands between two backticks each holds one itself, which no path does.
  const spans = [...text.replaceAll(/(?<!`)`` .*? ``(?!`)/g, '').matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span.trim());
  const commands = fences(text, 'sh').flatMap((block) => block.split(/\s+/));
  return [...new Set([...spans, ...commands])]
    .filter((name) => (FILE.test(name) || FOLDER.test(name)) && !MADE_ELSEWHERE.test(name))
    .filter((name) => !exists(name, tree) && !exists(path.posix.join(path.posix.dirname(file), name), tree) && !lastStep(name, tree))
    .map((name) => `${file}: there is no ${name}`);
}

/** The end of a longer path may stand for it: the text around it says where. */
const lastStep = (name: string, tree: ReadonlyMap<string, string>): boolean =>
  [...tree.keys()].some((file) => (name.endsWith('/') ? `/${file}`.includes(`/${name}`) : `/${file}`.endsWith(`/${name}`)));

/** What stands in ```language blocks. */
export const fences = (text: string, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^\\1\`\`\`$`, 'gm'))].map(([, , block = '']) => block);

/** Every fence that is opened is closed. */
export const openFences = (text: string): readonly string[] => ((text.match(/^ *```/gm) ?? []).length % 2 === 0 ? [] : ['a fence stays open']);

/** Rows of one table have as many cells as its head. */
export function raggedTables(text: string): readonly string[] {
  const lines = outsideFences(text).split('\n');
  const cells = (line: string): number => line.replace(/\\\|/g, '').split('|').length;
  return lines.flatMap((line, at) => {
    const before = lines[at - 1];
    if (!line.startsWith('|')) return [];
    if (before === undefined || !before.startsWith('|')) return /^\|[-| :]+\|$/.test(lines[at + 1] ?? '') ? [] : [`no rule under the head: ${line}`];
    return cells(line) === cells(before) && line.endsWith('|') ? [] : [`ragged: ${line}`];
  });
}

/** A flowchart whose nodes are declared once, whose labels are quoted, whose groups close and whose arrows join what is there. */
export function wrongFlowchart(block: string): readonly string[] {
  const [first = '', ...lines] = block.trimEnd().split('\n');
  const declared = new Map<string, number>();
  const used: string[] = [];
  let depth = 0;
  const problems = /^flowchart (?:LR|TD)$/.test(first) ? [] : [`begins with ${first}`];
  for (const line of lines.map((one) => one.trim())) {
    const declares = /^(?:subgraph )?(\w+)(?:\["[^"]+"\]|\[\("[^"]+"\)\])$/.exec(line);
    const joins = /^(\w+) (?:-->|-\.->)(?:\|[^|"]+\|)? ?(\w+)$/.exec(line);
    if (line.startsWith('subgraph ')) depth++;
    if (line === 'end') depth--;
    else if (declares?.[1] !== undefined) declared.set(declares[1], (declared.get(declares[1]) ?? 0) + 1);
    else if (joins) used.push(joins[1] ?? '', joins[2] ?? '');
    else problems.push(`cannot be read: ${line}`);
  }
  if (depth !== 0) problems.push('a subgraph stays open');
  for (const [id, times] of declared) {
    if (times > 1) problems.push(`${id} is declared twice`);
    if (/^(?:end|graph|flowchart|subgraph|class|click|style)$/.test(id)) problems.push(`${id} is a word of the language`);
  }
  for (const id of used) if (!declared.has(id)) problems.push(`${id} is joined and not declared`);
  return problems;
}
