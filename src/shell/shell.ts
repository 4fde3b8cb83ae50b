/** What the shells are made of. The package carries it once: in the bin's file, from which the generators take it. */
export { Interrupted, RunError, UsageError } from '../errors.ts';
export * as engine from '../run.ts';
export { carryOut, converse, gather } from './conversation.ts';
export { endingOf } from './ending.ts';
export { explanation } from './explanation.ts';
export { complete, isOn, parseFlags } from './flags.ts';
export { heedingSignals } from './heed-signals.ts';
export { helpText, yoManner } from './help.ts';
export { inkFor, noColours } from './ink.ts';
export { readerFrom } from './named-file.ts';
export { allOptions, operands } from './options.ts';
export { absenceIn } from './presence.ts';
export { printable } from './printable.ts';
export { asText, toInquirer } from './prompt.ts';
export { requestOf } from './request.ts';
export { standardStream } from './standard-stream.ts';
export { version } from './version.ts';
