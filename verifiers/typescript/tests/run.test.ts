/** Consumption, outcomes and the guard: the action runs after a clear yes and never else. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { inspect } from "node:util";
import {
  ConsumeUnclear,
  OutcomeNotTold,
  PermitConsumed,
  PermitError,
  PermitExpired,
  PermitRefused,
  Unclear,
  Verifier,
  type Json,
  type Permit,
  type Run,
} from "../src/index.js";
import { ARGUMENTS, Issuer, TARGET, TENANT, TOOL, YES, type Plan } from "./issuer.js";

type Kind = new (...args: never[]) => PermitError;

const said = (status: number, body: unknown = YES, headers: Record<string, string> = {}): Plan => ({ status, body, headers });
const times = (plan: Plan): Plan[] => [plan, plan, plan];

/** What the issuer answers to a consumption, what is thrown. */
const UNCLEAR: Record<string, [Plan[], Kind]> = {
  rubbish: [[said(200, "<html>welcome to the hotel</html>")], ConsumeUnclear],
  nothing: [[said(200, "")], ConsumeUnclear],
  "another object": [[said(200, {})], ConsumeUnclear],
  "a list": [[said(200, [YES])], ConsumeUnclear],
  "a yes without a time": [[said(200, { status: "consumed" })], ConsumeUnclear],
  "a yes with a time that is none": [[said(200, { ...YES, due_at: "2999-13-01T00:00:00Z" })], ConsumeUnclear],
  "a yes that is over": [[said(200, { ...YES, due_at: "2001-01-01T00:00:00.000Z" })], ConsumeUnclear],
  pending: [[said(200, { ...YES, status: "pending" })], ConsumeUnclear],
  "201": [[said(201)], ConsumeUnclear],
  "a redirect": [[said(302)], ConsumeUnclear],
  "400": [[said(400)], ConsumeUnclear],
  "404": [[said(404, { code: "not_found" })], ConsumeUnclear],
  "too much": [[said(200, { ...YES, x: "x".repeat(70_000) })], ConsumeUnclear],
  "500 for ever": [times(said(500)), ConsumeUnclear],
  "429 for ever": [times(said(429)), ConsumeUnclear],
  "no connection for ever": [times("drop"), ConsumeUnclear],
  "taken, and every answer lost": [times("lose"), ConsumeUnclear],
  "taken by another": [[said(409, { code: "permit_consumed" })], PermitConsumed],
  expired: [[said(401, { code: "permit_expired" })], PermitExpired],
  forged: [[said(401, { code: "permit_invalid" })], PermitRefused],
  cancelled: [[said(403, { code: "approval_cancelled" })], PermitRefused],
  "refused without a word": [[said(403, "")], PermitRefused],
  "refused with many": [[said(403, { code: "DE89\r\nsecret".repeat(99) })], PermitRefused],
};

let issuer: Issuer;
let verifier: Verifier;
let ran: Json[];

beforeEach(async () => {
  issuer = await Issuer.start();
  verifier = new Verifier({ issuer: issuer.url, tool: TOOL, tenant: TENANT, jwks: issuer.jwks(), pauseMs: 0 });
  ran = [];
});
afterEach(() => issuer.close());

function action(args: Json): string {
  ran.push(args);
  return "receipt";
}

const guard = (act: (args: Json) => unknown = action, permit = issuer.permit()): Promise<unknown> =>
  verifier.guard(permit, { ...ARGUMENTS }, TARGET, act);

async function consumed(): Promise<Run> {
  return verifier.consume(await verifier.check(issuer.permit(), ARGUMENTS, TARGET));
}

test("only a clear yes lets an action run", async () => {
  for (const [name, [plan, kind]] of Object.entries(UNCLEAR)) {
    issuer.plan = [...plan];
    await assert.rejects(guard(), (error: Error) => {
      assert.equal(error.constructor, kind, `${name}: ${error}`);
      assert.doesNotMatch(inspect(error), /secret|DE89|eyJ/);
      return true;
    });
    assert.deepEqual([ran, issuer.told(), issuer.plan], [[], [], []], name);
  }
});

test("a lost answer is asked for again with the same secret", async () => {
  for (const plan of [["lose"], ["drop", "lose"], [said(503), said(500)], ["lose", said(429)]] as Plan[][]) {
    [issuer.plan, issuer.asked] = [[...plan], []];
    assert.equal(await guard(), "receipt");
    const consumers = new Set(issuer.asked.filter(({ path }) => path.endsWith("consume")).map(({ body }) => body["consumer"]));
    assert.deepEqual([consumers.size, issuer.count("consume")], [1, plan.length + 1]);
    assert.match([...consumers].join(), /^[A-Za-z0-9_-]{43}$/);
  }
});

test("an issuer that is silent or not there lets nothing run", async () => {
  const silent = new Verifier({ issuer: issuer.url, tool: TOOL, jwks: issuer.jwks(), timeoutMs: 50, attempts: 2, pauseMs: 0 });
  issuer.plan = ["hang", "hang"];
  await assert.rejects(silent.guard(issuer.permit(), ARGUMENTS, TARGET, action), ConsumeUnclear);
  const [url, jwks] = [issuer.url, issuer.jwks()];
  const permit = issuer.permit();
  issuer.close();
  const away = new Verifier({ issuer: url, tool: TOOL, jwks, pauseMs: 0 });
  await assert.rejects(away.guard(permit, ARGUMENTS, TARGET, action), ConsumeUnclear);
  assert.deepEqual([ran, issuer.count("consume")], [[], 2]);
});

test("each consumption has a secret of its own", async () => {
  const permit = issuer.permit();
  assert.equal(await guard(action, permit), "receipt");
  await assert.rejects(guard(action, permit), PermitConsumed);
  const another = new Verifier({ issuer: issuer.url, tool: TOOL, jwks: issuer.jwks() });
  await assert.rejects(another.guard(permit, ARGUMENTS, TARGET, action), PermitConsumed);
  assert.equal(ran.length, 1);
});

test("of many at once one runs it", async () => {
  const permit = issuer.permit();
  const ends = await Promise.allSettled(Array.from({ length: 20 }, () => guard(action, permit)));
  assert.deepEqual([ends.filter(({ status }) => status === "fulfilled").length, ran.length], [1, 1]);
});

test("the permit goes to the issuer alone", async () => {
  const elsewhere = await Issuer.start();
  for (const status of [301, 302, 303, 307, 308]) {
    issuer.plan = [said(status, {}, { location: `${elsewhere.url}/v1/permits/prm_0000000000000000/consume` })];
    await assert.rejects(guard(), ConsumeUnclear);
  }
  assert.deepEqual(elsewhere.asked, []);
  elsewhere.close();
  const permit = issuer.permit();
  await guard(action, permit);
  assert.equal(issuer.asked.at(-1)?.authorization, `Bearer ${permit}`);
});

test("nobody consumes what was not checked", async () => {
  const checked = await verifier.check(issuer.permit(), ARGUMENTS, TARGET);
  for (const bad of [issuer.permit(), null, { ...checked }]) {
    await assert.rejects(verifier.consume(bad as unknown as Permit), TypeError);
  }
  await assert.rejects(verifier.guard(issuer.permit(), { amount: 1 }, TARGET, action), PermitError);
  assert.deepEqual([ran, issuer.asked], [[], []]);
});

test("an action that ends well is executed, one that throws is failed", async () => {
  assert.equal(await guard(), "receipt");
  assert.deepEqual([issuer.told(), ran], [["executed"], [ARGUMENTS]]);
  const fails = [() => Promise.reject(new Error("no such account")), () => {
    throw new Error("no such account");
  }]; // prettier-ignore
  for (const fail of fails) {
    await assert.rejects(guard(fail), /no such account/);
  }
  assert.deepEqual(issuer.told(), ["executed", "failed", "failed"]);
});

test("an error of the action's own is a word, whatever its name has in it", async () => {
  class AccountClosedError extends Error {}
  class UnsupportedNetworkProtocol extends Error {}
  for (const error of [new AccountClosedError("the account is closed"), new UnsupportedNetworkProtocol()]) {
    error.name = error.constructor.name;
    await assert.rejects(guard(() => Promise.reject(error)), (thrown) => thrown === error);
  }
  assert.deepEqual(issuer.told(), ["failed", "failed"]);
});

test("where nobody listened nothing was done", async () => {
  const refused = new TypeError("fetch failed", { cause: Object.assign(new Error(), { code: "ECONNREFUSED" }) });
  await assert.rejects(guard(() => Promise.reject(refused)), TypeError);
  assert.deepEqual(issuer.told(), ["failed"]);
});

test("of an end that nobody knows nothing is told", async () => {
  class ReadTimeout extends Error {}
  const unclear: unknown[] = [
    new Unclear(),
    new DOMException("", "TimeoutError"),
    new DOMException("", "AbortError"),
    new ReadTimeout(),
    Object.assign(new Error(), { code: "ECONNRESET" }),
    new TypeError("fetch failed", { cause: Object.assign(new Error(), { code: "UND_ERR_HEADERS_TIMEOUT" }) }),
    new TypeError("fetch failed", { cause: Object.assign(new Error(), { code: "UND_ERR_SOCKET" }) }),
    Object.assign(new Error(), { code: "ERR_HTTP2_STREAM_ERROR" }),
    Object.assign(new Error(), { code: "ERR_STREAM_PREMATURE_CLOSE" }),
    new Error("Connection terminated unexpectedly"),
    new Error("the bank did not answer", { cause: new Error("socket hang up") }),
    "a word that says nothing",
  ];
  for (const error of unclear) {
    await assert.rejects(guard(() => Promise.reject(error)), (thrown) => thrown === error);
    assert.deepEqual([issuer.told(), issuer.count("outcome")], [[], 0], inspect(error));
  }
});

test("what is executed is what was checked, whatever its caller does meanwhile", async () => {
  const mine = { to: "A", lines: [1] };
  const permit = issuer.permit({ claims: issuer.claims({}, mine, null) });
  const running = verifier.guard(permit, mine, null, action);
  [mine.to, mine.lines[0]] = ["B", 2];
  await running;
  assert.deepEqual(ran, [{ to: "A", lines: [1] }]);
});

test("an outcome that is not taken does not undo the action", async () => {
  const warned: Error[] = [];
  const listen = (warning: Error): number => warned.push(warning);
  process.on("warning", listen);
  for (const plan of [times("drop"), [said(409, { code: "outcome_told" })]]) {
    issuer.plan = [said(200), ...plan];
    assert.equal(await guard(), "receipt");
  }
  await new Promise(setImmediate);
  process.off("warning", listen);
  assert.equal(warned.length, 2);
  for (const warning of warned) {
    assert.match(warning.message, /prm_.*do not run it again/);
    assert.doesNotMatch(warning.message, /DE89|eyJ/);
  }
});

test("after a lost answer nothing else is told", async () => {
  const run = await consumed();
  issuer.plan = times("drop");
  await assert.rejects(run.around(() => run.executed()), OutcomeNotTold);
  assert.deepEqual(issuer.told(), []);
  await assert.rejects(run.failed(), TypeError);
  await run.executed("0a".repeat(32));
  assert.deepEqual([issuer.told(), issuer.asked.at(-1)?.body["detail_sha256"]], [["executed"], "0a".repeat(32)]);
  await assert.rejects(run.executed("receipt"), TypeError);
  const secret = issuer.asked.at(-1)?.body["consumer"] ?? "";
  assert.ok(secret.length === 43 && !inspect(run, { showHidden: true, depth: 5 }).includes(secret));
});

test("a run reports once", async () => {
  const run = await consumed();
  await run.around(() => run.failed());
  assert.deepEqual([issuer.told(), issuer.count("outcome")], [["failed"], 1]);
});
