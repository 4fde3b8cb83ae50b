import pins from '../templates/versions.json' with { type: 'json' };

/** Every version that we emit, from the one file that holds them. */
export const versions = pins;

/** The exact pip requirement for a package whose version we pin. Throws where templates/versions.json lacks it. */
export function requirement(name: string): string {
  const version = (pins as Readonly<Record<string, unknown>>)[name];
  if (typeof version !== 'string') throw new Error(`templates/versions.json has no version for ${name}`);
  return `${name}==${version}`;
}
