import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { havePrograms } from './debian.ts';
import { browserDriver } from './engines.ts';

/** Of playwright-core, what is used here: playwright.dev/docs/api/class-browser. */
interface Driver {
  readonly chromium: { launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<DrivenBrowser> };
}
interface DrivenBrowser {
  newPage(options: { readonly viewport: { readonly width: number; readonly height: number }; readonly colorScheme: Scheme }): Promise<DrivenPage>;
  version(): string;
  close(): Promise<void>;
}
interface DrivenPage {
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', listener: (error: Error) => void): void;
  on(event: 'request', listener: (request: { url(): string }) => void): void;
  goto(url: string, options: { readonly waitUntil: 'load' }): Promise<unknown>;
  evaluate(script: string): Promise<unknown>;
  emulateMedia(options: { readonly media: 'print' }): Promise<void>;
  screenshot(options: { readonly path: string; readonly fullPage: boolean }): Promise<unknown>;
  waitForTimeout(milliseconds: number): Promise<void>;
  close(): Promise<void>;
}
export type Scheme = 'light' | 'dark';

export interface Look {
  /** Pixels: 360 is a small telephone. */
  readonly width: number;
  readonly scheme: Scheme;
  readonly print?: boolean;
  /** Where to put a picture of the whole page. */
  readonly picture?: string;
}
export interface Browser {
  readonly version: string;
  /** What is wrong with a page: errors, requests, what does not fit, cells and pictures without words, contrast, headings. */
  look(file: string, look: Look): Promise<readonly string[]>;
  close(): Promise<void>;
}

const SCRIPT = readFileSync(new URL('page-findings.js', import.meta.url), 'utf8');

/** Debian's Chromium, without a window. */
export async function startBrowser(): Promise<Browser> {
  havePrograms(['chromium']);
  await browserDriver.install();
  const { chromium }: Driver = createRequire(path.join(browserDriver.folder, 'package.json'))('playwright-core');
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [...asRoot, '--disable-gpu'] });
  return {
    version: browser.version(),
    close: () => browser.close(),
    look: async (file, { width, scheme, print = false, picture }) => {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme: scheme });
      const found: string[] = [];
      const own = pathToFileURL(file).href;
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) found.push(`the console: ${message.text()}`);
      });
      page.on('pageerror', (error) => void found.push(`an error of a script: ${error.message}`));
      page.on('request', (request) => {
        if (request.url() !== own && !request.url().startsWith('data:')) found.push(`a request: ${request.url()}`);
      });
      await page.goto(own, { waitUntil: 'load' });
      if (print) await page.emulateMedia({ media: 'print' });
      await page.waitForTimeout(100);
      const wrong = await page.evaluate(SCRIPT);
      if (!Array.isArray(wrong)) throw new Error('the page was not looked at');
      if (picture !== undefined) await page.screenshot({ path: picture, fullPage: true });
      await page.close();
      return [...found, ...wrong.map(String)];
    },
  };
}
