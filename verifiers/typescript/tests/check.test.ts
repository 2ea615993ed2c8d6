/** Attacks on `check`, in a table: each is refused by its own error, and the same permit without it is taken. */

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { inspect } from "node:util";
import {
  ActionMismatch,
  KeysUnavailable,
  PermitError,
  PermitExpired,
  PermitForAnother,
  PermitInvalid,
  Verifier,
  type VerifierOptions,
} from "../src/index.js";
import { Keys } from "../src/keys.js";
import { AGENT, ARGUMENTS, b64, Issuer, Key, permitId, TARGET, TENANT, TOOL } from "./issuer.js";

type Kind = new (...args: never[]) => PermitError;

const NOW = Math.floor(Date.now() / 1000);
const OTHER_AGENT = "agt_1111111111111111";

/** What is changed in the claims, the error. */
const CLAIMS: Record<string, [Record<string, unknown>, Kind]> = {
  "another issuer": [{ iss: "https://evil.example" }, PermitForAnother],
  "no issuer": [{ iss: undefined }, PermitInvalid],
  "another tool": [{ aud: "payments.read" }, PermitForAnother],
  "a list of tools": [{ aud: [TOOL] }, PermitInvalid],
  "a list with this tool": [{ aud: ["crm.read", TOOL] }, PermitInvalid],
  "no tool": [{ aud: undefined }, PermitInvalid],
  "another tenant": [{ tenant_id: "ten_1111111111111111" }, PermitForAnother],
  "no tenant": [{ tenant_id: undefined }, PermitInvalid],
  "another agent": [{ agent_id: OTHER_AGENT, sub: OTHER_AGENT }, ActionMismatch],
  "two agents": [{ sub: OTHER_AGENT }, PermitInvalid],
  "no agent": [{ agent_id: undefined }, PermitInvalid],
  "no subject": [{ sub: undefined }, PermitInvalid],
  expired: [{ iat: NOW - 70, exp: NOW - 10 }, PermitExpired],
  "no expiry": [{ exp: undefined }, PermitInvalid],
  "expiry null": [{ exp: null }, PermitInvalid],
  "expiry as text": [{ exp: String(NOW + 60) }, PermitInvalid],
  "expiry as a fraction": [{ exp: NOW + 30.5 }, PermitInvalid],
  "good for an hour": [{ exp: NOW + 3600 }, PermitInvalid],
  "good for 61 seconds": [{ iat: NOW, exp: NOW + 61 }, PermitInvalid],
  "good for no time": [{ iat: NOW, exp: NOW }, PermitInvalid],
  "issued in the future": [{ iat: NOW + 1000, exp: NOW + 1060 }, PermitInvalid],
  "no time of issue": [{ iat: undefined }, PermitInvalid],
  "an id that is a path": [{ jti: "prm_../../../healthz" }, PermitInvalid],
  "an id with a line break": [{ jti: `${permitId()}\n` }, PermitInvalid],
  "no id": [{ jti: undefined }, PermitInvalid],
  "another action": [{ action_sha256: "0".repeat(64) }, ActionMismatch],
  "no action": [{ action_sha256: undefined }, PermitInvalid],
  "an action in capitals": [{ action_sha256: "A".repeat(64) }, PermitInvalid],
  "no policy": [{ policy_version: undefined }, PermitInvalid],
  "an approval that is none": [{ approval_id: "approved" }, PermitInvalid],
};

/** What is executed instead. */
const ACTIONS: Record<string, [unknown, string | null]> = {
  "ten times the amount": [{ ...ARGUMENTS, amount: 820_000 }, TARGET],
  "the amount as text": [{ ...ARGUMENTS, amount: "82000" }, TARGET],
  "a cent more": [{ ...ARGUMENTS, amount: 82_000.01 }, TARGET],
  "one more argument": [{ ...ARGUMENTS, urgent: null }, TARGET],
  "one less": [{ amount: 82_000 }, TARGET],
  wrapped: [[ARGUMENTS], TARGET],
  "a look-alike": [{ ...ARGUMENTS, to: "DE8937040044053201300O" }, TARGET],
  "another target": [ARGUMENTS, "prod/ledger2"],
  "no target": [ARGUMENTS, null],
  "an empty target": [ARGUMENTS, ""],
};

describe("check", () => {
  let issuer: Issuer;
  let verifier: Verifier;

  before(async () => {
    issuer = await Issuer.start();
    verifier = new Verifier({ issuer: issuer.url, tool: TOOL, tenant: TENANT, jwks: issuer.jwks() });
  });
  after(() => issuer.close());

  async function refused(name: string, permit: unknown, kind: Kind, args: unknown = ARGUMENTS, target: string | null = TARGET): Promise<void> {
    await assert.rejects(verifier.check(permit as string, args, target), (error: Error) => {
      assert.equal(error.constructor, kind, `${name}: ${error}`);
      const shown = inspect(error);
      for (const secret of [permit, ARGUMENTS.to, "82000", TARGET]) {
        assert.ok(typeof secret !== "string" || secret === "" || !shown.includes(secret), `${name}: ${shown}`);
      }
      return true;
    });
  }

  test("a permit for this action is taken", async () => {
    const token = issuer.permit();
    const found = await verifier.check(token, ARGUMENTS, TARGET);
    assert.deepEqual([found.tenantId, found.agentId, found.tool, found.policyVersion, found.approvalId], [TENANT, AGENT, TOOL, 7, null]);
    assert.ok(!inspect(found, { showHidden: true }).includes(token) && !JSON.stringify(found).includes(token));
    const approval_id = `apr_${"0a".repeat(16)}`;
    const approved = issuer.permit({ claims: issuer.claims({ approval_id, more: "than this version knows" }) });
    assert.equal((await verifier.check(approved, ARGUMENTS, TARGET)).approvalId, approval_id);
  });

  test("whatever is equal in JSON is the same action", async () => {
    const claims = issuer.claims({}, { a: 1, "\u{1f600}": 2, "\ufb33": [0.5, 3] }, null);
    await verifier.check(issuer.permit({ claims }), JSON.parse('{"\\ufb33": [0.50, 3.0], "\u{1f600}": 2.0, "a": 1.0}'));
  });

  test("claims", async () => {
    for (const [name, [changed, kind]] of Object.entries(CLAIMS)) {
      await refused(name, issuer.permit({ claims: issuer.claims(changed) }), kind);
    }
    await refused("an issuer with a slash", issuer.permit({ claims: issuer.claims({ iss: `${issuer.url}/` }) }), PermitForAnother);
  });

  test("actions", async () => {
    const permit = issuer.permit();
    for (const [name, [args, target]] of Object.entries(ACTIONS)) {
      await refused(name, permit, ActionMismatch, args, target);
    }
  });

  test("headers and signatures", async () => {
    const [key, other] = [issuer.key, new Key("key-1")];
    const good = issuer.permit();
    const [head = "", claims = "", signature = ""] = good.split(".");
    const attacks: Record<string, unknown> = {
      "no algorithm": issuer.permit({ header: { alg: "none" }, sign: () => Buffer.alloc(0) }),
      "no algorithm, with a signature": issuer.permit({ header: { alg: "none" } }),
      "HMAC with the public key": issuer.permit({ header: { alg: "HS256" }, sign: key.hmac }),
      "HMAC that says ES256": issuer.permit({ sign: key.hmac }),
      "another algorithm": issuer.permit({ header: { alg: "ES384" } }),
      "the algorithm in lower case": issuer.permit({ header: { alg: "es256" } }),
      "the algorithm as a list": issuer.permit({ header: { alg: ["ES256"] } }),
      "another type": issuer.permit({ header: { typ: "JWT" } }),
      "a type in capitals": issuer.permit({ header: { typ: "CS-PERMIT+JWT" } }),
      "a longer type": issuer.permit({ header: { typ: "application/cs-permit+jwt" } }),
      "no type": issuer.permit({ header: { typ: undefined } }),
      "a key of another name": issuer.permit({ header: { kid: "key-2" } }),
      "no name of a key": issuer.permit({ header: { kid: undefined } }),
      "a name that is no text": issuer.permit({ header: { kid: { a: 1 } } }),
      "a key that it brings along": issuer.permit({ header: { jwk: other.jwk() }, key: other }),
      "an address of keys": issuer.permit({ header: { jku: "http://127.0.0.1/" }, key: other }),
      "something critical": issuer.permit({ header: { crit: ["b64"], b64: false } }),
      "another key under the same name": issuer.permit({ key: other }),
      "a signature of zeros": `${head}.${claims}.${b64(Buffer.alloc(64))}`,
      "a signature in DER": `${head}.${claims}.${b64(Buffer.alloc(71, 48))}`,
      "no signature": `${head}.${claims}.`,
      "the signature of another": `${head}.${claims}.${issuer.permit().split(".")[2]}`,
      "the claims of another": `${head}.${issuer.permit().split(".")[1]}.${signature}`,
      "two parts": `${head}.${claims}`,
      "four parts": `${good}.${signature}`,
      padding: `${good}=`,
      "a line break": `${good}\n`,
      "a space before it": ` ${good}`,
      "claims that are a list": issuer.permit({ claims: "[]" }),
      "claims that are no JSON": issuer.permit({ claims: "{" }),
      "too long": issuer.permit({ claims: issuer.claims({ more: "x".repeat(9000) }) }),
      nothing: "",
      "no text": undefined,
      bytes: Buffer.from(good),
    };
    for (const [name, permit] of Object.entries(attacks)) {
      await refused(name, permit, PermitInvalid);
    }
    await verifier.check(good, ARGUMENTS, TARGET);
  });

  test("times at their edges", async () => {
    const permit = issuer.permit({ claims: issuer.claims({ iat: 1000, exp: 1060 }) });
    for (const [now, kind] of [[994.9, PermitInvalid], [995, null], [1064.9, null], [1065, PermitExpired]] as [number, Kind | null][]) {
      const at = new Verifier({ issuer: issuer.url, tool: TOOL, jwks: issuer.jwks(), clock: () => now * 1000 });
      const checked = at.check(permit, ARGUMENTS, TARGET);
      await (kind === null ? checked : assert.rejects(checked, kind));
    }
  });

  test("settings that would weaken it are refused", () => {
    const bad: Partial<VerifierOptions>[] = [
      { issuer: "http://actions.example" }, { issuer: "ftp://127.0.0.1" }, { issuer: `${issuer.url}/` }, { issuer: "http://127.0.0.1.evil.example" },
      { leeway: 6 }, { leeway: -1 }, { leeway: NaN }, { attempts: 0 }, { timeoutMs: 0 }, { timeoutMs: NaN }, { tool: "" }, { tool: "a b" },
      { tenant: "acme" }, { jwks: "http://keys.example" },
    ]; // prettier-ignore
    for (const one of bad) {
      assert.throws(() => new Verifier({ issuer: issuer.url, tool: TOOL, ...one }), TypeError, inspect(one));
    }
  });
});

describe("keys that are fetched", () => {
  let issuer: Issuer;
  let keys: Keys;
  let now: number;

  beforeEach(async () => {
    issuer = await Issuer.start();
    now = 0;
    keys = new Keys(`${issuer.url}/v1/permits/jwks.json`, 5_000, () => now);
  });
  afterEach(() => issuer.close());

  const asked = (): number => issuer.count("jwks.json");

  test("once, and again for an unknown one at most once a minute", async () => {
    await Promise.all([keys.find("key-1"), keys.find("key-1")]);
    assert.equal(asked(), 1);
    issuer.keys.push(new Key("key-2"));
    now = 59_999;
    await assert.rejects(keys.find("key-2"), PermitInvalid);
    assert.equal(asked(), 1);
    now = 60_000;
    await keys.find("key-2");
    assert.equal(asked(), 2);
    await Promise.all(Array.from({ length: 50 }, () => assert.rejects(keys.find("forged"), PermitInvalid)));
    assert.equal(asked(), 2);
  });

  test("a key that was withdrawn is forgotten", async () => {
    await keys.find("key-1");
    issuer.keys = [new Key("key-2")];
    now = 900_000;
    await assert.rejects(keys.find("key-1"), PermitInvalid);
  });

  test("without keys nothing passes", async () => {
    const bodies: [number, unknown][] = [[500, {}], [404, {}], [200, "<html>"], [200, { keys: [] }], [200, []], [200, { keys: [{ kty: "oct" }] }]];
    for (const [status, body] of bodies) {
      issuer.plan = [{ status, body }];
      now += 5_000;
      await assert.rejects(keys.find("key-1"), KeysUnavailable);
      const before = asked();
      await assert.rejects(keys.find("key-1"), KeysUnavailable);
      assert.equal(asked(), before);
    }
    now += 5_000;
    await keys.find("key-1");
  });

  test("keys that sign no permit are none", async () => {
    const good = issuer.key.jwk();
    const bad = [
      { ...good, crv: "P-384" }, { ...good, kty: "OKP" }, { ...good, alg: "ES384" }, { ...good, use: "enc" },
      { ...good, x: good["y"], y: good["x"] }, { ...good, kid: null },
    ]; // prettier-ignore
    for (const one of bad) {
      await assert.rejects(new Keys({ keys: [one] }, 5).find("key-1"), PermitInvalid, inspect(one));
    }
    const twice = new Keys({ keys: [good, new Key("key-1").jwk(), new Key("key-2").jwk()] }, 5);
    await assert.rejects(twice.find("key-1"), PermitInvalid);
    await twice.find("key-2");
  });
});
