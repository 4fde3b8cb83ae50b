import { ciProviders, warehouses } from '../catalogue.ts';
import type { PartName } from '../plan.ts';
import type { Question } from '../question.ts';

/** What only the jobs read. */
const FOR_CI = new Set(['ci', 'codeHost', 'mainBranch', 'runner', 'image', 'pythonIndex']);
/** What only the jobs for pull requests and production read. */
const FOR_PULL_REQUESTS = new Set(['buildDrafts']);
/** All that roster.yml alone reads. */
const FOR_ROSTER = new Set(['projectName', 'team', 'readers']);

/** Whether any of these parts (their needs included) reads the answer: what nobody reads is neither asked nor stored. */
export function isRead({ name }: Pick<Question, 'name'>, parts: readonly PartName[]): boolean {
  if (parts.includes('ci')) return true;
  if (parts.includes('cleanup')) return !FOR_PULL_REQUESTS.has(name);
  if (parts.every((part) => part === 'roster')) return FOR_ROSTER.has(name);
  return !FOR_CI.has(name) && !isProvidersAlone(name);
}

const asks = (vendors: readonly { readonly questions: readonly Question[] }[], name: string): boolean =>
  vendors.some(({ questions }) => questions.some((one) => one.name === name));

const isProvidersAlone = (name: string): boolean => asks(ciProviders, name) && !asks(warehouses, name);
