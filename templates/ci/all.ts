import { github } from './github/provider.ts';
import { gitlab } from './gitlab/provider.ts';

/** Every CI provider; the first is the default. A provider is one folder and one entry here. */
export const ciProviders = [github, gitlab] as const;
