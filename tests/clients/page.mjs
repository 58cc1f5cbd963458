// The page's terminal reads what the functions say: node page.mjs. Exits with 0 when the screen shows what it should.

import assert from "node:assert/strict";

// What the page has of a document: a text, or what is in it.
class Element {
  #parts = [];
  listeners = {};
  value = "";

  append(part) {
    this.#parts.push(part);
  }

  get textContent() {
    return this.#parts.map((part) => part.textContent ?? part).join("");
  }

  set textContent(text) {
    this.#parts = [text];
  }

  addEventListener(kind, listener) {
    this.listeners[kind] = listener;
  }

  scrollIntoView() {}
  focus() {}
}

const [screen, query, form] = [new Element(), new Element(), new Element()];
globalThis.document = {
  querySelector: (name) => ({ "#screen": screen, "#query": query, "#form": form })[name],
  createElement: () => new Element(),
};

let replies;
let asked;
globalThis.fetch = async (_, { body, signal }) => {
  asked = JSON.parse(body);
  return replies(asked, signal);
};

await import("../../public/terminal.js");

// Asks, and says what has come to the screen.
async function ask(text, reply) {
  replies = reply;
  const before = screen.textContent.length;
  query.value = text;
  await form.listeners.submit({ preventDefault() {} });
  assert.equal(query.disabled, false);
  return screen.textContent.slice(before);
}

// A stream of these pieces, which then ends, or breaks.
function stream(pieces, breaks = false) {
  pieces = [...pieces];
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece !== undefined) controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
      else if (breaks) controller.error(new TypeError("terminated"));
      else controller.close();
    },
  });
  return () => new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}

const frames = (...events) => events.map((event) => `data: ${JSON.stringify(event)}\n\n`);
const token = (content) => ({ type: "token", content });
const done = { type: "done", node: "mini", model: "m", reason: "stop", tokens: 2 };
const whole = (value, status = 200) => () => Response.json(value, { status });

const BROKE = "\n[The connection broke; what you read is not all of it.]\n";

async function check(name, reply, expect) {
  const seen = await ask("Why?", reply);
  assert.equal(seen, `\n> Why?\n${expect}`, name);
  console.log(`${name}: ok`);
}

await check("a command", whole({ type: "text", text: "Ask me." }), "Ask me.\n");
await check("an error", whole({ error: { code: "no_node", message: "Nobody." } }, 503), "Nobody.\n");
await check("an answer", stream(frames(token("Be"), token("cause."), done)), "Because.\n");
const cut = new TextEncoder().encode(frames(token("Ja 🔥"), done).join(""));
await check("however it is cut", stream([...cut].map((byte) => Uint8Array.of(byte))), "Ja 🔥\n");
await check("heartbeats", stream([":\n\n", ...frames(token("Yes"), done), ":\n\n"]), "Yes\n");
await check("what nobody knows", stream(frames({ type: "new" }, token("Yes"), done)), "Yes\n");
await check(
  "another goes on",
  stream(frames(token("Be"), { type: "failover", from: "mini", to: "cloud" }, token("cause."), done)),
  "Because.\n(mini broke off, cloud goes on)\n",
);
await check("it begins anew", stream(frames(token("Be"), { type: "restart" }, token("So."), done)), "So.\n");
await check("waking", stream(frames({ type: "status", state: "waking" }, token("Yes"), done)), "Yes\n");
await check(
  "its greatest length",
  stream(frames(token("The one that I like best is"), { ...done, reason: "length" })),
  "The one that I like best is\n[The answer has reached its greatest length.]\n",
);
await check(
  "cut off",
  stream(frames(token("Be"), { type: "error", code: "cut", message: "It broke off.", delivered: 2 })),
  "Be\n[It broke off. These are its first 2 characters.]\n",
);
await check("without a word", stream([":\n\n"]), BROKE);
for (const breaks of [false, true]) {
  const broken = () => stream(frames(token("Be")), breaks)();
  const then = (reply) => (ask) => (ask.resume === undefined ? broken() : reply(ask));
  const goesOn = (ask) => stream(frames(token(`${ask.resume === "Be"}`), done))();
  await check(`broken (${breaks}), and another goes on`, then(goesOn), "Betrue\n");
  const anew = (ask) => stream(frames({ type: "restart" }, token("So."), done))(ask);
  await check("and another begins anew", then(anew), "So.\n");
  await check("and breaks again", broken, `BeBe${BROKE}`);
  const nobody = whole({ error: { code: "no_node", message: "Nobody." } }, 503);
  await check("and there is nobody", then(nobody), `Be${BROKE}`);
  const gone = () => Promise.reject(new TypeError("fetch failed"));
  await check("and there is nothing", then(gone), `Be${BROKE}`);
}
await check(
  "nobody there",
  () => {
    throw new TypeError("fetch failed");
  },
  "[The service cannot be reached.]\n",
);

// The way is lost: nothing comes any more, not even an end.
const { setTimeout, clearTimeout } = globalThis;
let alarm;
globalThis.setTimeout = (ring, after) => (alarm = { ring, after });
globalThis.clearTimeout = (one) => {
  if (alarm === one) alarm = undefined;
};
const wait = (time) => {
  if ((alarm.after -= time) <= 0) alarm.ring();
};
const lost = (pieces) => (_, signal) => {
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      signal.addEventListener("abort", () => controller.error(signal.reason));
    },
  });
  const minute = setInterval(() => wait(59_000), 5);
  signal.addEventListener("abort", () => clearInterval(minute));
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
};
await check(
  "nothing comes any more, and another goes on",
  (ask, signal) =>
    ask.resume === "Be" ? stream(frames(token("cause."), done))() : lost(frames(token("Be")))(ask, signal),
  "Because.\n",
);
await check("nothing ever came", lost([]), BROKE);
await check(
  "there is no head",
  (_, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      setImmediate(() => wait(60_000));
    }),
  "[The service cannot be reached.]\n",
);
assert.equal(alarm, undefined, "nothing rings behind the end");
Object.assign(globalThis, { setTimeout, clearTimeout });

// What is sent stays below what is taken, whatever was said: a command is answered always.
for (let turn = 0; turn < 6; turn += 1) await ask("And?", stream(frames(token("é".repeat(9_000)), done)));
await ask("help", whole({ text: "" }));
assert.deepEqual(asked, { query: "help", history: [] });
for (let turn = 0; turn < 12; turn += 1) await ask(`And ${turn}?`, stream(frames(token(`${turn}.`), done)));
await ask("help", whole({ text: "" }));
assert.equal(asked.history.length, 20);
assert.deepEqual(asked.history.at(-1), { role: "assistant", content: "11." });
console.log("what was said before: ok");
