/** What a part, a warehouse or a CI provider asks for: a file, as data. `plan` alone renders it. */
export interface FileRequest {
  /** Path from the root of the emitted project, with `/`. */
  readonly path: string;
  readonly owner: Owner;
  /** Path under `templates/`. */
  readonly template: string;
  /** Plain data (it is cloned); the template may read only what is in it. */
  readonly view: object;
  /** Paths that earlier versions used for this file. */
  readonly was?: readonly string[];
  /** Where the path starts: the dbt project (the default), or the root of the git repository (CI files in a monorepo). */
  readonly from?: 'project' | 'repository';
}

/** `ours` is rewritten while nobody has edited it; `yours` is written once, ever. */
export type Owner = 'ours' | 'yours';

/** A file with its text, ready to be compared with what is on disk. */
export interface PlannedFile {
  readonly path: string;
  readonly owner: Owner;
  readonly part: string;
  readonly contents: string;
  readonly was: readonly string[];
}

/** A piece of a document that a vendor supplies; the document's template includes it by name. */
export interface Fragment {
  readonly template: string;
  readonly view: object;
}
