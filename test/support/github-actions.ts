interface Action {
  readonly tag: string;
  readonly commit: string;
  readonly inputs: readonly string[];
  readonly required: readonly string[];
}

/**
 * The actions of our workflows, of those that we emit (templates/versions.json) and of this repository's own, as looked at on GitHub at the commit that their tag names: the inputs that `action.yml`
 * there declares. https://github.com/<name>/blob/<commit>/action.yml. Another commit is unknown here, and a finding,
 * until somebody has looked again.
 */
export const ACTIONS: Readonly<Record<string, Action>> = {
  'actions/checkout': {
    tag: 'v7.0.1',
    commit: '3d3c42e5aac5ba805825da76410c181273ba90b1',
    inputs: words(`
      repository ref token ssh-key ssh-known-hosts ssh-strict ssh-user persist-credentials path clean filter sparse-checkout sparse-checkout-cone-mode
      fetch-depth fetch-tags show-progress lfs submodules set-safe-directory github-server-url allow-unsafe-pr-checkout`),
    required: [],
  },
  'actions/setup-python': {
    tag: 'v7.0.0',
    commit: '5fda3b95a4ea91299a34e894583c3862153e4b97',
    inputs: words(`
      python-version python-version-file cache architecture check-latest token cache-dependency-path update-environment allow-prereleases freethreaded
      pip-version`),
    required: [],
  },
  'actions/upload-artifact': {
    tag: 'v7.0.0',
    commit: 'bbbca2ddaa5d8feaa63e36b76fdaad77386f024f',
    inputs: words('name path if-no-files-found retention-days compression-level overwrite include-hidden-files archive'),
    required: ['path'],
  },
  'actions/setup-node': {
    tag: 'v7.0.0',
    commit: '820762786026740c76f36085b0efc47a31fe5020',
    inputs: words(`
      node-version node-version-file architecture check-latest registry-url scope token cache package-manager-cache cache-dependency-path mirror
      mirror-token`),
    required: [],
  },
  'actions/download-artifact': {
    tag: 'v8.0.1',
    commit: '3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c',
    inputs: words('name artifact-ids path pattern merge-multiple github-token repository run-id skip-decompress digest-mismatch'),
    required: [],
  },
};

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

/** What GitHub's language service asks of an action: its inputs, or nothing where the action or the commit is not one of ours. */
export function metadataOf({ owner, name, ref }: { readonly owner: string; readonly name: string; readonly ref: string }) {
  const action = ACTIONS[`${owner}/${name}`];
  if (action?.commit !== ref) return undefined;
  const inputs = action.inputs.map((input) => [input, { description: '', required: action.required.includes(input) }] as const);
  return { name, description: '', inputs: Object.fromEntries(inputs) };
}
