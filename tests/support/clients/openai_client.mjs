// An agent with the unmodified OpenAI SDK for Node: chat completions, responses, embeddings.

import OpenAI from "openai";
import { asked, refusal, run, tool } from "./steps.mjs";

const { text, model } = asked;
const client = new OpenAI({
  baseURL: `${asked.base_url}/v1`,
  apiKey: asked.api_key,
  maxRetries: 0,
  timeout: 60_000,
});
const chatTools = [{ type: "function", function: { ...tool, strict: true } }];
const tools = [{ type: "function", ...tool, strict: true }];
const textOf = (told) =>
  told.output.flatMap((item) => item.content ?? []).map((part) => part.text ?? "").join("");
const user = (content) => ({ role: "user", content });

async function chat_plain() {
  const told = await client.chat.completions.create({ model, messages: [user(text)] });
  return { text: told.choices[0].message.content, usage: told.usage };
}

async function chat_choices() {
  const told = await client.chat.completions.create({ model, messages: [user(text)], n: 2 });
  return { texts: told.choices.map((choice) => choice.message.content) };
}

async function chat_stream() {
  const stream = await client.chat.completions.create({
    model,
    messages: [user(text)],
    stream: true,
    stream_options: { include_usage: true },
  });
  const told = { text: "", deltas: 0, finish: [], usage: [] };
  for await (const chunk of stream) {
    if (chunk.usage) told.usage.push(chunk.usage);
    if (!chunk.choices.length) continue;
    told.text += chunk.choices[0].delta.content ?? "";
    told.deltas += 1;
    if (chunk.choices[0].finish_reason) told.finish.push(chunk.choices[0].finish_reason);
  }
  return told;
}

async function streamedChat(messages) {
  const told = await client.chat.completions.stream({ model, messages, tools: chatTools }).finalChatCompletion();
  return told.choices[0];
}

async function chat_tool_stream() {
  const choice = await streamedChat([user(`call ${text}`)]);
  const called = choice.message.tool_calls[0].function;
  return { name: called.name, arguments: JSON.parse(called.arguments), finish: choice.finish_reason };
}

async function chat_turns() {
  const messages = [user(`call ${text}`)];
  const { role, content, tool_calls } = (await streamedChat(messages)).message;
  messages.push({ role, content, tool_calls });
  messages.push({ role: "tool", tool_call_id: tool_calls[0].id, content: `sent: ${text}` });
  const choice = await streamedChat(messages);
  return { text: choice.message.content, finish: choice.finish_reason };
}

async function chat_unknown_model() {
  const call = () => client.chat.completions.create({ model: asked.unknown_model, messages: [user("hello")] });
  return refusal(call, OpenAI.NotFoundError);
}

async function responses_plain() {
  const told = await client.responses.create({ model, input: text, instructions: "Be brief.", store: false });
  return { text: told.output_text, status: told.status, usage: told.usage };
}

async function responses_stream() {
  const stream = client.responses.stream({ model, input: [user(text)], store: false });
  const deltas = [];
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") deltas.push(event.delta);
  }
  const told = await stream.finalResponse();
  return { text: textOf(told), joined: deltas.join(""), deltas: deltas.length, usage: told.usage };
}

async function streamedResponse(input) {
  const more = { store: false, include: ["reasoning.encrypted_content"], reasoning: { summary: "auto" } };
  return client.responses.stream({ model, input, tools, ...more }).finalResponse();
}

const ofKind = (told, kind) => told.output.find((item) => item.type === kind);

async function responses_tool_stream() {
  const told = await streamedResponse([user(`call ${text}`)]);
  const call = ofKind(told, "function_call");
  const reasoning = ofKind(told, "reasoning").summary[0].text;
  return { name: call.name, arguments: JSON.parse(call.arguments), reasoning, status: told.status };
}

async function responses_turns() {
  const input = [user(`call ${text}`)];
  const first = await streamedResponse(input);
  // What the helper parsed is its own, not the vendor's.
  input.push(...first.output.map(({ parsed_arguments: _, ...item }) => item));
  const { call_id } = ofKind(first, "function_call");
  input.push({ type: "function_call_output", call_id, output: `sent: ${text}` });
  const told = await streamedResponse(input);
  return { text: textOf(told), status: told.status };
}

async function responses_unknown_model() {
  const call = () => client.responses.create({ model: asked.unknown_model, input: "hello", store: false });
  return refusal(call, OpenAI.NotFoundError);
}

async function embeddings() {
  const told = await client.embeddings.create({ model: asked.embedding_model, input: [text, "two"] });
  return { lengths: told.data.map((entry) => entry.embedding.length), usage: told.usage };
}

await run([
  chat_plain,
  chat_choices,
  chat_stream,
  chat_tool_stream,
  chat_turns,
  chat_unknown_model,
  responses_plain,
  responses_stream,
  responses_tool_stream,
  responses_turns,
  responses_unknown_model,
  embeddings,
]);
