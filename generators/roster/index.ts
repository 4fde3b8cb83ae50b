import { generatorFor } from '../../src/yeoman/generator.ts';

/** `yo dbt-envs:roster` writes the team. */
export default generatorFor('roster');
