import type { Context } from '../context.ts';

/** Beyond these, the picture shows two and says how many more there are. */
const DRAWN = 5;

interface Node {
  readonly id: string;
  readonly label: string;
}

/** Who may write where, as nodes and arrows of a Mermaid flowchart. Ids are ours: a developer may be called `end`, a word of that language. */
export function pictureOf({ project, codeHost }: Pick<Context, 'project' | 'codeHost'>) {
  const { developers } = project.roster;
  const named = developers.length > DRAWN ? developers.slice(0, 2) : developers;
  const more = developers.length - named.length;
  const inCi = project.prodRuns.some((run) => run !== 'external');
  const jobs: Node[] = [
    { id: 'build', label: `${codeHost.pullRequest.noun} job` },
    ...(inCi ? [{ id: 'deploy', label: `deploy job, ${project.mainBranch} only` }] : []),
  ];
  const outside: Node[] = project.prodRuns.includes('external') ? [{ id: 'orchestrator', label: 'orchestrator outside CI' }] : [];
  return {
    people: [...named.map(({ slug }, at) => ({ id: `d${at}`, label: slug })), ...(more > 0 ? [{ id: 'rest', label: `… and ${more} more` }] : [])],
    jobs,
    outside,
    schemas: [
      ...named.map(({ slug }, at) => ({ id: `s${at}`, label: `dev_${slug}` })),
      ...(more > 0 ? [{ id: 'srest', label: 'dev_… of their own' }] : []),
      { id: 'pr', label: 'pr_1, pr_2, pr_3 …' },
      { id: 'prod', label: project.prodSchemas.join(', ') },
    ],
    arrows: [
      ...named.map((_, at) => ({ from: `d${at}`, to: `s${at}` })),
      ...(more > 0 ? [{ from: 'rest', to: 'srest' }] : []),
      { from: 'build', to: 'pr' },
      ...[...jobs, ...outside].filter(({ id }) => id !== 'build').map(({ id }) => ({ from: id, to: 'prod' })),
    ],
  };
}
