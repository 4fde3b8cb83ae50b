import pkg from '../../package.json' with { type: 'json' };

/** Our own version, for `--version`. */
export const version: string = pkg.version;
