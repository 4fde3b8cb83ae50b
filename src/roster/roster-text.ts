import { yamlText } from '../yaml-text.ts';
import type { Developer, Leaver, Reader, Roster } from './roster.ts';

/** Every entry of roster.yml as the lines of its mapping, safe to paste: what the template and the roster command print. */
export const rosterView = ({
  developers,
  leavers,
  readers,
}: Roster): { readonly developers: readonly (readonly string[])[]; readonly readers: readonly (readonly string[])[] } => ({
  developers: [...developers, ...leavers].map(developerLines),
  readers: readers.map(readerLines),
});

export const developerLines = (person: Developer | Leaver): readonly string[] => [
  `slug: ${yamlText(person.slug)}`,
  `login: ${yamlText(person.login)}`,
  ...(person.email === undefined ? [] : [`email: ${yamlText(person.email)}`]),
  ...('left' in person ? [`left: ${person.left}`] : []),
];

const readerLines = ({ login, reviews }: Reader): readonly string[] => [`login: ${yamlText(login)}`, ...(reviews ? ['reviews: true'] : [])];
