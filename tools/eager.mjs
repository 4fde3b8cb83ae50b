// What a command line that asks nothing has to load: the speed of every run hangs on it.

/** Throws where one of these packages is in a bundle that esbuild's `metafile` describes. */
export function refuseEager({ outputs }, packages) {
  const found = bundledIn(outputs).filter((name) => packages.includes(name));
  if (found.length > 0) throw new Error(`The bin loads ${found.join(', ')} before anything asks for it. Load it from a file of its own, as build.mjs does.`);
}

/** Throws where a module of ours is in a second bundle: its classes would be two, and `instanceof` would tell them apart. */
export function refuseTwice({ inputs }, others) {
  const twice = Object.keys(inputs).filter((input) => input.startsWith('src/') && others.some((other) => input in other.inputs));
  if (twice.length > 0) throw new Error(`${twice.join(', ')} would be in the package twice. Take it from src/shell/shell.ts there.`);
}

/**
 * Throws where V8 would read this code slowly: with one character beyond ASCII it takes two bytes for every one, and a
 * class of Unicode in the literal of a regular expression is looked up when the literal is read over, though nobody uses it.
 */
export function refuseSlow(file, code) {
  const [wide] = /.{0,30}[^\0-\x7f].{0,30}/.exec(code) ?? [];
  if (wide !== undefined) throw new Error(`${file} holds a character that is not ASCII: ${wide}. esbuild escapes it in a string, not in a regular expression.`);
  const [literal] = /.{0,30}(?<!\\)\\p\{.{0,30}/i.exec(code) ?? [];
  if (literal !== undefined) throw new Error(`${file} holds a class of Unicode in a literal: ${literal}. new RegExp() waits until it is needed.`);
}

function bundledIn(outputs) {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  return [...new Set(inputs.flatMap((input) => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []))];
}
