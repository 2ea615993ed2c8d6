/** Why an action does not run. No message carries a permit, an argument or a target: messages are logged. */

export const ASK_AGAIN = "ask for it anew at POST /v1/actions, with the same idempotency key while it is the same action";

/** Whatever keeps an action from running, or its outcome from being told. `code` is for programs. */
export class PermitError extends Error {
  readonly code: string;

  constructor(message: string, code = "permit_error") {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

/** It is no permit of this issuer: forged, of another type or algorithm, or not readable. */
export class PermitInvalid extends PermitError {
  constructor(message: string) {
    super(message, "permit_invalid");
  }
}

/** It was one, and its minute is over. */
export class PermitExpired extends PermitError {
  constructor() {
    super(`the permit has expired: ${ASK_AGAIN}`, "permit_expired");
  }
}

/** It is good, but for another tool, another tenant or of another issuer. */
export class PermitForAnother extends PermitError {
  constructor(what: "issuer" | "tool" | "tenant") {
    super(`the permit is for another ${what}: ${ASK_AGAIN}`, "permit_for_another");
  }
}

/** What is about to be executed is not what was permitted. */
export class ActionMismatch extends PermitError {
  constructor() {
    super(`what is about to be executed is not what was permitted: ${ASK_AGAIN}`, "action_mismatch");
  }
}

/** The arguments are not JSON that every implementation of RFC 8785 writes alike. */
export class ArgumentsInvalid extends PermitError {
  constructor(message: string) {
    super(message, "arguments_invalid");
  }
}

/** The issuer's public keys cannot be had. */
export class KeysUnavailable extends PermitError {
  constructor() {
    super("the issuer's keys cannot be fetched: see that its /v1/permits/jwks.json answers, then try again", "keys_unavailable");
  }
}

/** Somebody else runs this action, or has run it. */
export class PermitConsumed extends PermitError {
  constructor() {
    super("the permit was used before: whoever did runs the action; do not run it again", "permit_consumed");
  }
}

/** The issuer refuses it now: cancelled, stopped by a kill switch, forged. `code` is the issuer's. */
export class PermitRefused extends PermitError {
  constructor(status: number, code: string) {
    super(`the issuer refuses the action now (${code || status}): do not run it`, code || "permit_refused");
  }
}

/** Nobody said clearly that the action may run, so it does not. */
export class ConsumeUnclear extends PermitError {
  constructor(message: string) {
    super(message, "consume_unclear");
  }
}

/** The issuer did not take the outcome. It says nothing of the action, which has ended as it ended. */
export class OutcomeNotTold extends PermitError {
  constructor(outcome: string, why: string, code = "outcome_not_told") {
    super(`the action ended as ${outcome}, which is not recorded (${why}): do not run it again; the issuer will show it as unknown`, code);
  }
}

/** Thrown by a tool that cannot know whether its action happened, such as after a lost answer: nothing is reported. */
export class Unclear extends Error {
  override readonly name = "Unclear";
}
