import { leftStanding, outdated } from './answers/changed-answers.ts';
import { teamText } from './answers/repeat-command.ts';
import type { Change } from './changes/changes.ts';
import type { Context } from './context.ts';
import { type Place, PROJECT_FILE } from './disk/place.ts';
import { rivalMacros } from './disk/rival-macros.ts';
import { exists, textOf, textsBelow } from './disk/territory.ts';
import { RunError } from './errors.ts';
import { type PartName, plan, withNeeds } from './plan.ts';
import type { PlannedFile } from './planned-file.ts';
import type { Prepared } from './prepared.ts';
import { parseAnswers } from './questions.ts';

/** What is said before anything is written: what cannot be protected, what the place makes doubtful, what stays as it was. */
export function warningsOf(now: Prepared): readonly string[] {
  const { context, all, changes } = now;
  return [
    ...(hasJobs(all) ? context.ci.warnings(context.pipeline) : []),
    ...ofThePlace(now),
    ...changedAnswers(now),
    ...changes.flatMap((change) => (change.kind === 'conflict' && change.cannot !== undefined ? [`${change.cannot}\n${change.theirs}`] : [])),
  ];
}

/** Whether a CI provider has anything to run. */
export const hasJobs = (parts: readonly PartName[]): boolean => parts.includes('ci') || parts.includes('cleanup');

/** Files for a dbt project, and none that makes one. */
const needsProject = (planned: readonly PlannedFile[], decided: readonly Change[]): boolean =>
  planned.some(({ part }) => part === 'profiles') && decided.every(({ path, kind }) => path !== PROJECT_FILE || kind !== 'created');

function ofThePlace({ place, planned, context, changes: decided }: Prepared): readonly string[] {
  const theirs = (place.adopted?.macroPaths ?? []).flatMap((folder) => [...textsBelow(place, folder, '.sql')]);
  const projectless = place.adopted === undefined && !exists(place, PROJECT_FILE) && needsProject(planned, decided);
  const deleted = planned.some(({ path }) => path === PROJECT_FILE);
  const outer = place.projectDir !== '' && place.stored === undefined && place.adopted === undefined;
  return [
    ...rivalMacros(planned, new Map(theirs)),
    ...(projectless
      ? [
          `There is no dbt_project.yml in ${place.root}, and dbt runs nowhere else. ${deleted ? 'You deleted it: restore it from git.' : "Stand in the dbt project's folder, or name it with --project-dir."}`,
        ]
      : []),
    ...otherProfile(place, planned, context),
    ...(outer
      ? [
          `This folder is ${place.projectDir} of the git repository ${place.boundary}: CI files go there. If it is to be a repository of its own, run git init first.`,
        ]
      : []),
  ];
}

/** A profile that was renamed in dbt_project.yml alone: dbt does not find it. */
function otherProfile(place: Place, planned: readonly PlannedFile[], { project: { profile } }: Context): readonly string[] {
  if (place.adopted || planned.every(({ part }) => part !== 'profiles')) return [];
  const wanted = /^profile: *(["']?)([A-Za-z_][\w-]*)\1 *(?:#.*)?\r?$/m.exec(yourText(place, PROJECT_FILE) ?? '')?.[2];
  if (wanted === undefined || wanted === profile) return [];
  return [
    `${PROJECT_FILE} asks for the profile "${wanted}", and profiles.yml has "${profile}": dbt finds no connection. Write ${profile} there, or run again with --project-name ${wanted}.`,
  ];
}

/** What answers that are other ones now leave as it was: in the warehouse, and in files of yours. */
function changedAnswers(now: Prepared): readonly string[] {
  const { place, raw, stored, roster, planned } = now;
  if (!place.stored) return [];
  const [before, after] = [place.stored.answers, stored.answers];
  if (Object.entries(before).every(([name, value]) => after[name] === value)) return [];
  const earlier = earlierPlan({ ...raw, ...before, team: teamText(roster.developers) }, now);
  return [...leftStanding(before, after, withNeeds(place.stored.parts)), ...outdated(earlier, planned, (path) => yourText(place, path))];
}

/** The plan under the answers of before; none where a rule refuses them by now. */
function earlierPlan(before: Readonly<Record<string, string>>, { roster, situation, parts }: Prepared): readonly PlannedFile[] {
  try {
    return plan(parseAnswers(before), roster, situation, parts);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** A file of yours that cannot be read is none that we could speak of. */
function yourText(place: Place, file: string): string | undefined {
  try {
    return textOf(place, file);
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}

const someOf = (words: readonly string[]): string => [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((one) => one !== '').join(' or ');

/** What is left to do after the run, in order. */
export function stepsAfter({ context: { project, warehouse, ci, pipeline }, all: parts, planned, world }: Prepared): readonly string[] {
  const isThere = (path: string): boolean => world.exists(path) || planned.some((file) => file.path === path);
  const first = isThere('requirements.txt') ? 'install what requirements.txt names, then run it.' : 'run it first.';
  return [
    ...(parts.includes('profiles') ? [`dbt parse reads the project without a connection: ${first}`] : []),
    ...(parts.includes('grants') ? warehouse.nextSteps(project, isThere) : []),
    ...(parts.includes('profiles') && !parts.includes('ci')
      ? [
          `Before you merge: your own job that builds production sets DBT_ENVS_RUNNER to ${someOf(project.prodRuns)}, or target prod is refused; your own job for pull requests runs dbt with --target ci and PR_NUMBER=<number>. Both log in as profiles.yml now says.`,
        ]
      : []),
    ...(parts.includes('ci') && !parts.includes('grants') && warehouse.grants(project).length > 0
      ? ['CI logs in as accounts of its own, with rights that an administrator gives them: npx generator-dbt-envs grants writes the scripts.']
      : []),
    ...(hasJobs(parts) ? ci.nextSteps(pipeline) : []),
    ...(parts.includes('grants') ? (warehouse.lastSteps?.(project) ?? []) : []),
  ];
}
