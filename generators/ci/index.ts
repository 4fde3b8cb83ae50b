import { generatorFor } from '../../src/yeoman/generator.ts';

/** `yo dbt-envs:ci` writes the jobs for pull requests and for production. */
export default generatorFor('ci');
