import type { PlannedFile } from './planned-file.ts';

/**
 * Why a planned file is there, in one sentence: what the file itself says first, to whoever opens it. A file that
 * cannot begin with a sentence, or whose first sentence speaks of something else, has one here.
 */
export function whyOf({ path, contents }: Pick<PlannedFile, 'path' | 'contents'>): string {
  return SAID_HERE.find(({ of }) => of.test(path))?.why ?? firstSentence(opening(path, contents)) ?? 'A part of the repository.';
}

const SAID_HERE: readonly { readonly of: RegExp; readonly why: string }[] = [
  { of: /^dbt_project\.yml$/, why: "What dbt reads first: the project's name, its folders, and the check that runs before every build." },
  { of: /^README\.md$/, why: 'What a newcomer reads first: the three rules, who may write where, and the first hour.' },
  { of: /^(?:models|seeds|snapshots|tests)\//, why: 'A piece of the small example, which builds at once; put your own in its place.' },
  { of: /\/_(?:macros|operations|sweep)\.yml$/, why: 'Describes the macros beside it, for dbt and for whoever reads its documentation.' },
  { of: /^\.gitignore$/, why: 'What git must never take: passwords, tokens, keys, and what dbt makes.' },
  { of: /^\.sqlfluff$/, why: 'How SQL is linted, without a connection.' },
  { of: /^\.pre-commit-config\.yaml$/, why: 'What is checked before every commit.' },
  { of: /(?:pull|merge)_request[^.]*\.md$/i, why: 'What whoever opens a pull request is asked to say.' },
];

/** The file's first paragraph for people, without the marks of a comment; undefined where it has none. */
function opening(path: string, contents: string): string | undefined {
  const found = path.endsWith('.md') ? afterHeading(contents) : (between(contents) ?? behindMarks(contents));
  return found?.replace(/\s+/g, ' ').trim();
}

const afterHeading = (contents: string): string | undefined => /^#[^\n]*\n+(?!#)((?:[^\n]+\n)+)/m.exec(contents.replace(/^<!--.*?-->\n*/s, ''))?.[1];

/** A Jinja comment, or a Python docstring: its first paragraph. */
const between = (contents: string): string | undefined => /^(?:\{#-?|""")(.*?)(?:-?#\}|"""|\n\s*\n)/s.exec(contents)?.[1];

/** Lines that begin with `#` or `--`, behind the one that names the shell, up to the first that says nothing. */
const behindMarks = (contents: string): string | undefined => /^(?:#![^\n]*\n)?((?:(?:#|--) \S[^\n]*\n)+)/.exec(contents)?.[1]?.replace(/^(?:#|--) /gm, '');

/** Without the file's own name before it, or ours. */
function firstSentence(text: string | undefined): string | undefined {
  return text?.replace(/^(?:Written by generator-dbt-envs|[\w.]+\.(?:sql|sh)): /, '').match(/^.*?(?<!\be\.g|\bi\.e)[.!?](?=\s|$)|^.+$/)?.[0];
}
