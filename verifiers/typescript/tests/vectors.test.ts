/** The vectors that every verifier and the platform read, and what only JavaScript can do wrong. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ArgumentsInvalid, canonical, digest, parseArguments } from "../src/index.js";
import { snapshot } from "../src/action.js";

interface Vectors {
  tenant_id: string;
  agent_id: string;
  tool: string;
  actions: { name: string; arguments: string; target: string | null; canonical: string; sha256: string }[];
  refused: { name: string; arguments: string }[];
  refused_by_verifiers: { name: string; arguments: string }[];
}

const VECTORS = JSON.parse(readFileSync(process.env["CS_VECTORS"] ?? new URL("../../../vectors.json", import.meta.url), "utf8")) as Vectors;
const { tenant_id, agent_id, tool } = VECTORS;

test("forms and digests are the platform's", () => {
  assert.ok(VECTORS.actions.length > 15);
  for (const one of VECTORS.actions) {
    const args = parseArguments(one.arguments);
    assert.equal(canonical(tenant_id, agent_id, tool, args, one.target), one.canonical, one.name);
    assert.equal(digest(tenant_id, agent_id, tool, args, one.target), one.sha256, one.name);
    // Written down and read again, by whoever executes it, it is the same action.
    const again = (JSON.parse(one.canonical) as { arguments: unknown }).arguments;
    assert.equal(digest(tenant_id, agent_id, tool, again, one.target), one.sha256, one.name);
  }
});

test("what two languages would write in two ways is refused", () => {
  const refused = [...VECTORS.refused, ...VECTORS.refused_by_verifiers];
  assert.ok(refused.length > 5);
  for (const one of refused) {
    assert.throws(() => parseArguments(one.arguments), ArgumentsInvalid, one.name);
  }
});

test("what is no plain JSON is refused, and not left out", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  const deep = Array.from({ length: 200 }).reduce<unknown>((within) => [within], 1);
  const bad: Record<string, unknown> = {
    "not a number": NaN,
    infinite: -Infinity,
    undefined: undefined,
    "undefined within": { a: undefined },
    "a big integer": 10n,
    "a symbol": Symbol("a"),
    "a symbol as name": { [Symbol("a")]: 1 },
    "a function": { a: () => 1 },
    "a date": new Date(0),
    "toJSON that says something else": { amount: 820_000, toJSON: () => ({ amount: 82_000 }) },
    "an array with toJSON": Object.assign([1], { toJSON: () => [2] }),
    "a getter": {
      get amount(): number {
        return 1;
      },
    },
    "a hidden field": Object.defineProperty({}, "amount", { value: 1 }),
    "a hole": [1, , 2], // eslint-disable-line no-sparse-arrays
    "an instance": new (class Amount {
      amount = 1;
    })(),
    "a map": new Map([["amount", 1]]),
    "bytes": Buffer.from("a"),
    "fields that are inherited": Object.create({ amount: 1 }) as object,
    "a boxed number": { amount: Object(1) as object },
    "half a character": "\ud800",
    "half a character in a name": { "\udfff": 1 },
    "the other half first": "\udc00\ud800",
    deep,
    circle,
  };
  for (const [name, value] of Object.entries(bad)) {
    assert.throws(() => canonical("t", "a", "n", value), ArgumentsInvalid, name);
  }
  for (const target of [1, {}, undefined, "\ud800"].slice(0, 2).concat("\ud800")) {
    assert.throws(() => canonical("t", "a", "n", {}, target as string), ArgumentsInvalid);
  }
  assert.throws(() => parseArguments("[1"), ArgumentsInvalid);
  assert.throws(() => parseArguments("1e999"), ArgumentsInvalid);
});

test("a name that JavaScript takes for more stays a name", () => {
  const copy = snapshot(JSON.parse('{"__proto__": {"admin": true}, "a": 1}')) as Record<string, unknown>;
  assert.deepEqual(Object.keys(copy), ["__proto__", "a"]);
  assert.equal(Object.getPrototypeOf(copy), Object.prototype);
  assert.equal(copy["admin"], undefined);
});

test("errors do not carry the value", () => {
  for (const bad of [9007199254740992, "secret\ud800", { secret: undefined }]) {
    assert.throws(() => canonical("t", "a", "n", bad), (error: Error) => !/secret|9007199254740992/.test(String(error.stack?.split("\n")[0])));
  }
});
