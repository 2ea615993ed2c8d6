/** A stand-in for the function `actions`: keys, permits and forgeries, consumption and outcomes over real HTTP. */

import { createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { digest } from "../src/index.js";

export const [TENANT, AGENT, TOOL] = ["ten_081040g2081040g2", "agt_0c1g60r30c1g60r3", "payments.send"];
export const [ARGUMENTS, TARGET] = [{ to: "DE89370400440532013000", amount: 82_000 }, "prod/ledger"];
export const YES = { status: "consumed", due_at: "2999-01-01T00:00:00.000Z" };

export const b64 = (data: Buffer | string): string => Buffer.from(data).toString("base64url");
export const permitId = (): string => `prm_${randomBytes(8).toString("hex")}`;

/** An ES256 key with a name. */
export class Key {
  readonly #private: KeyObject;
  readonly #public: KeyObject;

  constructor(readonly kid: string) {
    ({ privateKey: this.#private, publicKey: this.#public } = generateKeyPairSync("ec", { namedCurve: "P-256" }));
  }

  jwk(): Record<string, unknown> {
    return { ...this.#public.export({ format: "jwk" }), kid: this.kid, alg: "ES256", use: "sig" };
  }

  sign = (data: string): Buffer => sign("sha256", Buffer.from(data), { key: this.#private, dsaEncoding: "ieee-p1363" });

  /** What a verifier that takes the algorithm from the token would find good: the public key as HMAC's secret. */
  hmac = (data: string): Buffer => createHmac("sha256", this.#public.export({ format: "pem", type: "spki" })).update(data).digest();
}

/** What becomes of a request. `lose`: it is done, and the answer is lost. `drop`: neither. `hang`: no answer ever comes. */
export type Plan = "lose" | "drop" | "hang" | Said;

export interface Said {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

export interface Asked {
  path: string;
  authorization: string | undefined;
  body: Record<string, string>;
}

export interface Made {
  claims?: Record<string, unknown> | string;
  header?: Record<string, unknown>;
  sign?: (data: string) => Buffer;
  key?: Key;
}

/** `plan` says what becomes of the next requests; without one they are answered. */
export class Issuer {
  readonly key = new Key("key-1");
  keys = [this.key];
  plan: Plan[] = [];
  asked: Asked[] = [];
  readonly consumed = new Map<string, string>();
  readonly outcomes = new Map<string, string>();
  url = "";
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<Issuer> {
    const issuer = new Issuer();
    await new Promise<void>((resolve) => issuer.#server.listen(0, "127.0.0.1", resolve));
    issuer.url = `http://127.0.0.1:${(issuer.#server.address() as AddressInfo).port}`;
    return issuer;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  claims(changed: Record<string, unknown> = {}, args: unknown = ARGUMENTS, target: string | null = TARGET): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1000);
    const action = digest(TENANT, AGENT, TOOL, args, target);
    return {
      iss: this.url, aud: TOOL, sub: AGENT, jti: permitId(), iat: now, exp: now + 60,
      tenant_id: TENANT, agent_id: AGENT, action_sha256: action, policy_version: 7, ...changed,
    }; // prettier-ignore
  }

  /** A permit, or whatever it is made to be. `undefined` leaves a claim or a header out. */
  permit({ claims = this.claims(), header = {}, key = this.key, sign = key.sign }: Made = {}): string {
    const head = b64(JSON.stringify({ alg: "ES256", typ: "cs-permit+jwt", kid: key.kid, ...header }));
    const signed = `${head}.${b64(typeof claims === "string" ? claims : JSON.stringify(claims))}`;
    return `${signed}.${b64(sign(signed))}`;
  }

  jwks(): { keys: object[] } {
    return { keys: this.keys.map((key) => key.jwk()) };
  }

  count(what: string): number {
    return this.asked.filter(({ path }) => path.endsWith(what)).length;
  }

  told(): string[] {
    return [...this.outcomes.values()];
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) {
      parts.push(part as Buffer);
    }
    const text = Buffer.concat(parts).toString();
    const body = (text === "" ? {} : JSON.parse(text)) as Record<string, string>;
    this.asked.push({ path: request.url ?? "", authorization: request.headers.authorization, body });
    const planned = this.plan.shift();
    if (planned === "hang") {
      return;
    }
    const answered = planned === undefined || planned === "lose" ? this.#answer(request.url ?? "", body) : planned;
    if (planned === "lose" || answered === "drop") {
      request.socket.destroy();
      return;
    }
    response.writeHead(answered.status, { "content-type": "application/json", ...answered.headers });
    response.end(typeof answered.body === "string" ? answered.body : JSON.stringify(answered.body));
  }

  #answer(path: string, body: Record<string, string>): Said {
    const [, , , permit = "", what] = path.split("/");
    const { consumer = "", outcome = "" } = body;
    if (what === undefined) {
      return { status: 200, body: this.jwks() };
    }
    if (what === "consume") {
      this.consumed.set(permit, this.consumed.get(permit) ?? consumer);
      const isMine = this.consumed.get(permit) === consumer;
      return isMine ? { status: 200, body: YES } : { status: 409, body: { code: "permit_consumed" } };
    }
    if (this.consumed.get(permit) !== consumer) {
      return { status: 403, body: { code: "permit_not_yours" } };
    }
    this.outcomes.set(permit, this.outcomes.get(permit) ?? outcome);
    return this.outcomes.get(permit) === outcome ? { status: 200, body: {} } : { status: 409, body: { code: "outcome_told" } };
  }
}
