/** The issuer's public keys: given, or fetched and kept. */

import { importJWK, type CryptoKey } from "jose";
import { KeysUnavailable, PermitInvalid } from "./errors.js";
import { ask, isRecord, refuseUntrustworthy } from "./http.js";

/** A key set (RFC 7517). */
export interface Jwks {
  keys: readonly object[];
}

/** An unknown key asks the issuer at most this often, so that forged permits are no load on it. */
const UNKNOWN_MS = 60_000;
/** And this often while there is no key at all. */
const NONE_MS = 5_000;
/** Keys that the issuer withdrew are forgotten by then. */
const KEPT_MS = 900_000;

type ByName = Map<string, CryptoKey>;

/** Keys by `kid`. A set is taken as it is; an address is asked when it must be. */
export class Keys {
  #keys: Promise<ByName> | undefined;
  #found: ByName = new Map();
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;
  readonly #url: string = "";

  constructor(
    source: Jwks | string,
    readonly timeoutMs: number,
    readonly ticks: () => number = () => performance.now(),
  ) {
    if (typeof source === "string") {
      refuseUntrustworthy(source, "the address of the keys");
      this.#url = source;
    } else {
      this.#keys = read(source);
    }
  }

  /** Throws `PermitInvalid` for a key that the issuer has not, `KeysUnavailable` where nobody can say. */
  async find(kid: string): Promise<CryptoKey> {
    if (this.#keys !== undefined) {
      return known(await this.#keys, kid);
    }
    if (!this.#isFresh()) {
      await this.#fetch(NONE_MS);
    } else if (!this.#found.has(kid)) {
      await this.#fetch(UNKNOWN_MS);
    }
    if (!this.#isFresh()) {
      throw new KeysUnavailable();
    }
    return known(this.#found, kid);
  }

  #isFresh(): boolean {
    return this.ticks() - this.#fetchedAt < KEPT_MS;
  }

  /** Whoever comes while it is asked waits for the same answer. */
  async #fetch(atMostEvery: number): Promise<void> {
    if (this.#fetching === undefined && this.ticks() - this.#triedAt >= atMostEvery) {
      this.#triedAt = this.ticks();
      this.#fetching = this.#ask().finally(() => {
        this.#fetching = undefined;
      });
    }
    await this.#fetching;
  }

  async #ask(): Promise<void> {
    const at = this.ticks();
    try {
      const answer = await ask(this.#url, this.timeoutMs);
      const keys = answer.status === 200 ? await read(answer.body) : new Map();
      if (keys.size > 0) {
        [this.#found, this.#fetchedAt] = [keys, at];
      }
    } catch {
      // Those that there are stay until they are too old.
    }
  }
}

function known(keys: ByName, kid: string): CryptoKey {
  const key = keys.get(kid);
  if (key === undefined) {
    throw new PermitInvalid("the permit is signed by a key that the issuer has not: see that `issuer` is the right one");
  }
  return key;
}

/** The keys that can have signed a permit. One name for two of them is no name. */
async function read(found: unknown): Promise<ByName> {
  const listed: unknown = isRecord(found) ? found["keys"] : undefined;
  const keys: ByName = new Map();
  const twice = new Set<string>();
  for (const one of Array.isArray(listed) ? listed : []) {
    if (!isForPermits(one)) {
      continue;
    }
    const key = await imported(one);
    if (key !== undefined) {
      if (keys.has(one.kid)) {
        twice.add(one.kid);
      }
      keys.set(one.kid, key);
    }
  }
  twice.forEach((kid) => keys.delete(kid));
  return keys;
}

async function imported({ x, y }: Point): Promise<CryptoKey | undefined> {
  try {
    const key = await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256");
    return key instanceof Uint8Array ? undefined : key;
  } catch {
    return undefined;
  }
}

interface Point {
  kid: string;
  x: string;
  y: string;
}

function isForPermits(one: unknown): one is Point {
  if (!isRecord(one) || one["kty"] !== "EC" || one["crv"] !== "P-256") {
    return false;
  }
  const isText = ["kid", "x", "y"].every((name) => typeof one[name] === "string");
  return isText && (one["alg"] ?? "ES256") === "ES256" && (one["use"] ?? "sig") === "sig";
}
