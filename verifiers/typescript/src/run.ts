/** A consumed permit: the one leave to run the action, and the one word on what became of it. */

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ASK_AGAIN, ConsumeUnclear, OutcomeNotTold, PermitConsumed, PermitError, PermitExpired, PermitRefused, Unclear } from "./errors.js";
import { ask, codeOf, isRecord, NoAnswer, type Answer } from "./http.js";
import { SHA256, tokenOf, type Permit } from "./permit.js";

const DUE_AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/;

type Outcome = "executed" | "failed";

export interface LineOptions {
  issuer: string;
  timeoutMs: number;
  attempts: number;
  pauseMs: number;
  /** Milliseconds since 1970. */
  clock: () => number;
}

/** How the issuer is asked: a few times the same, since every question here may be repeated. */
export class Line {
  constructor(readonly options: LineOptions) {}

  /** Throws `NoAnswer` when the last try had none. */
  async ask(permit: Permit, what: string, body: Record<string, string>): Promise<Answer> {
    const { issuer, timeoutMs, attempts, pauseMs } = this.options;
    const url = `${issuer}/v1/permits/${permit.id}/${what}`;
    for (let attempt = 1; attempt < attempts; attempt += 1) {
      try {
        return await ask(url, timeoutMs, tokenOf(permit), body);
      } catch {
        await sleep(pauseMs * 2 ** (attempt - 1));
      }
    }
    return ask(url, timeoutMs, tokenOf(permit), body);
  }
}

/** Made by `Verifier.consume`: whoever has it runs the action now, and says once how that ended. */
export class Run {
  readonly #line: Line;
  readonly #consumer: string;
  #said: Outcome | undefined;

  constructor(
    line: Line,
    readonly permit: Permit,
    consumer: string,
    readonly dueAt: Date,
  ) {
    this.#line = line;
    this.#consumer = consumer;
  }

  /** Reports that the action was done. `detailSha256`: of a receipt that is kept elsewhere. Throws `OutcomeNotTold`. */
  async executed(detailSha256?: string): Promise<void> {
    await this.#tell("executed", detailSha256);
  }

  /** Reports that the action was certainly not done. Throws `OutcomeNotTold`. */
  async failed(detailSha256?: string): Promise<void> {
    await this.#tell("failed", detailSha256);
  }

  /** Runs the action and reports how it ended, unless nobody can know. Only warns if that is not taken. */
  async around<T>(action: () => T | Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await action();
    } catch (error) {
      if (!isUnclear(error)) {
        await this.#report("failed");
      }
      throw error;
    }
    await this.#report("executed");
    return result;
  }

  async #report(outcome: Outcome): Promise<void> {
    if (this.#said !== undefined) {
      return;
    }
    try {
      await this.#tell(outcome);
    } catch (untold) {
      if (!(untold instanceof OutcomeNotTold)) {
        throw untold;
      }
      process.emitWarning(`${this.permit.id}: ${String(untold)}`, "CountersignPermit");
    }
  }

  async #tell(outcome: Outcome, detailSha256?: string): Promise<void> {
    if (detailSha256 !== undefined && !SHA256.test(detailSha256)) {
      throw new TypeError("detailSha256 is 64 hexadecimal digits in lower case");
    }
    if (this.#said !== undefined && this.#said !== outcome) {
      throw new TypeError(`this run was reported as ${this.#said} already`);
    }
    // Before it is sent: after a lost answer nothing else may be said.
    this.#said = outcome;
    const detail = detailSha256 === undefined ? {} : { detail_sha256: detailSha256 };
    let answer: Answer;
    try {
      answer = await this.#line.ask(this.permit, "outcome", { consumer: this.#consumer, outcome, ...detail });
    } catch {
      throw new OutcomeNotTold(outcome, "the issuer did not answer");
    }
    if (answer.status !== 200) {
      const code = codeOf(answer.body);
      throw new OutcomeNotTold(outcome, `the issuer said ${answer.status} ${code}`.trim(), code || undefined);
    }
  }
}

/** Takes the permit. Only a clear yes is one. */
export async function consume(line: Line, permit: Permit): Promise<Run> {
  const consumer = randomBytes(32).toString("base64url");
  let answer: Answer;
  try {
    answer = await line.ask(permit, "consume", { consumer });
  } catch (error) {
    if (!(error instanceof NoAnswer)) {
      throw error;
    }
    throw new ConsumeUnclear(`the issuer did not say that the action may run, so it did not: ${ASK_AGAIN}`);
  }
  if (answer.status !== 200) {
    throw refusal(answer);
  }
  const dueAt = dueAtOf(answer.body);
  if (dueAt === undefined || dueAt.getTime() <= line.options.clock()) {
    throw new ConsumeUnclear("the issuer's answer is not one that lets an action run: see that `issuer` is the right address");
  }
  return new Run(line, permit, consumer, dueAt);
}

function refusal({ status, body }: Answer): PermitError {
  const code = codeOf(body);
  if (status === 409) {
    return new PermitConsumed();
  }
  if (code === "permit_expired") {
    return new PermitExpired();
  }
  if (status === 401 || status === 403) {
    return new PermitRefused(status, code);
  }
  return new ConsumeUnclear(`the issuer answered ${status}, so the action did not run: see that \`issuer\` is the right address`);
}

function dueAtOf(body: unknown): Date | undefined {
  if (!isRecord(body) || body["status"] !== "consumed") {
    return undefined;
  }
  const text = body["due_at"];
  const at = typeof text === "string" && DUE_AT.test(text) ? new Date(text) : undefined;
  return at === undefined || Number.isNaN(at.getTime()) ? undefined : at;
}

/** What cuts an action off shares no class but words in its name and code; `fetch` has it as the cause of its error. */
const CUT_OFF =
  /timeout|timedout|abort|econnreset|epipe|und_err_socket|err_http2|premature_close|err_socket|protocol_connection_lost|disconnected|\b(connection|socket|network|protocol|remoteprotocol)error\b|\bconnection(lost|reset|closed|terminated)/i;
/** Drivers of databases say it in words alone. */
const CUT_OFF_WORDS = /connection (was |is )?(terminated|closed|lost|reset|ended)|socket hang up|premature close/i;
const CAUSES_MAX = 5;

function isUnclear(error: unknown, deep = 0): boolean {
  if (!(error instanceof Error)) {
    // What is thrown and says nothing of itself is no word on what happened; an absent cause is none either.
    return deep === 0;
  }
  if (deep > CAUSES_MAX) {
    return false;
  }
  const code: unknown = "code" in error ? error.code : "";
  const named = [error.name, error.constructor.name, typeof code === "string" ? code : ""].join(" ");
  return error instanceof Unclear || CUT_OFF.test(named) || CUT_OFF_WORDS.test(error.message) || isUnclear(error.cause, deep + 1);
}
