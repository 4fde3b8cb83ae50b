import { defineCiProvider } from '../../../src/ci-provider.ts';
import { workflows } from './workflows.ts';

const passage = { template: 'ci/github/docs/setup.md.ejs', view: {} };
export const github = defineCiProvider({
  id: 'github',
  label: 'GitHub Actions',
  codeHost: 'github',
  dropsOnClose: true,
  questions: [],
  files: (pipeline) => workflows(pipeline),
  docs: () => ({ setup: passage, limits: passage, 'failed-deploy': passage }),
  nextSteps: () => [],
  warnings: () => [],
});
