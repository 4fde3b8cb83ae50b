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
  /** What is done instead where somebody else's file is already there: every other byte of it stays. */
  readonly edits?: readonly PlannedEdit[];
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
  readonly edits?: readonly PlannedEdit[];
}

/**
 * One change inside a file that is not ours, recorded as `profiles.yml#acme.outputs.ci`. `yaml` starts at column 0.
 * `set` gives the key at the end of the path that value; `append` adds one item to the list there. With `whereGiven`
 * nothing is done where the file is silent about that place: the tool's own default serves us. `lines` adds lines that
 * a text file lacks: by default those of the planned text, comments and blank ones aside.
 */
export type PlannedEdit =
  | { readonly kind: 'set' | 'append'; readonly at: readonly string[]; readonly yaml: string; readonly whereGiven?: boolean }
  | { readonly kind: 'lines'; readonly lines?: readonly string[] };

/** A piece of a document that a vendor supplies; the document's template includes it by name. */
export interface Fragment {
  readonly template: string;
  readonly view: object;
}
