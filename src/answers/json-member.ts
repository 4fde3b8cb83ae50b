/** Sets one member of a JSON object in its text; every byte outside of that member stays. `text` must hold a JSON object. */
export function setMember(text: string, key: string, value: unknown): string {
  const indent = indentOf(text);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const printed = JSON.stringify(value, null, indent).replaceAll('\n', `${eol}${indent}`);
  const { members, open, close } = membersOf(text);
  const found = members.findLast((member) => member.key === key);
  if (found) return text.slice(0, found.from) + printed + text.slice(found.to);
  const last = members.at(-1);
  const member = `${eol}${indent}${JSON.stringify(key)}: ${printed}`;
  if (last) return `${text.slice(0, last.to)},${member}${text.slice(last.to)}`;
  return `${text.slice(0, open + 1)}${member}${eol}${text.slice(close)}`;
}

interface Member {
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

/** Where each member's value begins and ends in the outermost object. */
function membersOf(text: string): { readonly members: readonly Member[]; readonly open: number; readonly close: number } {
  const members: Member[] = [];
  const open = text.indexOf('{');
  let at = skipSpace(text, open + 1);
  while (text[at] !== '}' && at < text.length) {
    const keyEnd = endOfString(text, at);
    const key: unknown = JSON.parse(text.slice(at, keyEnd));
    const from = skipSpace(text, text.indexOf(':', keyEnd) + 1);
    const to = endOfValue(text, from);
    members.push({ key: String(key), from, to });
    at = skipSpace(text, to);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return { members, open, close: at };
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (/\s/.test(text[at] ?? '')) at++;
  return at;
}

/** `from` is at the opening quote. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfValue(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === '"') {
      at = endOfString(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (depth === 0 && /[,}\]\s]/.test(char)) return at;
    if (char === '{' || char === '[') depth++;
    if ((char === '}' || char === ']') && --depth === 0) return at + 1;
    at++;
  }
  return at;
}

/** One level of the file's own indentation; two blanks where it shows none. */
const indentOf = (text: string): string => /^\s*\{\s*?\n([ \t]+)"/.exec(text.replaceAll('\r', ''))?.[1] ?? '  ';
