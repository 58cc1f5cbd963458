// The relay as products write it, on web streams: one file for workerd and, through serve.mjs, for Node.js.

export default {
  async fetch(request, { NODE_URL }) {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const { query } = await request.json();
    if (query === "help") return Response.json({ text: "Ask me anything." });
    const answer = await fetch(`${NODE_URL}/api/chat`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "bench", stream: true, messages: [{ role: "user", content: query }] }),
    });
    return new Response(events(answer.body), { headers: { "content-type": "text/event-stream" } });
  },
};

function events(body) {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async start(controller) {
      const send = (event) => controller.enqueue(encoder.encode(`data: ${JSON.stringify(event)}\n\n`));
      const reader = body.getReader();
      const decoder = new TextDecoder();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
        rest = lines.pop();
        for (const line of lines) {
          const { message, done, done_reason, eval_count } = JSON.parse(line);
          if (message.content) send({ type: "token", content: message.content });
          if (done) send({ type: "done", reason: done_reason, tokens: eval_count });
        }
      }
      controller.close();
    },
  });
}
