// What a command line that asks nothing has to load: the speed of every run hangs on it.

/** Throws where one of these packages is in a bundle that esbuild's `metafile` describes. */
export function refuseEager({ outputs }, packages) {
  const found = bundledIn(outputs).filter((name) => packages.includes(name));
  if (found.length > 0) throw new Error(`The bin loads ${found.join(', ')} before anything asks for it. Load it from a file of its own, as build.mjs does.`);
}

function bundledIn(outputs) {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  return [...new Set(inputs.flatMap((input) => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []))];
}
