import type { CiProvider } from './ci-provider.ts';
import type { CodeHost } from './code-host.ts';
import { pipelineOf } from './jobs.ts';
import type { ProjectName } from './names.ts';
import type { Pipeline } from './pipeline.ts';
import type { Fragment } from './planned-file.ts';
import { refuseClashingPeople } from './principals.ts';
import type { Project } from './project.ts';
import type { Answers } from './questions.ts';
import { render } from './render.ts';
import type { Roster } from './roster/roster.ts';
import type { Warehouse } from './warehouse.ts';

/** What the place looks like that we write into. */
export interface Situation {
  /** The dbt project's folder inside the git repository, with `/`; empty at its root. */
  readonly projectDir: string;
  /** A dbt project that was there before us: its example, its names and its files stay. */
  readonly adopted?: { readonly profile: string };
}

/** Everything that a part may read. */
export interface Context {
  readonly project: Project;
  readonly warehouse: Warehouse;
  readonly ci: CiProvider;
  readonly codeHost: CodeHost;
  readonly pipeline: Pipeline;
  readonly adopted: boolean;
  /** The parts that are planned, with all that they need. */
  readonly parts: readonly string[];
  /** Renders a vendor's passage for a document that prints it. */
  readonly text: (fragment: Fragment) => string;
}

/** Throws {@link NameError} where the warehouse could not tell people on the roster apart, and where a vendor cannot hold an answer. */
export function contextOf(answers: Answers, roster: Roster, { projectDir, adopted }: Situation, parts: readonly string[]): Context {
  const { warehouse, ci, codeHost } = answers;
  const project: Project = {
    name: answers.projectName as ProjectName,
    profile: adopted?.profile ?? answers.projectName,
    rolePrefix: answers.rolePrefix,
    prodSchemas: answers.prodSchemas,
    sourceSchemas: answers.sourceSchemas,
    roster,
    devDays: answers.devDays,
    prDays: answers.prDays,
    prodRuns: answers.prodRuns,
    mainBranch: answers.mainBranch,
    settings: answers.settings,
  };
  refuseClashingPeople(warehouse, project);
  return {
    project,
    warehouse,
    ci,
    codeHost,
    pipeline: pipelineOf(answers, project, projectDir, parts),
    adopted: adopted !== undefined,
    parts,
    text: ({ template, view }) => render(template, view),
  };
}
