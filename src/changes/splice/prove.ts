import { yaml } from '../../yaml-package.ts';
import { CannotEdit, load, same, valueIn } from './document.ts';
import type { Splice } from './source.ts';

/**
 * The first of the ways that makes exactly the wanted change: every outcome is parsed again, and its whole value
 * compared. Throws {@link CannotEdit} where none does.
 */
export function prove(text: string, wanted: unknown, ways: readonly (readonly Splice[])[]): string {
  if (!text.endsWith('\n') && ways.flat().some(({ at }) => at === text.length) && endsInBlockScalar(load(text).contents)) {
    throw new CannotEdit('it ends inside a block of text, without a line end');
  }
  let reason = 'no place was found for it';
  for (const splices of ways) {
    const outcome = spliced(text, splices);
    try {
      if (same(valueIn(load(outcome)), wanted)) return outcome;
      reason = 'the edit would change something else as well, perhaps through an anchor';
    } catch (error) {
      if (!(error instanceof CannotEdit)) throw error;
      reason = `after the edit, ${error.message}`;
    }
  }
  throw new CannotEdit(reason);
}

function spliced(text: string, splices: readonly Splice[]): string {
  const backwards = [...splices].sort((a, b) => b.at - a.at);
  return backwards.reduce((now, { at, until, text: by }) => now.slice(0, at) + by + now.slice(until), text);
}

function endsInBlockScalar(node: unknown): boolean {
  const { isMap, isSeq, isScalar } = yaml();
  if (isMap(node)) return endsInBlockScalar(node.items.at(-1)?.value);
  if (isSeq(node)) return endsInBlockScalar(node.items.at(-1));
  return isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED');
}
