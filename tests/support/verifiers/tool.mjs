// A tool with the TypeScript verifier, as tool.py is one with Python's: `node tool.mjs PACKAGE`.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { PermitError, Unclear, Verifier } = await import(pathToFileURL(process.argv[2]).href);

for await (const line of createInterface({ input: process.stdin })) {
  const { issuer, tool, tenant, permit, arguments: args, target, ends } = JSON.parse(line);
  const verifier = new Verifier({ issuer, tool, tenant });
  const ran = [];
  let said;
  try {
    const action = async (kept) => {
      ran.push(kept);
      if (ends === "badly") throw new RangeError("it was not done");
      if (ends === "unclear") throw new Unclear("nobody knows");
      return "done";
    };
    if (ends === "receipt") {
      const run = await verifier.consume(await verifier.check(permit, args, target));
      said = await action(args);
      await run.executed("0a".repeat(32));
    } else {
      said = await verifier.guard(permit, args, target, action);
    }
  } catch (error) {
    if (!(error instanceof PermitError || error instanceof RangeError || error instanceof Unclear)) throw error;
    said = error instanceof PermitError ? error.code : error instanceof Unclear ? "Unclear" : "RuntimeError";
  }
  process.stdout.write(`${JSON.stringify({ said, ran })}\n`);
}
