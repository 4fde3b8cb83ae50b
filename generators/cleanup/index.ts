import { generatorFor } from '../../src/yeoman/generator.ts';

/** `yo dbt-envs:cleanup` writes the nightly sweep and its report. */
export default generatorFor('cleanup');
