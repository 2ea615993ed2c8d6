// Does in a real Chromium what a script says, and prints one line of JSON for each step.
//
//   node drive.mjs [FILE]    a whole script from FILE or standard input: {"base_url", "timeout_ms", "steps": [...]}
//   node drive.mjs --lines   a step a line from standard input, each answered before the next is read
//
// CHROMIUM: the browser's program. CS_BROWSER_OUT: the directory of pictures.
// Ends with 0: every step held. 1: one did not (a whole script ends there). 2: wrong usage. 3: no browser.
// Steps and what they answer: see STEPS below. Whatever is filled in is not printed.

import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];
const TABS_MAX = 100;
/** A step that is made of several waits ends after so many timeouts. */
const STEP_TIMEOUTS = 4;
const LOOPBACK = /^(https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?\/|data:|about:|blob:)/;

class Usage extends Error {}

/** One browser: contexts by name, each with cookies and a page of its own. */
class Driver {
  constructor(browser, { base_url = "", timeout_ms = 10_000 }) {
    Object.assign(this, { browser, base: base_url, timeout: timeout_ms, contexts: new Map(), current: "main", seen: [] });
    this.scriptless = new WeakSet();
  }

  async page(name) {
    if (!this.contexts.has(name)) {
      await this.open(name, {});
    }
    return this.contexts.get(name);
  }

  async open(name, { javascript = true, width = 1280, height = 800, locale = "en-GB", dark = false, headers = {} }) {
    const context = await this.browser.newContext({
      javaScriptEnabled: javascript,
      viewport: { width, height },
      locale,
      colorScheme: dark ? "dark" : "light",
      extraHTTPHeaders: headers,
      ...(this.base && { baseURL: this.base }),
    });
    context.setDefaultTimeout(this.timeout);
    // Nothing leaves this machine: what a page would load from elsewhere is a finding.
    await context.route((url) => !LOOPBACK.test(url.href), (route) => {
      this.seen.push(`asked ${new URL(route.request().url()).origin}`);
      return route.abort();
    });
    const page = await context.newPage();
    if (!javascript) this.scriptless.add(page);
    page.on("pageerror", (error) => this.seen.push(`script: ${error.message}`));
    // Answers of 4xx are the test's business; what a policy of content or a script complains of is the page's.
    page.on("console", (said) => {
      if (said.type() === "error" && !said.text().startsWith("Failed to load resource")) this.seen.push(`console: ${said.text()}`);
    });
    page.on("dialog", (dialog) => this.seen.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
    await this.contexts.get(name)?.context().close();
    this.contexts.set(name, page);
  }

  scripts(page) {
    return !this.scriptless.has(page);
  }

  async run(step) {
    const { do: verb, in: name = this.current } = step;
    const act = Object.hasOwn(STEPS, verb ?? "") ? STEPS[verb] : undefined;
    if (act === undefined) throw new Usage(`unknown step ${JSON.stringify(verb)}: use one of ${Object.keys(STEPS).join(", ")}`);
    this.current = name;
    const page = verb === "open" ? undefined : await this.page(name);
    this.seen = [];
    const result = await inTime(act(page, step, this), STEP_TIMEOUTS * this.timeout);
    const after = this.contexts.get(name);
    return { ...result, url: after.url(), ...(this.seen.length > 0 && { seen: this.seen }) };
  }
}

async function inTime(acted, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([acted, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Which element a step means: {"role", "name"}, {"label"} or {"text"}, each exactly, and exactly one on the page. */
function element(page, step) {
  if (step.role !== undefined) {
    return page.getByRole(step.role, { ...(step.name !== undefined && { name: step.name }), exact: true });
  }
  if (step.label !== undefined) return page.getByLabel(step.label, { exact: true });
  if (step.text !== undefined) return page.getByText(step.text, { exact: true });
  throw new Usage(`${step.do} needs "role" with "name", "label" or "text"`);
}

function needed(step, name) {
  if (step[name] === undefined) throw new Usage(`${step.do} needs "${name}"`);
  return step[name];
}

function hold(is, what) {
  if (!is) throw new Error(what);
}

const status = (response) => ({ status: response?.status() ?? null });
const hasFocus = (locator) => locator.evaluate((one) => one === document.activeElement);

/** Every step takes "in": the name of a context, from then on the current one. */
const STEPS = {
  /** Makes a context anew: {"in", "javascript", "width", "height", "locale", "dark", "headers"}. */
  async open(_, step, driver) {
    await driver.open(driver.current, step);
  },
  /** {"url"} → {"status"} */
  goto: async (page, step) => status(await page.goto(needed(step, "url"))),
  back: async (page) => status(await page.goBack()),
  forward: async (page) => status(await page.goForward()),
  reload: async (page) => status(await page.reload()),
  /** {"label", "value"} */
  fill: (page, step) => element(page, step).fill(needed(step, "value")),
  /** {"label", "option": what is shown} */
  async select(page, step) {
    await element(page, step).selectOption({ label: needed(step, "option") });
  },
  /** {"label"} of a box or a choice. */
  check: (page, step) => element(page, step).check(),
  /** {"role", "name"}; waits for a navigation that it begins. */
  click: (page, step) => element(page, step).click(),
  /** Two clicks as fast as a hand does. */
  double_click: (page, step) => element(page, step).dblclick(),
  /** {"keys": ["Tab", "Enter", ...]}: no mouse. */
  async press(page, step) {
    for (const key of needed(step, "keys")) await page.keyboard.press(key);
  },
  /** Text as a keyboard writes it, into what has the focus: {"value"} */
  type: (page, step) => page.keyboard.type(needed(step, "value")),
  /** {"role", "name"}: presses Tab until it has the focus → {"tabs"}; an error if the keyboard does not get there. */
  async tab_to(page, step) {
    const wanted = element(page, step);
    await wanted.waitFor();
    for (let tabs = 1; tabs <= TABS_MAX; tabs += 1) {
      await page.keyboard.press("Tab");
      if (await hasFocus(wanted)) return { tabs };
    }
    throw new Error(`not reached within ${TABS_MAX} Tabs`);
  },
  /**
   * Waits for all that is said: {"text"} is shown (in whatever case), {"absent"} is not, {"url"} (text within it), {"title"}, an element
   * {"role", "name"} or {"label"} is visible, with "value", "disabled", "focused".
   */
  async expect(page, step, driver) {
    const { text, absent, url, title, role, label } = step;
    if ([text, absent, url, title, role, label].every((one) => one === undefined)) throw new Usage("expect needs something to expect");
    if (url !== undefined) await page.waitForURL((now) => now.href.includes(url), { waitUntil: "load" });
    if (text !== undefined) await shown(page, text, driver.timeout);
    if (title !== undefined) hold((await page.title()) === title, `the title is ${JSON.stringify(await page.title())}`);
    if (role !== undefined || label !== undefined) await expectElement(page, step);
    if (absent !== undefined) hold(!(await shows(page, absent)), "what should be absent is there");
  },
  /** {"path", "width", "height", "full"} → {"path"} below CS_BROWSER_OUT */
  async screenshot(page, step) {
    const { width, height, full = false } = step;
    if (width !== undefined && height !== undefined) await page.setViewportSize({ width, height });
    const path = picture(needed(step, "path"));
    await page.screenshot({ path, fullPage: full, animations: "disabled" });
    return { path };
  },
  /** WCAG 2.2 A and AA by axe: {"tags"} → {"passes", "violations": [{"id", "impact", "help", "nodes"}]}; does not hold if any. */
  async axe(page, step, driver) {
    // Its timers would wait for ever.
    if (!driver.scripts(page)) throw new Usage("axe needs a context with scripts: what a page without any shows there is the same");
    // Evaluated by the debugger: no policy of content has to allow it.
    await page.evaluate(AXE);
    const found = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } }), step.tags ?? WCAG);
    const violations = found.violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.map((node) => node.html) }));
    return { passes: found.passes.length, violations, ok: violations.length === 0 };
  },
  /** → {"cookies": [...]}; values only with {"values": true} */
  async cookies(page, step) {
    const all = await page.context().cookies();
    return { cookies: all.map(({ value, ...one }) => (step.values === true ? { value, ...one } : one)) };
  },
  /** {"cookies": [{"name", "value", "url", "secure", "httpOnly", "sameSite"}]}, such as another client's session. */
  async set_cookies(page, step) {
    // Chromium takes a Secure cookie of http://127.0.0.1 from an answer, but not from a debugger. Cookies know no port.
    const safe = ({ url, ...one }) => ({ ...one, url: one.secure === true ? url.replace(/^http:/, "https:") : url });
    await page.context().addCookies(needed(step, "cookies").map(safe));
  },
  /** → {"html"} as the browser has it now. */
  html: async (page) => ({ html: await page.content() }),
  /** → {"body"}: what is shown, as text. */
  text: async (page) => ({ body: await page.locator("body").innerText() }),
  /** → {"focused": {"tag", "name", "id"}} or null */
  focused: async (page) => ({
    focused: await page.evaluate(() => {
      const one = document.activeElement;
      const name = one?.getAttribute("aria-label") ?? one?.textContent?.trim().slice(0, 80);
      return one === null || one === document.body ? null : { tag: one.localName, name, id: one.id };
    }),
  }),
};

/** What a reader sees, `noscript` included, which Playwright's search for texts leaves out. */
async function shows(page, text) {
  const normal = (one) => one.replace(/\s+/g, " ").toLowerCase();
  return normal(await page.locator("body").innerText()).includes(normal(text));
}

async function shown(page, text, timeout) {
  for (const end = Date.now() + timeout; !(await shows(page, text)); await page.waitForTimeout(50)) {
    hold(Date.now() < end, "the text is not shown");
  }
}

async function expectElement(page, step) {
  const { value, disabled, focused } = step;
  const one = element(page, { ...step, text: undefined });
  await one.waitFor();
  if (value !== undefined) hold((await one.inputValue()) === value, "it has another value");
  if (disabled !== undefined) hold((await one.isDisabled()) === disabled, `disabled is ${!disabled}`);
  if (focused !== undefined) hold((await hasFocus(one)) === focused, `focused is ${!focused}`);
}

function picture(path) {
  const out = process.env.CS_BROWSER_OUT ?? "target/browser";
  const file = join(out, path);
  if (relative(out, file).startsWith("..") || !path.endsWith(".png")) throw new Usage('"path" is a .png below the directory of pictures');
  mkdirSync(dirname(file), { recursive: true });
  return file;
}

/** Runs a step and prints what became of it; says whether it held. */
async function report(driver, step, number) {
  const about = { step: number, do: step?.do };
  try {
    const { ok = true, ...result } = await driver.run(step);
    print({ ...about, ok, ...result });
    return ok;
  } catch (error) {
    if (error instanceof Usage) throw error;
    const url = driver.contexts.get(driver.current)?.url();
    print({ ...about, ok: false, error: plain(error), url, picture: await evidence(driver, number) });
    return false;
  }
}

/** The page of a step that failed, as a picture. */
async function evidence(driver, number) {
  const path = picture(`failed/${process.pid}-${number}.png`);
  try {
    await driver.contexts.get(driver.current)?.screenshot({ path });
    return path;
  } catch {
    // A browser that is gone has none.
    return undefined;
  }
}

/** Playwright's first lines: the rest repeats the step, with what was filled in. */
function plain(error) {
  // eslint-disable-next-line no-control-regex
  const lines = String(error.message).replace(/\u001b\[\d+m/g, "").split("\n");
  return lines.filter((line) => !/fill\(/.test(line)).slice(0, 4).join(" ").slice(0, 600);
}

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function parsed(text) {
  let found;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new Usage(`no JSON: ${error.message}`);
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw new Usage("a script and a step are objects");
  return found;
}

function scripted(text) {
  const script = parsed(text);
  if (!Array.isArray(script.steps) || script.steps.length === 0) throw new Usage('a script has "steps"');
  return script;
}

async function whole(browser, script) {
  const driver = new Driver(browser, script);
  for (const [number, step] of script.steps.entries()) {
    if (!(await report(driver, step, number))) return 1;
  }
  return 0;
}

async function lines(browser) {
  let [driver, number, code] = [new Driver(browser, {}), 0, 0];
  for await (const line of createInterface({ input: process.stdin })) {
    const step = parsed(line);
    // The first line may be the settings.
    if (number === 0 && step.do === undefined) driver = new Driver(browser, step);
    else if (!(await report(driver, step, number))) code = 1;
    number += 1;
  }
  return code;
}

async function launched() {
  try {
    return await chromium.launch({
      executablePath: process.env.CHROMIUM,
      // Its sandbox does not start as root.
      chromiumSandbox: process.getuid?.() !== 0,
      args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
    });
  } catch (error) {
    process.stderr.write(`error: ${process.env.CHROMIUM ?? "no CHROMIUM"} does not start: ${plain(error)}\n`);
    return undefined;
  }
}

async function main() {
  const [argument] = process.argv.slice(2);
  const script = argument === "--lines" ? undefined : scripted(readFileSync(argument ?? 0, "utf8"));
  const browser = await launched();
  if (browser === undefined) return 3;
  try {
    return await (script === undefined ? lines(browser) : whole(browser, script));
  } finally {
    await browser.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Usage ? error.message : error.stack}\n`);
  process.exitCode = 2;
}
