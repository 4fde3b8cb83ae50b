/** What `--help` and a misspelt flag must not wait for: the engine and its templates. Imported lazily. */
export * as engine from '../run.ts';
export { carryOut, converse, gather } from './conversation.ts';
export { explanation } from './explanation.ts';
