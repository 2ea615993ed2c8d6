/** The verifier of one tool: checks permits offline, consumes them, and runs what they allow. */

import { timingSafeEqual } from "node:crypto";
import { digest, snapshot, type Json } from "./action.js";
import { ActionMismatch, PermitForAnother } from "./errors.js";
import { refuseUntrustworthy } from "./http.js";
import { Keys, type Jwks } from "./keys.js";
import { checkTimes, read, TENANT_ID, tokenOf, TOOL, type Permit } from "./permit.js";
import { consume, Line, type Run } from "./run.js";

const LEEWAY_MAX = 5;
const ATTEMPTS_MAX = 10;

export interface VerifierOptions {
  /** The URL of the function `actions`, without a slash at its end, as `iss` has it. */
  issuer: string;
  /** This tool's name, as gates and agents write it. */
  tool: string;
  /** The only tenant whose permits are taken. Left out, the tool serves several and tells them apart itself. */
  tenant?: string;
  /** The issuer's public keys, or their address; `{issuer}/v1/permits/jwks.json` by default. */
  jwks?: Jwks | string;
  /** Seconds by which clocks may differ, 5 at most and by default. */
  leeway?: number;
  /** Milliseconds for a request. */
  timeoutMs?: number;
  /** Tries of a request. */
  attempts?: number;
  /** Milliseconds before the second try, which then double. */
  pauseMs?: number;
  /** Milliseconds since 1970. */
  clock?: () => number;
}

/** Verifies for one tool. Make one and keep it: it holds the issuer's keys. */
export class Verifier {
  readonly #issuer: string;
  readonly #tool: string;
  readonly #tenant: string | undefined;
  readonly #leeway: number;
  readonly #clock: () => number;
  readonly #keys: Keys;
  readonly #line: Line;

  constructor(options: VerifierOptions) {
    const { issuer, tool, tenant, jwks, leeway = LEEWAY_MAX, timeoutMs = 5_000, attempts = 3, pauseMs = 200, clock = Date.now } = options;
    refuseUntrustworthy(issuer, "issuer");
    if (issuer.endsWith("/") || !TOOL.test(tool) || (tenant !== undefined && !TENANT_ID.test(tenant))) {
      throw new TypeError("issuer has no slash at its end; tool is a name such as payments.send; tenant is ten_...");
    }
    const isBounded = leeway >= 0 && leeway <= LEEWAY_MAX && attempts >= 1 && attempts <= ATTEMPTS_MAX;
    if (!isBounded || !(timeoutMs > 0) || !(pauseMs >= 0)) {
      throw new TypeError(`leeway is 0 to ${LEEWAY_MAX}, attempts 1 to ${ATTEMPTS_MAX}, timeoutMs and pauseMs are milliseconds`);
    }
    [this.#issuer, this.#tool, this.#tenant, this.#leeway, this.#clock] = [issuer, tool, tenant, leeway, clock];
    this.#keys = new Keys(jwks ?? `${issuer}/v1/permits/jwks.json`, timeoutMs);
    this.#line = new Line({ issuer, timeoutMs, attempts, pauseMs, clock });
  }

  /**
   * Whether this permit is for exactly this action, now. Throws a `PermitError`; asks nobody but for unknown keys.
   *
   * `args` and `target` are what is about to be executed, not what the agent says that it asked for. A permit that was
   * used before passes: that is `consume`'s to say.
   */
  async check(permit: string, args: unknown, target: string | null = null): Promise<Permit> {
    // Before anything is awaited: nobody changes them meanwhile.
    const kept = snapshot(args);
    const found = await read(permit, this.#keys);
    if (found.issuer !== this.#issuer) {
      throw new PermitForAnother("issuer");
    }
    if (found.tool !== this.#tool) {
      throw new PermitForAnother("tool");
    }
    if (this.#tenant !== undefined && this.#tenant !== found.tenantId) {
      throw new PermitForAnother("tenant");
    }
    checkTimes(found, this.#clock() / 1000, this.#leeway);
    const wanted = digest(found.tenantId, found.agentId, this.#tool, kept, target);
    if (!timingSafeEqual(Buffer.from(wanted, "hex"), Buffer.from(found.actionSha256, "hex"))) {
      throw new ActionMismatch();
    }
    return found;
  }

  /** Takes a checked permit, once for all: without an error, the action is to be run now. Throws a `PermitError`. */
  async consume(permit: Permit): Promise<Run> {
    if (typeof permit !== "object" || tokenOf(permit) === undefined) {
      throw new TypeError("consume takes what check returned");
    }
    return consume(this.#line, permit);
  }

  /** Checks, consumes, runs `action` with a copy of the arguments that were checked, and reports how it ended. */
  async guard<T>(permit: string, args: unknown, target: string | null, action: (args: Json) => T | Promise<T>): Promise<T> {
    const kept = snapshot(args);
    const run = await this.consume(await this.check(permit, kept, target));
    return run.around(() => action(kept));
  }
}
