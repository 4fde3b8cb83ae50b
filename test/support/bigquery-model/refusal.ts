/** What Google Cloud would answer no to. */
export class Refused extends Error {
  constructor(why: string) {
    // Thousands are caught: none needs to say where it was thrown.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(why);
    Error.stackTraceLimit = limit;
  }
}

/** Something that this model does not know. Never a refusal: whoever asks must hear of it. */
export class NotModelled extends Error {
  constructor(what: string, line: number) {
    super(`line ${line}: ${what} is not modelled`);
  }
}

/** A script that was cut short: neither a refusal nor an error that it could catch. */
export class Cut extends Error {}

/** Where pages leave a point open: `wide` gives what some page could mean, `narrow` only what every page gives. */
export type Reading = 'wide' | 'narrow';
