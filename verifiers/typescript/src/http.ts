/** One request to the issuer: no redirect is followed, since the permit would travel along. */

const BODY_MAX = 65_536;
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** The network's fault, or a server's that says to try again: whether anything was done is unknown. */
export class NoAnswer extends Error {}

export interface Answer {
  status: number;
  /** `undefined` where it is no JSON. */
  body: unknown;
}

/** Throws `NoAnswer`. */
export async function ask(url: string, timeoutMs: number, token?: string, body?: Record<string, string>): Promise<Answer> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (token !== undefined) {
    headers["authorization"] = `Bearer ${token}`;
    headers["content-type"] = "application/json";
  }
  const asked = body === undefined ? { method: "GET" } : { method: "POST", body: JSON.stringify(body) };
  try {
    const answer = await fetch(url, { ...asked, headers, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    if (answer.status === 429 || answer.status >= 500) {
      await answer.body?.cancel();
      throw new NoAnswer();
    }
    return { status: answer.status, body: json(await limited(answer)) };
  } catch {
    throw new NoAnswer();
  }
}

/** The issuer's code of a refusal (RFC 9457), if it is one: whatever else it says is not repeated. */
export function codeOf(body: unknown): string {
  const code = isRecord(body) ? body["code"] : undefined;
  return typeof code === "string" && /^[A-Za-z0-9_]{1,64}$/.test(code) ? code : "";
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function refuseUntrustworthy(url: string, what: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isLoopback = parsed?.protocol === "http:" && LOOPBACK.includes(parsed.hostname);
  if (parsed?.protocol !== "https:" && !isLoopback) {
    throw new TypeError(`${what} must begin with https:// (http:// is for 127.0.0.1 and localhost alone)`);
  }
}

async function limited(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    parts.push(part);
    length += part.length;
    if (length > BODY_MAX) {
      return "";
    }
  }
  return Buffer.concat(parts).toString("utf8");
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
