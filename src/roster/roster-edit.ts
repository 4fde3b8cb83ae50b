import { appendItem } from '../changes/splice/append-item.ts';
import { CannotEdit } from '../changes/splice/document.ts';
import { setKey } from '../changes/splice/set-key.ts';
import { UsageError } from '../errors.ts';
import { isEmail, NameError, parseEmail, shown } from '../names.ts';
import { nearest } from '../question.ts';
import { type Developer, type Leaver, parseTeam, type Roster } from './roster.ts';
import { parseRosterFile, ROSTER_FILE, slugsIn } from './roster-file.ts';
import { developerLines } from './roster-text.ts';

/** What the command `roster` was asked to do. */
export interface RosterEdit {
  /** As for `--team`. */
  readonly add?: string;
  /** Slugs, separated by commas. */
  readonly remove?: string;
  /** `old=new`, or `old=new=login` where the new login is not the new slug. */
  readonly rename?: string;
  /** ISO date: the day on which those who leave leave. */
  readonly today: string;
}

/**
 * The roster's text after the edit; comments and everything else in it stay. Asking twice for the same changes nothing.
 * Throws {@link UsageError} where the request does not fit the roster.
 */
export function editRoster(text: string, { add, remove, rename, today }: RosterEdit): string {
  try {
    let edited = text;
    if (rename !== undefined) edited = renameDeveloper(edited, rename, today);
    for (const slug of (remove ?? '').split(',').map((one) => one.trim())) if (slug !== '') edited = removeDeveloper(edited, slug, today);
    if (remove?.replaceAll(',', '').trim() === '') throw new UsageError('--remove names nobody. Give a slug, e.g. --remove sam.');
    return add === undefined
      ? edited
      : addDevelopers(
          edited,
          usage('add', () => parseTeam(add)),
        );
  } catch (error) {
    if (error instanceof CannotEdit) throw new UsageError(`${ROSTER_FILE} cannot be edited safely: ${error.message}. Edit it by hand; nothing was written.`);
    throw error;
  }
}

/** People who are on the roster already are left as they are. Throws {@link UsageError} where a slug or a login is somebody else's. */
export function addDevelopers(text: string, people: readonly Developer[]): string {
  return people.reduce((edited, person) => {
    const roster = parseRosterFile(edited);
    const there = roster.developers.find(({ slug }) => slug === person.slug);
    if (there && there.login === person.login) {
      refuseOtherAddress(there, person);
      return edited;
    }
    refuseTaken(roster, person, '--add');
    return appendItem(edited, ['developers'], developerLines(person).join('\n'));
  }, text);
}

/** Sets the day on which the developer leaves. Throws {@link UsageError} for a slug that is not on the roster, and for the last developer. */
export function removeDeveloper(text: string, slug: string, left: string): string {
  const roster = parseRosterFile(text);
  const gone = roster.leavers.find((one) => one.slug === slug);
  if (gone) return text;
  if (!roster.developers.some((one) => one.slug === slug)) throw new UsageError(`--remove: ${unknown(roster, slug)}`);
  if (roster.developers.length === 1) throw new UsageError(`--remove: "${slug}" is the last developer. Add somebody first: --add "ana".`);
  return setKey(text, ['developers', slugsIn(text).indexOf(slug), 'left'], left);
}

/** A leaver and a new hire: `old=new`, or `old=new=login`. The e-mail address goes along, also one that was the login, unless another is given. Throws {@link UsageError}. */
export function renameDeveloper(text: string, request: string, left: string): string {
  const at = request.indexOf('=');
  const [old, next] = [request.slice(0, Math.max(at, 0)).trim(), request.slice(at + 1).trim()];
  if (at < 0 || old === '' || next === '') throw new UsageError(`--rename: "${shown(request)}" is no renaming. Write it like --rename sam=sam_k.`);
  const [person, ...more] = usage('rename', () => parseTeam(next));
  if (!person || more.length > 0) throw new UsageError(`--rename: "${shown(next)}" is not one person. Write it like --rename sam=sam_k.`);
  const roster = parseRosterFile(text);
  const before = [...roster.developers, ...roster.leavers].find(({ slug }) => slug === old);
  if (!before) throw new UsageError(`--rename: ${unknown(roster, old)}`);
  if (roster.developers.some(({ slug, login }) => slug === person.slug && login === person.login) && 'left' in before) return text;
  refuseTaken(roster, person, '--rename');
  const address = before.email ?? (isEmail(before.login) ? parseEmail(before.login) : undefined);
  const hired = { ...(address !== undefined && { email: address }), ...person };
  return removeDeveloper(appendItem(text, ['developers'], developerLines(hired).join('\n')), old, left);
}

/** An address is what some warehouses know a person by: one that was typed is not passed over. */
function refuseOtherAddress(there: Developer, { slug, email }: Developer): void {
  if (email === undefined || email.toLowerCase() === there.email?.toLowerCase()) return;
  const has = there.email === undefined ? 'without an e-mail address' : `with the address "${there.email}"`;
  throw new UsageError(`--add: "${slug}" is on the roster already, ${has}. Write "email: ${email}" there in ${ROSTER_FILE}.`);
}

/** A slug is a schema, and a login holds rights that its leaver's script takes away: neither is given twice. */
function refuseTaken({ developers, leavers }: Roster, { slug, login }: Developer, flag: string): void {
  const other = [...developers, ...leavers].find((one: Developer | Leaver) => one.slug === slug || one.login.toLowerCase() === login.toLowerCase());
  if (!other) return;
  const shared = other.slug === slug ? `the slug "${slug}"` : `the login "${login}"`;
  const way =
    'left' in other
      ? `To take the person back, delete the line "left: ${other.left}" in ${ROSTER_FILE}; for somebody else, write <slug>=<login>`
      : 'Write <slug>=<login> with two that are free';
  throw new UsageError(`${flag}: ${shared} belongs to "${other.slug}"${'left' in other ? `, who left on ${other.left}` : ''}. ${way}.`);
}

function unknown({ developers }: Roster, slug: string): string {
  const slugs = developers.map((one) => one.slug);
  const near = nearest(slug, slugs);
  const way = near === undefined ? `It has: ${slugs.slice(0, 20).join(', ')}${slugs.length > 20 ? ', ...' : ''}.` : `Did you mean ${near}?`;
  return `there is no developer "${shown(slug)}" in ${ROSTER_FILE}. ${way}`;
}

function usage<T>(flag: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof NameError) throw new UsageError(`--${flag}: ${error.message}`);
    throw error;
  }
}
