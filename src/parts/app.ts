import type { Context } from '../context.ts';
import type { Part } from '../plan.ts';
import type { FileRequest } from '../planned-file.ts';
import { requirement, versions } from '../versions.ts';
import { mergedFiles } from './adopt-text-files.ts';
import { codes, documentView, placesOf } from './app-view.ts';
import { exampleFiles } from './example.ts';

/** What makes it a repository: README, the example, the documents, the files of the trade. An adopted project keeps its own README and models. */
export const appFiles: Part = (context) => {
  const view = documentView(context);
  return [
    ...(context.adopted ? [] : [{ path: 'README.md', owner: 'yours', template: 'app/README.md.ejs', view } as const, ...exampleFiles(context)]),
    { path: 'docs/environments.md', owner: 'ours', template: 'app/docs/environments.md.ejs', view },
    { path: 'docs/runbook.md', owner: 'ours', template: 'app/docs/runbook.md.ejs', view },
    ...repositoryFiles(context),
  ];
};

/** Hooks of the package pre-commit-hooks, which installs each as a command of that name. */
const HOOKS = [
  { id: 'end-of-file-fixer', name: 'Files end with one newline', types: 'text' },
  { id: 'trailing-whitespace-fixer', name: 'No blanks at the ends of lines', types: 'text' },
  { id: 'check-yaml', name: 'YAML can be read', types: 'yaml' },
  { id: 'check-merge-conflict', name: 'No conflict markers', types: 'text' },
  { id: 'detect-private-key', name: 'No private keys', types: 'text' },
] as const;

/** What git, pip, the linter and the code host read. Where an adopted project has one of them, its own stays. */
function repositoryFiles({ project, warehouse, ci, codeHost, pipeline, adopted }: Context): readonly FileRequest[] {
  const { noun, templatePath, codeOwnersPath } = codeHost.pullRequest;
  const inRepository = (path: string): string => `/${pipeline.projectDir === '' ? '' : `${pipeline.projectDir}/`}${path}`;
  return [
    {
      path: '.env.example',
      owner: 'ours',
      template: 'app/.env.example.ejs',
      view: {
        first: project.roster.developers[0]?.slug ?? 'ana',
        slugs: project.roster.developers.slice(0, 20).map(({ slug }) => slug),
        more: Math.max(0, project.roster.developers.length - 20),
        variables: warehouse
          .variables(project)
          .filter(({ name, identities }) => identities.includes('dev') && name !== 'DBT_DEV_NAME')
          .map(({ name, what, example, secret, default: fallback }) => ({ name, what, example, secret, fallback: fallback ?? '' })),
      },
    },
    { path: '.gitignore', owner: 'yours', template: 'app/.gitignore.ejs', view: { adopted }, edits: [{ kind: 'lines' }] },
    { path: '.gitattributes', owner: 'yours', template: 'app/.gitattributes.ejs', view: { adopted }, edits: mergedFiles },
    { path: '.sqlfluff', owner: 'yours', template: 'app/.sqlfluff.ejs', view: { dialect: warehouse.id } },
    {
      path: '.pre-commit-config.yaml',
      owner: 'yours',
      template: 'app/.pre-commit-config.yaml.ejs',
      view: { sqlfluff: requirement('sqlfluff'), hooksVersion: versions['pre-commit-hooks'].replace(/^v/, ''), hooks: HOOKS },
    },
    {
      path: codeOwnersPath,
      owner: 'yours',
      from: 'repository',
      template: 'app/CODEOWNERS.ejs',
      view: {
        codeHost: codeHost.label,
        noun,
        paths: [
          ...[...(warehouse.grants(project).length > 0 ? ['grants/'] : []), 'macros/dbt_envs/', 'profiles.yml', 'roster.yml'].map(inRepository),
          ...new Set(ci.files(pipeline).map(({ path, from = 'repository' }) => (from === 'project' ? inRepository(folderOf(path)) : `/${folderOf(path)}`))),
        ],
      },
    },
    {
      path: templatePath,
      owner: 'yours',
      from: 'repository',
      template: 'app/pull-request.md.ejs',
      view: { noun, adopted, at: placesOf({ project, warehouse }), prod: codes(project.prodSchemas) },
    },
  ];
}

/** `a/b/` for `a/b/c.yml`; a file at the top stands for itself. */
const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : path);
