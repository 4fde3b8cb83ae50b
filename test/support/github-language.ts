import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type * as languageService from '@actions/languageservice';
import { build } from 'esbuild';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { metadataOf } from './github-actions.ts';

let service: Promise<typeof languageService> | undefined;

/** What GitHub's own language service says about a workflow and the inputs of its actions: one line a finding, none where all is well. */
export async function languageFindings(text: string): Promise<readonly string[]> {
  service ??= load();
  const { validate } = await service;
  // It remembers a parsed workflow by its URI: the same one twice gives the first one's findings.
  const document = TextDocument.create(`file:///${crypto.randomUUID()}/.github/workflows/one.yml`, 'yaml', 1, text);
  const actionsMetadataProvider: languageService.ActionsMetadataProvider = { fetchActionMetadata: async (action) => metadataOf(action) };
  return (await validate(document, { actionsMetadataProvider })).map(({ message, range }) => `${range.start.line + 1}: ${message}`);
}

/** Bundled before it is loaded: it imports JSON files without the attribute that Node asks for. */
async function load(): Promise<typeof languageService> {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-language-'));
  const outfile = path.join(folder, 'service.cjs');
  try {
    await build({
      stdin: { contents: "export * from '@actions/languageservice';", resolveDir: import.meta.dirname },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
      outfile,
    });
    return createRequire(import.meta.url)(outfile);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
