import { UsageError } from '../errors.ts';
import { invocationOf, nothingInstalled, type Setting } from './conversation.ts';
import type { Engine, Explanation } from './engine.ts';
import type { Request } from './request.ts';
import { wrapped } from './wrapped.ts';

const WIDTH = 100;
const COLUMN = 12;

/** What `explain` prints: the answer for one path, a line for each path of a folder, or the same as one JSON object. */
export function explanation(request: Request, setting: Setting, { look, explain }: Engine): string {
  const invocation = invocationOf(request, setting);
  const { root, parts, open } = look(invocation);
  if (parts.length === 0) throw nothingInstalled(root);
  const [missing] = open;
  if (missing !== undefined) throw new UsageError(`There is no plan to explain from: no answer for --${missing.flag}. Run dbt-envs first.`);
  const { operand = '' } = request;
  const found = explain(invocation, operand);
  const [first, ...more] = found;
  const isFolder = first === undefined || more.length > 0;
  if (request.json) return `${JSON.stringify(isFolder ? { path: operand, files: found } : first, null, 2)}\n`;
  return `${(isFolder ? found.map(shortly) : atLength(first)).join('\n')}\n`;
}

const shortly = ({ path, owner, why, state }: Explanation): string => `${path} (${owner}${state === 'not installed' ? ', not installed' : ''}): ${why}`;

function atLength({ path, why, part, owner, rewrittenBy, state, recorded, edits }: Explanation): readonly string[] {
  return [
    path,
    ...row('why', why),
    ...row('part', part === undefined ? 'none' : `${part}${state === 'not installed' ? ', which is not installed' : ''}`),
    ...row('owner', owner === 'ours' && part !== undefined ? 'ours, as long as you leave it alone' : owner),
    ...row('rewritten', rewrittenBy),
    ...row(
      'now',
      `${NOW[state]}${state === 'deleted' && owner === 'ours' ? ' --force brings it back.' : ''}${recorded || part === undefined || state === 'not installed' ? '' : ' It is not in .dbt-envs.lock.'}`,
    ),
    ...edits.flatMap(({ place, state: at }) => row('ours in it', `${place}: ${place === LINES && at === 'edited' ? MISSING : INSIDE[at]}`)),
  ];
}

const NOW: Readonly<Record<Explanation['state'], string>> = {
  'not there': 'Not there yet: the next run writes it.',
  'as planned': 'As planned: the next run leaves it alone.',
  'out of date': 'As we left it, but the plan has moved on: the next run rewrites it.',
  edited: 'Other than ours, and kept as you have it. To have ours, delete it and run with --force.',
  deleted: 'Deleted by you, and left away.',
  yours: 'Yours as it is.',
  'in conflict': 'It differs from ours, and you have not been asked: the next run shows the differences and asks.',
  'no longer planned': 'No longer planned.',
  'not installed': 'Not planned here, until you run that part.',
  'not planned': 'There, and not planned.',
};

/** Lines of ours in a text file, as the lock names them. */
const LINES = 'lines';
const MISSING = 'some are missing, and you keep it so; put them in by hand to have them.';

const INSIDE: Readonly<Record<Explanation['state'], string>> = {
  ...NOW,
  'not there': 'not there yet; the next run adds it.',
  'as planned': 'as planned.',
  'out of date': 'the next run writes it.',
  edited: 'other than ours, and kept as you have it; to have ours, delete it and run with --force.',
  deleted: 'deleted by you, and left away; --force brings it back.',
  'in conflict': 'you have another value; the next run asks.',
};

function row(name: string, text: string): readonly string[] {
  return wrapped(text, WIDTH - COLUMN).map((line, at) => (at === 0 ? `  ${name}`.padEnd(COLUMN) : ' '.repeat(COLUMN)) + line);
}
