/** A permit that was checked, and how its text is read. */

import { compactVerify } from "jose";
import { PermitExpired, PermitInvalid } from "./errors.js";
import { isRecord } from "./http.js";
import type { Keys } from "./keys.js";

const TYPE = "cs-permit+jwt";
const LIFETIME_MAX = 60;
const TEXT_MAX = 8_192;

/** A signature of ES256 has 64 bytes, which are 86 characters. */
const FORM = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/;
const ISSUER = /^https?:\/\/[!-~]{1,512}$/;
const PERMIT_ID = /^prm_[0-9a-z]{16}$/;
export const TENANT_ID = /^ten_[0-9a-z]{16}$/;
const AGENT_ID = /^agt_[0-9a-z]{16}$/;
const APPROVAL_ID = /^apr_[0-9a-f]{32}$/;
export const SHA256 = /^[0-9a-f]{64}$/;
export const TOOL = /^[A-Za-z0-9._:/@-]{1,128}$/;

const FORGED = "the permit is not one of this issuer: pass on the text that POST /v1/actions returned, unchanged";

/** What a checked permit says. Times are seconds since 1970. Its text stays out of what is printed or serialized. */
export interface Permit {
  readonly id: string;
  readonly issuer: string;
  readonly tenantId: string;
  readonly agentId: string;
  readonly tool: string;
  readonly actionSha256: string;
  readonly policyVersion: number;
  readonly approvalId: string | null;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Texts of the permits that were checked here: no other object is one. */
const TOKENS = new WeakMap<Permit, string>();

/** `undefined` for what `read` did not return. */
export function tokenOf(permit: Permit): string | undefined {
  return TOKENS.get(permit);
}

/** Verifies form, type, algorithm, key and signature, then reads the claims. Whom and when it is for is left to check. */
export async function read(token: unknown, keys: Keys): Promise<Permit> {
  if (typeof token !== "string" || token.length > TEXT_MAX || !FORM.test(token)) {
    throw new PermitInvalid(FORGED);
  }
  const [head = "", claims = ""] = token.split(".");
  const key = await keys.find(keyNamedBy(part(head)));
  try {
    await compactVerify(token, key, { algorithms: ["ES256"] });
  } catch {
    throw new PermitInvalid(FORGED);
  }
  const permit = permitOf(part(claims));
  TOKENS.set(permit, token);
  return permit;
}

export function checkTimes(permit: Permit, now: number, leeway: number): void {
  if (permit.expiresAt + leeway <= now) {
    throw new PermitExpired();
  }
  if (permit.issuedAt - leeway > now) {
    throw new PermitInvalid("the permit was issued in the future: set this machine's clock");
  }
}

/** Nothing else may stand in a header: `crit`, `jwk`, `x5c` and `b64` each change what a library verifies. */
function keyNamedBy(header: Record<string, unknown>): string {
  const names = Object.keys(header).sort().join();
  if (names !== "alg,kid,typ" || header["alg"] !== "ES256" || header["typ"] !== TYPE) {
    throw new PermitInvalid(`the permit is not of the type ${TYPE}, signed by ES256: pass on a permit, not another token`);
  }
  if (typeof header["kid"] !== "string") {
    throw new PermitInvalid(FORGED);
  }
  return header["kid"];
}

function permitOf(claims: Record<string, unknown>): Permit {
  const [issuedAt, expiresAt] = [whole(claims, "iat"), whole(claims, "exp")];
  if (expiresAt <= issuedAt || expiresAt - issuedAt > LIFETIME_MAX) {
    throw new PermitInvalid(`the permit is good for longer than ${LIFETIME_MAX} seconds, which no permit of Countersign is`);
  }
  const agentId = text(claims, "agent_id", AGENT_ID);
  if (claims["sub"] !== agentId) {
    throw new PermitInvalid("the permit names two agents");
  }
  return Object.freeze({
    id: text(claims, "jti", PERMIT_ID),
    issuer: text(claims, "iss", ISSUER),
    tenantId: text(claims, "tenant_id", TENANT_ID),
    agentId,
    tool: text(claims, "aud", TOOL),
    actionSha256: text(claims, "action_sha256", SHA256),
    policyVersion: whole(claims, "policy_version"),
    approvalId: "approval_id" in claims ? text(claims, "approval_id", APPROVAL_ID) : null,
    issuedAt,
    expiresAt,
  });
}

function text(claims: Record<string, unknown>, name: string, form: RegExp): string {
  const value = claims[name];
  if (typeof value !== "string" || !form.test(value)) {
    throw new PermitInvalid(`the permit's claim \`${name}\` is missing or not of its form`);
  }
  return value;
}

function whole(claims: Record<string, unknown>, name: string): number {
  const value = claims[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new PermitInvalid(`the permit's claim \`${name}\` is missing or no whole number`);
  }
  return value;
}

function part(encoded: string): Record<string, unknown> {
  let found: unknown;
  try {
    found = JSON.parse(Buffer.from(encoded, "base64url").toString("utf8"));
  } catch {
    throw new PermitInvalid(FORGED);
  }
  if (!isRecord(found)) {
    throw new PermitInvalid(FORGED);
  }
  return found;
}
