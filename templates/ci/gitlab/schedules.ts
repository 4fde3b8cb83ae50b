/**
 * The descriptions of the schedules that setup.py makes. A pipeline of one finds it in CI_PIPELINE_SCHEDULE_DESCRIPTION:
 * https://docs.gitlab.com/ci/variables/predefined_variables, since GitLab 17.8.
 */
export const DEPLOY_SCHEDULE = 'dbt deploy';
export const SWEEP_SCHEDULE = 'dbt sweep';
