/** What a shell does with a request: the engine, and what is said around it. */
export * as engine from '../run.ts';
export { carryOut, converse, gather } from './conversation.ts';
export { explanation } from './explanation.ts';
