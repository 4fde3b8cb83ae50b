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

/** Words that YAML 1.1, which dbt and Python read, takes for truth values or nothing. */
const WORDS = /^(?:y|yes|n|no|true|false|on|off|null)$/i;

/** A value on one line of YAML: plain where every reader sees a text, in double quotes otherwise. */
export const yamlText = (value: string): string => (/^[A-Za-z][\w.@+-]*$/.test(value) && !WORDS.test(value) ? value : JSON.stringify(value));
