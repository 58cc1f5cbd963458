// A terminal in the browser: commands come back whole, answers word by word.

const screen = document.querySelector("#screen");
const input = document.querySelector("#query");
const history = [];

// The newest turns of what was said, and their bytes: the service passes on no more.
const MOST_TURNS = 20;
const MOST_BYTES = 8000;

// Milliseconds without a sign of life, of which the service gives one every few seconds: the way to it is lost.
const LONGEST_SILENCE = 60_000;

function print(text) {
  screen.append(text);
  input.scrollIntoView();
}

function add(kind) {
  const element = document.createElement(kind);
  screen.append(element);
  return element;
}

function newest() {
  const encoder = new TextEncoder();
  let room = MOST_BYTES;
  const turns = history.slice(-MOST_TURNS);
  const outgrown = turns.findLastIndex(({ content }) => (room -= encoder.encode(content).length) < 0);
  return turns.slice(outgrown + 1);
}

async function ask(query) {
  const shown = { said: add("span"), aside: add("small"), answer: "", seam: "" };
  if (await tell(query, shown)) return;
  // Where an instance has died another one goes on behind what is here.
  if (shown.answer && (await tell(query, shown).catch(() => false))) return;
  print("\n[The connection broke; what you read is not all of it.]");
}

// Whether it came to an end.
async function tell(query, shown) {
  const life = new Lifeline();
  try {
    return await hear(query, shown, life);
  } finally {
    life.end();
  }
}

async function hear(query, shown, life) {
  const resume = shown.answer || undefined;
  const reply = await fetch("/api/terminal", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, history: newest(), resume }),
    signal: life.signal,
  });
  if (!reply.headers.get("content-type").startsWith("text/event-stream")) {
    if (resume) return false;
    const body = await reply.json();
    print(body.text ?? body.error.message);
    return true;
  }
  for await (const event of events(reply.body, life)) {
    shown.aside.textContent = shown.seam;
    if (event.type === "token") {
      shown.answer += event.content;
      shown.said.append(event.content);
    } else if (event.type === "restart") {
      shown.answer = shown.said.textContent = "";
    } else if (event.type === "failover") {
      shown.aside.textContent = shown.seam = `\n(${event.from} broke off, ${event.to} goes on)`;
    } else if (event.type === "status" && event.state === "waking") {
      shown.aside.textContent = `\n(${event.node ?? "the machine"} is waking the model …)`;
    } else if (event.type === "done") {
      if (event.reason === "length") print("\n[The answer has reached its greatest length.]");
      history.push({ role: "user", content: query }, { role: "assistant", content: shown.answer });
      return true;
    } else if (event.type === "error") {
      const arrived = event.delivered ? ` These are its first ${event.delivered} characters.` : "";
      print(`\n[${event.message}${arrived}]`);
      return true;
    }
    input.scrollIntoView();
  }
  shown.aside.textContent = shown.seam;
  return false;
}

// Its signal gives up what has shown no sign of life for too long.
class Lifeline {
  #silence = new AbortController();
  #timer;
  signal = this.#silence.signal;

  constructor() {
    this.sign();
  }

  sign() {
    this.end();
    this.#timer = setTimeout(() => this.#silence.abort(), LONGEST_SILENCE);
  }

  end() {
    clearTimeout(this.#timer);
  }
}

// Frames end with a blank line; comments and unknown types are of no interest beyond that they come.
async function* events(body, life) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    // A connection that breaks ends what was said of it as one that is closed does.
    const { value, done } = await reader.read().catch(() => ({ done: true }));
    if (done) return;
    life.sign();
    text += value;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      if (text.startsWith("data: ")) yield JSON.parse(text.slice(6, end));
    }
  }
}

document.querySelector("#form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const query = input.value.trim();
  if (!query) return;
  input.value = "";
  input.disabled = true;
  print(`\n> ${query}\n`);
  try {
    await ask(query);
  } catch {
    print("[The service cannot be reached.]");
  }
  print("\n");
  input.disabled = false;
  input.focus();
});
