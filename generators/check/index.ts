import { generatorFor } from '../../src/yeoman/generator.ts';

/** `yo dbt-envs:check` writes nothing: it compares what is there with the plan. */
export default generatorFor('check');
