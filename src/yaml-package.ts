import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';

const load: (name: string) => typeof Yaml = createRequire(import.meta.url);
let loaded: typeof Yaml | undefined;

/**
 * The package `yaml`, loaded when the first YAML file has to be read: a new project never pays for it. It is loaded
 * synchronously, because what reads and decides is synchronous. The build puts a bundled copy in this module's place.
 */
export const yaml = (): typeof Yaml => (loaded ??= load('yaml'));
