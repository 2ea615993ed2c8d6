/**
 * Permits of Countersign: what a tool does with one before it runs the action that an agent wants.
 *
 *     const verifier = new Verifier({ issuer: "https://actions.example.com", tool: "payments.send", tenant: "ten_..." });
 *     const receipt = await verifier.guard(permit, args, target, (args) => bank.send(args));
 */
export { canonical, digest, parseArguments, type Json } from "./action.js";
export * from "./errors.js";
export type { Jwks } from "./keys.js";
export type { Permit } from "./permit.js";
export { Run } from "./run.js";
export { Verifier, type VerifierOptions } from "./verifier.js";
