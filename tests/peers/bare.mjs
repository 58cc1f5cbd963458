// The relay on node:http alone, without web streams: NODE_URL=URL node bare.mjs PORT

import { Agent, createServer, request as ask } from "node:http";

const agent = new Agent({ keepAlive: true });

const server = createServer((request, reply) => {
  if (request.method !== "POST") return reply.writeHead(405).end();
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const { query } = JSON.parse(body);
    if (query === "help") {
      reply.setHeader("content-type", "application/json");
      return reply.end(JSON.stringify({ text: "Ask me anything." }));
    }
    reply.writeHead(200, { "content-type": "text/event-stream" });
    relay(query, reply);
  });
});

function relay(query, reply) {
  const send = (event) => reply.write(`data: ${JSON.stringify(event)}\n\n`);
  const headers = { "content-type": "application/json" };
  const asked = ask(`${process.env.NODE_URL}/api/chat`, { method: "POST", headers, agent }, (answer) => {
    let rest = "";
    answer.setEncoding("utf8");
    answer.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const { message, done, done_reason, eval_count } = JSON.parse(line);
        if (message.content) send({ type: "token", content: message.content });
        if (done) send({ type: "done", reason: done_reason, tokens: eval_count });
      }
    });
    answer.on("end", () => reply.end());
  });
  asked.end(JSON.stringify({ model: "bench", stream: true, messages: [{ role: "user", content: query }] }));
}

server.listen(Number(process.argv[2]), "127.0.0.1");
