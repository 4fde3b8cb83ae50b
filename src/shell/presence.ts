/**
 * Why nobody can be asked, as the beginning of a sentence; undefined where somebody can. A CI job may well have a
 * terminal (Buildkite and CircleCI give it one), and nobody sits there: such systems set CI.
 */
export function absenceIn({ CI: ci = '' }: Readonly<Record<string, string | undefined>>, isTerminal: boolean): string | undefined {
  if (!isTerminal) return 'There is no terminal to ask at';
  return ci === '' || ci === '0' || ci.toLowerCase() === 'false' ? undefined : 'CI is set, so there is nobody to ask';
}
