import { statSync } from 'node:fs';
import process from 'node:process';
import Generator, { type BaseFeatures, type BaseOptions } from 'yeoman-generator';
import type { Gathered, Person, Setting } from '../shell/conversation.ts';
import type { Typed } from '../shell/flags.ts';
import type { Command } from '../shell/options.ts';
import type { Prompt } from '../shell/prompt.ts';
import {
  absenceIn,
  allOptions,
  asText,
  carryOut,
  endingOf,
  engine,
  explanation,
  gather,
  heedingSignals,
  helpText,
  Interrupted,
  inkFor,
  isOn,
  noColours,
  printable,
  RunError,
  readerFrom,
  requestOf,
  standardStream,
  toInquirer,
  version,
  yoManner,
} from '../shell/shell.ts';
import { abortPrompt, LINES, registersLines, whenAborted } from './adapter.ts';
import { typedOptions, typedWords, wordsTyped } from './typed.ts';

/** Yeoman's own options, and whatever was typed or handed in. */
type Options = BaseOptions & Readonly<Record<string, unknown>>;

/** The Yeoman shell of one command: the same answers, engine and bytes as the bin's. */
export const generatorFor = (command: Command) =>
  class extends DbtEnvsGenerator {
    override readonly command = command;
  };

/**
 * Our engine reads, compares and writes; of Yeoman we use the prompts, the log and the run loop. Nothing goes through
 * mem-fs: its commit decides and writes file by file, so that an interrupted run leaves half a repository.
 */
export abstract class DbtEnvsGenerator extends Generator<Record<string, unknown>, Options> {
  abstract readonly command: Command;
  private gathered: Gathered | undefined;
  private plain = process.argv.includes('--no-color');
  /** What was typed or handed in beside the options. */
  private readonly words: readonly string[];

  constructor(args?: string[], options?: Options, features?: BaseFeatures) {
    // inheritTasks: the tasks are this class's, and yo runs a class that is derived from it.
    super(args, options, { unique: 'namespace', inheritTasks: true, skipParseOptions: true, customInstallTask: true, ...features });
    this.words = args ?? [];
    outlivesItsReader();
    for (const { flag, short, value, help } of allOptions()) {
      if (flag.startsWith('no-')) continue; // yo reads it itself, and Yeoman takes no option of such a name
      this.option(flag, { type: value === undefined ? Boolean : String, description: help, ...(short !== undefined && { alias: short }) });
    }
  }

  override help(): string {
    return helpText(yoManner);
  }

  /** Yeoman would read package.json for a name, and fail where it is broken; nothing of ours needs the name. */
  override determineAppname(): string {
    return 'dbt-envs';
  }

  /**
   * Yeoman would parse .yo-rc.json and a file in the home folder before we could say what is wrong in them. Our engine
   * reads and writes the answers, so Yeoman's storage gets a file that never comes to be.
   */
  override createStorage(_path: string, options?: Parameters<Generator['createStorage']>[1]): ReturnType<Generator['createStorage']> {
    return super.createStorage('.dbt-envs-never-written.json', options);
  }

  /** Why nobody can be asked: prompts are read from standard input and drawn on standard output. */
  get absence(): string | undefined {
    return absenceIn(process.env, process.stdin.isTTY === true && process.stdout.isTTY === true);
  }

  async prompting(): Promise<void> {
    // After Ctrl-C the adapter hands the environment the error of its own prompt, before it reaches us.
    whenAborted(this.env.adapter, (reason) => {
      if (reason instanceof Error && reason.name === 'ExitPromptError') this.ended(reason);
    });
    await this.ending(async () => {
      const words = wordsTyped(process.argv.slice(2));
      const typed = words === undefined ? typedOptions(this.options, this.words, this.command) : typedWords(words, this.command);
      this.plain = isOn(typed, 'no-color');
      const text = inPlaceOfRun(typed);
      if (text !== undefined) {
        this.person().print(text);
        return;
      }
      const setting: Setting = { cwd: this.destinationRoot(), today: new Date().toISOString().slice(0, 10), read: readerFrom(this.destinationRoot()) };
      const request = requestOf(typed, setting.read);
      if (this.command === 'explain') this.person().print(explanation(request, setting, engine));
      else this.gathered = await gather(request, this.person(), setting, engine);
    });
  }

  async writing(): Promise<void> {
    const { gathered } = this;
    if (gathered === undefined) return;
    await this.ending(async () => {
      if ((await carryOut(gathered, this.person(), engine)) === 1) throw new RunError('Drift was found.');
    });
  }

  private person(): Person {
    return {
      absence: this.absence,
      ink: this.plain ? noColours : inkFor(process.env, process.stderr.isTTY === true),
      ask: (prompt) => this.put(prompt),
      tell: (...lines) => this.log(printable(lines.join('\n'))),
      // A stream of Node's would bring yo down with a trace where the reader has gone.
      print: (text) => standardStream(1).write(text),
    };
  }

  private async put(prompt: Prompt): Promise<string> {
    const lines = prompt.kind === 'lines' && (await registersLines(this.env.adapter)) ? LINES : undefined;
    const interrupted = Object.assign(new Interrupted(), { code: 130 });
    const asking: Promise<Readonly<Record<string, unknown>>> = this.prompt([toInquirer(prompt, lines)]);
    const answers = await heedingSignals(asking, () => abortPrompt(this.env.adapter, interrupted));
    return asText(answers[prompt.name]);
  }

  private async ending(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      throw this.ended(error);
    }
  }

  /**
   * yo hands `error.code` to process.exit, which throws on the string codes of Node's own errors (lib/cli.js, onError in
   * https://github.com/yeoman/yo). The error itself is changed, because others hold it already.
   */
  private ended(error: unknown): Error {
    const { code, line } = endingOf(error);
    const message = `${line}${/\(E(?:ACCES|PERM)\)/.test(line) && isRootsFolder(this.destinationRoot()) ? ` ${AS_ROOT}` : ''}`;
    return Object.assign(error instanceof Error ? error : new Error(line), { message, code });
  }
}

/** What is printed where a switch asks for a text and for no run. yo prints the help by itself for --help alone. */
function inPlaceOfRun(typed: Typed): string | undefined {
  if (isOn(typed, 'help')) return helpText(yoManner);
  return isOn(typed, 'version') ? `${version}\n` : undefined;
}

/** Where the reader of a pipe has gone (`yo dbt-envs 2>&1 | head -1`), Node's streams would end yo with a trace. */
function outlivesItsReader(): void {
  for (const stream of [process.stdout, process.stderr]) if (!stream.listeners('error').includes(passOver)) stream.on('error', passOver);
}

function passOver(error: Error): void {
  if (!('code' in error) || error.code !== 'EPIPE') throw error;
}

const AS_ROOT = 'yo gives the rights of root away; as root, run npx generator-dbt-envs instead.';

/** Whether the system refuses us a folder of root's: where root called yo, yo changed the user (https://github.com/yeoman/yo/issues/225). */
function isRootsFolder(folder: string): boolean {
  const user = process.getuid?.();
  return user !== undefined && user !== 0 && statSync(folder, { throwIfNoEntry: false })?.uid === 0;
}
