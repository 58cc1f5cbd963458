// A Worker that hands a body over without looking into it.

export default {
  async fetch(request, { NODE_URL }) {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const body = await request.arrayBuffer();
    const answer = await fetch(`${NODE_URL}/api/terminal`, { method: "POST", body });
    return new Response(answer.body, answer);
  },
};
