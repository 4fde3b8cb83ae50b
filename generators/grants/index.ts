import { generatorFor } from '../../src/yeoman/generator.ts';

/** `yo dbt-envs:grants` writes the scripts that let the warehouse enforce the boundary. */
export default generatorFor('grants');
