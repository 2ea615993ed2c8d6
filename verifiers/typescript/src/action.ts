/** The action as the permit names it: SHA-256 over the JCS form (RFC 8785) of what is about to be executed. */

import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { ArgumentsInvalid } from "./errors.js";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** From here on JCS writes an exponent, which says that the number is a double. */
const EXPONENT_FROM = 1e21;
/** As deep as the issuer reads JSON. */
const DEPTH_MAX = 128;
const NOT_PLAIN = "the arguments are not plain JSON: use objects, arrays, strings, numbers, booleans and null";
const HALF_A_PAIR = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** The text whose UTF-8 is digested. Throws `ArgumentsInvalid`. */
export function canonical(tenantId: string, agentId: string, tool: string, args: unknown, target: string | null = null): string {
  if (target !== null && typeof target !== "string") {
    throw new ArgumentsInvalid("the target is text or null");
  }
  const form = { v: 1, tenant_id: tenantId, agent_id: agentId, tool, arguments: snapshot(args), target: snapshot(target) };
  const text = canonicalize(form);
  if (text === undefined) {
    throw new ArgumentsInvalid(NOT_PLAIN);
  }
  return text;
}

/** SHA-256 of `canonical`, as 64 hexadecimal digits in lower case. */
export function digest(tenantId: string, agentId: string, tool: string, args: unknown, target: string | null = null): string {
  return createHash("sha256").update(canonical(tenantId, agentId, tool, args, target), "utf8").digest("hex");
}

/**
 * A copy of a JSON value that nobody else can change between its check and its execution. What JSON has not is refused
 * and not left out: `undefined`, dates, instances of classes, getters, `toJSON`, holes, symbols.
 */
export function snapshot(value: unknown, depth = 0): Json {
  if (depth > DEPTH_MAX) {
    throw new ArgumentsInvalid(`the arguments are nested more than ${DEPTH_MAX} deep`);
  }
  switch (typeof value) {
    case "boolean":
      return value;
    case "string":
      return wellFormed(value);
    case "number":
      return exact(value);
    case "object":
      return value === null ? null : container(value, depth + 1);
    default:
      throw new ArgumentsInvalid(NOT_PLAIN);
  }
}

/** Reads JSON that a tool was sent, and refuses inexact numbers. Of names that come twice `JSON.parse` shows the last alone. */
export function parseArguments(text: string): Json {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new ArgumentsInvalid("the arguments are no JSON");
  }
  return snapshot(parsed);
}

function container(value: object, depth: number): Json {
  if (Array.isArray(value)) {
    return items(value).map((item) => snapshot(item, depth));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new ArgumentsInvalid(NOT_PLAIN);
  }
  const copy: { [name: string]: Json } = {};
  for (const [name, item] of fields(value)) {
    // Assigned, `__proto__` would vanish from what is digested and change what is executed.
    const one = { value: snapshot(item, depth), enumerable: true, writable: true, configurable: true };
    Object.defineProperty(copy, wellFormed(name), one);
  }
  return copy;
}

function items(value: unknown[]): unknown[] {
  const own = Reflect.ownKeys(value);
  // As many as indices and `length`, each with a value: no hole, no getter, nothing besides.
  if (Object.getPrototypeOf(value) !== Array.prototype || own.length !== value.length + 1) {
    throw new ArgumentsInvalid(NOT_PLAIN);
  }
  return Array.from({ length: value.length }, (_, index) => ownValue(value, String(index)));
}

function fields(value: object): [string, unknown][] {
  return Reflect.ownKeys(value).map((name) => {
    if (typeof name !== "string") {
      throw new ArgumentsInvalid(NOT_PLAIN);
    }
    return [name, ownValue(value, name)];
  });
}

function ownValue(value: object, name: string): unknown {
  const property = Object.getOwnPropertyDescriptor(value, name);
  const isPlain = property?.enumerable === true && "value" in property;
  if (!isPlain || typeof property.value === "function") {
    throw new ArgumentsInvalid(NOT_PLAIN);
  }
  return property.value;
}

function wellFormed(text: string): string {
  if (HALF_A_PAIR.test(text)) {
    throw new ArgumentsInvalid("a text holds half a surrogate pair: send well-formed Unicode");
  }
  return text;
}

function exact(number: number): number {
  if (!Number.isFinite(number)) {
    throw new ArgumentsInvalid("a number is not finite: JSON has neither NaN nor infinity");
  }
  const isInDigits = Number.isInteger(number) && Math.abs(number) < EXPONENT_FROM;
  if (isInDigits && !Number.isSafeInteger(number)) {
    throw new ArgumentsInvalid("a number is not exact in a double: send what is beyond 2^53 - 1 as text");
  }
  return number;
}
