// Behind gather.js: what it reads of a node, chunk by chunk, and how that ended.

export default {
  async fetch(request, { NODE_URL }) {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const answer = await fetch(NODE_URL);
    const gathered = new Gathered(answer.body, 20);
    const body = new ReadableStream({
      async pull(controller) {
        try {
          const bytes = await gathered.next();
          if (bytes) return controller.enqueue(bytes);
        } catch {
          controller.enqueue(encoder.encode("[broken]"));
        }
        controller.close();
      },
    });
    return new Response(body);
  },
};
