import { tokensOf } from './bigquery-rules.ts';
import type { GoogleSql } from './googlesql.ts';

const VERBS = 'ALTER|ASSERT|BEGIN|CALL|CREATE|DECLARE|DELETE|DROP|EXECUTE|EXPORT|GRANT|INSERT|MERGE|REVOKE|SELECT|TRUNCATE|UNDROP|UPDATE|WITH';
const STATEMENT = new RegExp(`^[rR]?(?:'''|"""|'|")\\s*(?:${VERBS})\\s`);
const KEYWORDS = /^(?:AS|STRING|INT64|DATE|TIMESTAMP|NULL|TRUE|FALSE|INTERVAL|DAY|HOUR)$/i;

/**
 * The statements that an expression puts together as text, by FORMAT, CONCAT or ||: what begins with a verb in capitals. Each name
 * in it stands for a sample, by its path or by its last part, and so does each `{name}`. Throws where there is none. What is
 * run there and then may be in small letters.
 */
export function textsIn(google: GoogleSql, from: string, sql: string, samples: Readonly<Record<string, string>>, isRun = false): readonly string[] {
  const tokens = tokensOf(sql).filter((token) => !/^(?:\s|--|#|\/\*)/.test(token));
  const texts: string[] = [];
  for (let at = 0; at < tokens.length; at++) {
    if (!STATEMENT.test(isRun ? (tokens[at] ?? '').toUpperCase() : (tokens[at] ?? ''))) continue;
    const called = tokens[at - 1] === '(' && /^(?:FORMAT|CONCAT)$/i.test(tokens[at - 2] ?? '');
    const [start, end] = called ? [at - 2, closing(tokens, at - 1)] : [at, lastOperand(tokens, at)];
    const [only = '', ...more] = tokens.slice(start, end + 1);
    const text =
      more.length === 0 && /^["']/.test(only) && !only.includes('\\')
        ? only.replace(/^('''|"""|'|")([\s\S]*)\1$/, '$2')
        : google.text(sampled(from, [only, ...more], samples));
    texts.push(filled(from, text, samples));
    at = end;
  }
  return texts;
}

/** A text that is a pattern, with `{name}` for what comes later. */
const filled = (from: string, text: string, samples: Readonly<Record<string, string>>): string =>
  text.replace(/\{\w+\}/g, (name) => {
    const sample = samples[name];
    if (sample === undefined) throw new Error(`${from}: no sample for ${name} in ${text}`);
    return sample;
  });

function closing(tokens: readonly string[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    if (tokens[at] === '(') depth++;
    if (tokens[at] === ')' && --depth === 0) return at;
  }
  throw new Error(`an open bracket: ${tokens.slice(open, open + 10).join(' ')}`);
}

/** Where the chain of || that begins here ends. */
function lastOperand(tokens: readonly string[], first: number): number {
  let at = first;
  while (tokens[at + 1] === '||') {
    at += 2;
    while (tokens[at + 1] === '.') at += 2;
    if (tokens[at] === '(') at = closing(tokens, at);
    else if (tokens[at + 1] === '(') at = closing(tokens, at + 1);
  }
  return at;
}

/** An expression in which every name is a text. */
function sampled(from: string, tokens: readonly string[], samples: Readonly<Record<string, string>>): string {
  let text = '';
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    // What is run alone knows no session.
    if (/^SESSION_USER$/i.test(token) && tokens[at + 1] === '(') {
      text += '"dana@acme.example" ';
      at += 2;
      continue;
    }
    if (!/^[A-Za-z_]\w*$/.test(token) || tokens[at + 1] === '(' || KEYWORDS.test(token)) {
      text += `${token} `;
      continue;
    }
    let path = token;
    for (; tokens[at + 1] === '.'; at += 2) path += `.${tokens[at + 2]}`;
    const sample = samples[path] ?? samples[path.slice(path.lastIndexOf('.') + 1)];
    if (sample === undefined) throw new Error(`${from}: no sample for ${path} in ${tokens.join(' ')}`);
    text += `${JSON.stringify(sample)} `;
  }
  return text;
}
