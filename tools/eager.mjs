// What a command line that asks nothing has to load: the speed of every run hangs on it.

/**
 * Throws where a bundle's entry reaches one of these packages without an `import()` that waits, or one wait further on.
 * `prefixes` are the beginnings of package names; `metafile` is esbuild's.
 */
export function refuseEager(metafile, entry, prefixes) {
  const found = eagerPackages(metafile, entry).filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
  if (found.length > 0) throw new Error(`${entry} loads ${found.join(', ')} before anything asks for it. Import a module of ours that imports it, lazily.`);
}

/** The packages that are in the files which load with `entry`, and with the engine that it loads for every run. */
export function eagerPackages({ outputs }, entry) {
  const packages = new Set();
  const seen = new Set();
  const visit = (file) => {
    if (seen.has(file) || outputs[file] === undefined) return;
    seen.add(file);
    for (const input of Object.keys(outputs[file].inputs)) {
      const [, name] = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
      if (name !== undefined) packages.add(name);
    }
    for (const { path, kind } of outputs[file].imports) {
      if (kind !== 'dynamic-import' || /(?:^|\/)work-[A-Z0-9]+\.js$/.test(path)) visit(path);
    }
  };
  visit(entry);
  return [...packages].sort();
}
