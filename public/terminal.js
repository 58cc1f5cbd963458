// A terminal in the browser: commands come back whole, answers word by word.

const screen = document.querySelector("#screen");
const input = document.querySelector("#query");
const history = [];

function print(text) {
  screen.append(text);
  input.scrollIntoView();
}

function add(kind) {
  const element = document.createElement(kind);
  screen.append(element);
  return element;
}

async function ask(query) {
  const reply = await fetch("/api/terminal", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, history: history.slice(-10) }),
  });
  if (!reply.headers.get("content-type").startsWith("text/event-stream")) {
    const body = await reply.json();
    print(body.text ?? body.error.message);
    return;
  }
  const said = add("span");
  const aside = add("small");
  let answer = "";
  let seam = "";
  for await (const event of events(reply.body)) {
    aside.textContent = seam;
    if (event.type === "token") {
      answer += event.content;
      said.append(event.content);
    } else if (event.type === "restart") {
      answer = said.textContent = "";
    } else if (event.type === "failover") {
      aside.textContent = seam = `\n(${event.from} broke off, ${event.to} goes on)`;
    } else if (event.type === "status" && event.state === "waking") {
      aside.textContent = `\n(${event.node ?? "the machine"} is waking the model …)`;
    } else if (event.type === "done") {
      history.push({ role: "user", content: query }, { role: "assistant", content: answer });
      return;
    } else if (event.type === "error") {
      const arrived = event.delivered ? ` These are its first ${event.delivered} characters.` : "";
      print(`\n[${event.message}${arrived}]`);
      return;
    }
    input.scrollIntoView();
  }
  aside.textContent = seam;
  print("\n[The connection broke; what you read is not all of it.]");
}

// Frames end with a blank line; comments and unknown types are of no interest.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    // A connection that breaks ends what was said of it as one that is closed does.
    const { value, done } = await reader.read().catch(() => ({ done: true }));
    if (done) return;
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
