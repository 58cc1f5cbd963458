// The official JavaScript client talks to a node: node chat.mjs URL. Exits with 0 when everything was as it should be.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../tools/package.json", import.meta.url));
const { Ollama } = require("ollama");

const host = process.argv[2];
assert(host, "usage: node chat.mjs URL");
const ollama = new Ollama({ host });
const model = "qwen3.5:latest";
const plain = "qwen2.5-coder:7b";
const messages = [{ role: "user", content: "What do you build, and why at home?" }];

async function gather(request) {
  const heard = { text: "", thinking: "", chunks: 0, last: null };
  for await (const chunk of await ollama.chat({ messages, think: false, ...request, stream: true })) {
    heard.text += chunk.message.content;
    heard.thinking += chunk.message.thinking ?? "";
    heard.chunks += 1;
    heard.last = chunk;
  }
  return heard;
}

const whole = (request) => ollama.chat({ messages, think: false, ...request });

const fails = (status, text, request) =>
  assert.rejects(whole(request), (error) => {
    assert.equal(error.name, "ResponseError");
    assert.equal(error.status_code, status);
    assert.match(error.error, text);
    return true;
  });

let answer;

const steps = {
  async version() {
    assert.match((await ollama.version()).version, /^\d+\.\d+\.\d+$/);
  },
  async list() {
    const { models } = await ollama.list();
    assert.deepEqual(models.map((each) => each.name), [model, plain]);
    assert.match(models[0].digest, /^[0-9a-f]{64}$/);
    assert.notEqual(models[0].digest, models[1].digest);
    assert.equal(models[0].details.family, "qwen35");
  },
  async show() {
    assert((await ollama.show({ model })).capabilities.includes("thinking"));
    assert(!(await ollama.show({ model: plain })).capabilities.includes("thinking"));
    await assert.rejects(ollama.show({ model: "nobody" }), { name: "ResponseError", status_code: 404 });
  },
  async "a whole answer"() {
    const reply = await whole({ model });
    assert(reply.done && reply.done_reason === "stop" && reply.eval_count > 10 && reply.total_duration > 0);
    assert.equal(reply.message.thinking, undefined);
    answer = reply.message.content;
    assert.match(answer, /—.*🔥/s);
  },
  async ps() {
    const { models } = await ollama.ps();
    assert.deepEqual(models.map((each) => each.name), [model]);
    assert(new Date(models[0].expires_at) > new Date());
  },
  async "a streamed answer"() {
    const heard = await gather({ model });
    assert.equal(heard.text, answer);
    assert(heard.chunks > 10 && heard.last.done && heard.last.done_reason === "stop");
  },
  async "however it is cut"() {
    for (const cut of ["bytes,pace=0", "joined", "split", "no-newline"]) {
      assert.equal((await gather({ model: `sim:say,${cut}` })).text, answer, cut);
    }
  },
  async generate() {
    const reply = await ollama.generate({ model, prompt: messages[0].content, think: false });
    assert.equal(reply.response, answer);
    assert(reply.context.length > 0);
  },
  async "thinking, unless it is switched off"() {
    assert.notEqual((await gather({ model, think: undefined })).thinking, "");
    assert.notEqual((await whole({ model, think: true })).message.thinking, "");
    assert.equal((await gather({ model, think: false })).thinking, "");
    await fails(400, /"qwen2.5-coder:7b" does not support thinking/, { model: plain, think: true });
  },
  async "a tool call"() {
    const reply = await whole({ model: "sim:say,tools" });
    assert.match(reply.message.tool_calls[0].function.name, /^\w+$/);
  },
  async "a limit of tokens"() {
    const reply = await whole({ model, options: { num_predict: 3 } });
    assert.equal(reply.done_reason, "length");
    assert.equal(reply.eval_count, 3);
  },
  async "an answer in JSON"() {
    const format = {
      type: "object",
      properties: { subject: { type: "string" }, urgent: { type: "boolean" }, words: { type: "integer" } },
    };
    const value = JSON.parse((await whole({ model, format })).message.content);
    assert.deepEqual(Object.values(value).map((field) => typeof field), ["string", "boolean", "number"]);
    const cut = await whole({ model: "sim:say,length", format });
    assert.throws(() => JSON.parse(cut.message.content), SyntaxError);
  },
  async "an answer goes on where it broke off"() {
    const begun = [...messages, { role: "assistant", content: answer.slice(0, 40) }];
    assert.equal(answer.slice(0, 40).trimEnd() + (await whole({ model, messages: begun })).message.content, answer);
  },
  async "load and unload"() {
    assert.equal((await whole({ model, messages: [] })).done_reason, "load");
    assert.equal((await whole({ model, messages: [], keep_alive: 0 })).done_reason, "unload");
    assert.deepEqual((await ollama.ps()).models, []);
  },
  async "errors instead of an answer"() {
    await fails(404, /^model 'nobody' not found$/, { model: "nobody" });
    await fails(400, /^model is required$/, { model: "" });
    await fails(503, /^server busy, please try again\.  maximum/, { model: "sim:503" });
    await fails(429, /^rate limit exceeded$/, { model: "sim:429" });
    await fails(500, /^model runner has unexpectedly stopped/, { model: "sim:500" });
    await assert.rejects(gather({ model: "sim:503" }), { name: "ResponseError", status_code: 503 });
  },
  async "errors in an answer"() {
    await assert.rejects(gather({ model: "sim:error@3" }), /an error was encountered while running the model/);
    await assert.rejects(gather({ model: "sim:end@3" }), /Did not receive done/);
    await assert.rejects(gather({ model: "sim:reset@3" }), TypeError);
  },
  async "who leaves frees the node"() {
    const stream = await ollama.chat({ model: "sim:stall@3", messages, think: false, stream: true });
    await assert.rejects(
      (async () => {
        for await (const chunk of stream) if (chunk.message.content) stream.abort();
      })(),
      { name: "AbortError" },
    );
    assert.equal((await whole({ model })).message.content, answer);
  },
};

for (const [name, step] of Object.entries(steps)) {
  await step().catch((error) => {
    console.error(`${name}: failed`);
    throw error;
  });
  console.log(`${name}: ok`);
}
