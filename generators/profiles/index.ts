import { generatorFor } from '../../src/yeoman/generator.ts';

/** `yo dbt-envs:profiles` writes profiles.yml, the schema rules and their guards. */
export default generatorFor('profiles');
