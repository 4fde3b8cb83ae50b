import { generatorFor } from '../../src/yeoman/generator.ts';

/** `yo dbt-envs:explain <path>` writes nothing: it says why a file is there, who owns it and what rewrites it. */
export default generatorFor('explain');
