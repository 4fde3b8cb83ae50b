export const LINES = 'dbt-envs-lines';

interface Registry {
  registerPrompt(name: string, prompt: unknown): unknown;
}

/**
 * Adds our prompt for several lines to the adapter's own, where it can be reached: the contract of adapters has no
 * place for it (https://github.com/yeoman/generator/issues/1020). Where it cannot, one line has to do.
 */
export async function registersLines(adapter: unknown): Promise<boolean> {
  const registry = registryOf(adapter) ?? registryOf(property(adapter, 'actualAdapter'));
  if (registry === undefined) return false;
  const { linesPrompt } = await import('../shell/lines-prompt.ts');
  registry.registerPrompt(LINES, linesPrompt);
  return true;
}

/** Closes the prompt that is open, where the adapter can; `reason` is what the environment then ends with. */
export function abortPrompt(adapter: unknown, reason: Error): void {
  if (canAbort(adapter)) adapter.abort(reason);
}

/** Calls back with the reason at the very moment when the adapter gives up. */
export function whenAborted(adapter: unknown, act: (reason: unknown) => void): void {
  const signal = property(adapter, 'signal');
  if (signal instanceof AbortSignal) signal.addEventListener('abort', () => act(signal.reason), { once: true });
}

const canAbort = (value: unknown): value is { abort(reason: Error): unknown } => typeof property(value, 'abort') === 'function';

function registryOf(adapter: unknown): Registry | undefined {
  const promptModule = property(adapter, 'promptModule');
  return isRegistry(promptModule) ? promptModule : undefined;
}

const isRegistry = (value: unknown): value is Registry => typeof property(value, 'registerPrompt') === 'function';

function property(of: unknown, name: string): unknown {
  return (typeof of === 'object' || typeof of === 'function') && of !== null ? Reflect.get(of, name) : undefined;
}
