// What the Node clients share: {base_url, api_key, model, unknown_model, text} in, {step, ok, detail} a line out.

import { readFileSync } from "node:fs";

export const asked = JSON.parse(readFileSync(0, "utf8"));
export const tool = {
  name: "send_note",
  description: "Sends a note.",
  parameters: {
    type: "object",
    properties: { to: { type: "string" } },
    required: ["to"],
    additionalProperties: false,
  },
};

// Every step runs, whatever became of the ones before. A step's name is its function's.
export async function run(steps) {
  for (const step of steps) {
    let told;
    try {
      told = { step: step.name, ok: true, detail: await step() };
    } catch (error) {
      told = { step: step.name, ok: false, detail: { error: error.constructor.name, message: error.message } };
    }
    console.log(JSON.stringify(told));
  }
}

// What the SDK made of an error that it has a type for.
export async function refusal(call, expected) {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof expected)) throw error;
    return { error: error.constructor.name, status: error.status, body: error.error };
  }
  throw new Error(`no ${expected.name}`);
}
