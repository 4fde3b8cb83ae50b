import { github } from './github/host.ts';
import { gitlab } from './gitlab/host.ts';

/** Every code host; the first is the default. A code host is one folder and one entry here. */
export const codeHosts = [github, gitlab] as const;
