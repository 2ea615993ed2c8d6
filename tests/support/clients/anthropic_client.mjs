// An agent with the unmodified Anthropic SDK for Node: `package` names the newest, or the last that sends x-api-key.

import { asked, refusal, run, tool } from "./steps.mjs";

const { default: Anthropic } = await import(asked.package);
const { text, model } = asked;
const client = new Anthropic({
  baseURL: asked.base_url,
  apiKey: asked.api_key,
  maxRetries: 0,
  timeout: 60_000,
});
const tools = [{ name: tool.name, description: tool.description, input_schema: tool.parameters }];
const user = (content) => ({ role: "user", content });
const ofKind = (message, kind) => message.content.filter((block) => block.type === kind);
const textOf = (message) => ofKind(message, "text").map((block) => block.text).join("");

async function plain() {
  const told = await client.messages.create({ model, max_tokens: 256, system: "Be brief.", messages: [user(text)] });
  return { text: textOf(told), stop: told.stop_reason, usage: told.usage };
}

async function stream() {
  const deltas = [];
  const events = client.messages.stream({ model, max_tokens: 256, messages: [user(text)] });
  events.on("text", (delta) => deltas.push(delta));
  const told = await events.finalMessage();
  const { stop_reason: stop, usage } = told;
  return { text: textOf(told), joined: deltas.join(""), deltas: deltas.length, stop, usage };
}

async function streamed(messages, more) {
  return client.messages.stream({ model, max_tokens: 2048, messages, tools, ...more }).finalMessage();
}

async function tool_stream() {
  const told = await streamed([user(`call ${text}`)]);
  const [call] = ofKind(told, "tool_use");
  return { name: call.name, arguments: call.input, stop: told.stop_reason };
}

async function turn(more) {
  const messages = [user(`call ${text}`)];
  const first = await streamed(messages, more);
  const [call] = ofKind(first, "tool_use");
  const result = { type: "tool_result", tool_use_id: call.id, content: `sent: ${text}` };
  messages.push({ role: "assistant", content: first.content }, user([result]));
  const told = await streamed(messages, more);
  const thinking = ofKind(first, "thinking").map((block) => block.thinking);
  return { text: textOf(told), thinking, stop: told.stop_reason };
}

async function turns() {
  return turn({});
}

// The blocks of thinking go back as they came, signature included.
async function thinking_turns() {
  const told = await turn({ thinking: { type: "enabled", budget_tokens: 1024 } });
  if (!told.thinking.length) throw new Error("the model did not think");
  return told;
}

async function count_tokens() {
  const told = await client.messages.countTokens({ model, messages: [user(text)] });
  return { tokens: told.input_tokens };
}

async function unknown_model() {
  const call = () =>
    client.messages.create({ model: asked.unknown_model, max_tokens: 16, messages: [user("hello")] });
  return refusal(call, Anthropic.NotFoundError);
}

await run([plain, stream, tool_stream, turns, thinking_turns, count_tokens, unknown_model]);
