import { generatorFor } from '../../src/yeoman/generator.ts';

/** `yo dbt-envs` writes everything: the repository with its three environments. */
export default generatorFor('app');
