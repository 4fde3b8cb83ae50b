import { driver, engines, gitlabRunner } from './engines.ts';
import { preparePython } from './python.ts';

/** `npm run setup`: everything that tests and the demo need and a new machine lacks; a second run does nothing. */
await engines.install();
await driver.install();
await gitlabRunner.install();
await preparePython();
