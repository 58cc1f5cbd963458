// The official client of Upstash talks to a database: node redis.mjs URL TOKEN. Exits with 0 when everything was as it
// should be.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../tools/package.json", import.meta.url));
const { Redis } = require("@upstash/redis");

const [url, token] = process.argv.slice(2);
assert(token, "usage: node redis.mjs URL TOKEN");
const redis = new Redis({ url, token, retry: false, enableTelemetry: false });
const alone = new Redis({ url, token, retry: false, enableTelemetry: false, enableAutoPipelining: false });
const plain = new Redis({ url, token, retry: false, enableTelemetry: false, responseEncoding: false });

const swap = `local old = redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GET', KEYS[1]) or ''
if old ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`;

const steps = {
  async "set and get"() {
    for (const client of [redis, alone, plain]) {
      assert.equal(await client.set("text", "grüß dich 🦀"), "OK");
      assert.equal(await client.get("text"), "grüß dich 🦀");
      assert.equal(await client.set("figure", 7), "OK");
      assert.equal(await client.get("figure"), 7);
      assert.equal(await client.set("object", { a: [1, "two", null], b: true }), "OK");
      assert.deepEqual(await client.get("object"), { a: [1, "two", null], b: true });
      assert.equal(await client.set("ok", "OK"), "OK");
      assert.equal(await client.get("ok"), "OK");
    }
  },
  async "what is not there"() {
    assert.equal(await redis.get("nobody"), null);
    assert.equal(await alone.get("nobody"), null);
    assert.deepEqual(await redis.mget("text", "nobody", "figure"), ["grüß dich 🦀", null, 7]);
  },
  async "options, integers, types"() {
    assert.equal(await redis.set("once", 1, { nx: true, ex: 100 }), "OK");
    assert.equal(await redis.set("once", 2, { nx: true }), null);
    const left = await redis.ttl("once");
    assert(left > 90 && left <= 100, `${left} s`);
    assert.equal(await redis.incr("figure"), 8);
    assert.equal(await redis.type("once"), "string");
    assert.equal(await redis.hset("hash", { a: 1, b: "two" }), 2);
    assert.deepEqual(await redis.hgetall("hash"), { a: 1, b: "two" });
    assert.equal(await redis.ping(), "PONG");
    assert.equal(await redis.del("once", "nobody"), 1);
  },
  async "compare and swap"() {
    const check = async (key, from, to, expected) =>
      assert.equal(await redis.eval(swap, [key], [from, to]), expected, `${key}: ${from} -> ${to}`);
    await check("swap", "", "a", 1);
    await check("swap", "a", "b", 1);
    await check("swap", "a", "c", 0);
    assert.equal(await redis.get("swap"), "b");
    await check("hash", "", "a", 1);
    assert.equal(await redis.get("hash"), "a");
    assert.deepEqual(await redis.eval("return {1, {'a', false}, 'OK'}", [], []), [1, ["a", null], "OK"]);
  },
  async "many at once"() {
    const pipeline = redis.pipeline().set("p", "1").incr("p").get("p").get("nobody");
    assert.deepEqual(await pipeline.exec(), ["OK", 2, 2, null]);
    assert.deepEqual(await redis.multi().set("m", "x").get("m").del("m").exec(), ["OK", "x", 1]);
    const mixed = await redis.pipeline().set("t", "x").lpush("t", "y").get("t").exec({ keepErrors: true });
    assert.deepEqual(mixed.map(({ result }) => result), ["OK", undefined, "x"]);
    assert.match(mixed[1].error, /^WRONGTYPE /);
    const together = await Promise.all([redis.get("p"), redis.get("t"), redis.incr("p")]);
    assert.deepEqual(together, [2, "x", 3]);
  },
  async "errors"() {
    const fails = (task, message) => assert.rejects(task, { name: "UpstashError", message });
    await fails(alone.lpush("text", "y"), /^WRONGTYPE Operation against a key holding the wrong kind of value/);
    await fails(redis.lpush("text", "y"), /WRONGTYPE Operation against/);
    await fails(alone.eval("return nonsense(", [], []), /^ERR Error compiling script/);
    await fails(alone.incr("text"), /^ERR value is not an integer or out of range/);
    await fails(redis.multi().set("m", "x").eval("a", ["k", "l"], []).exec(), /ERR/);
    const stranger = new Redis({ url, token: "guess", retry: false, enableAutoPipelining: false });
    await fails(stranger.get("text"), /^WRONGPASS invalid or missing auth token/);
  },
  async "a path is a command"() {
    const headers = { authorization: `Bearer ${token}` };
    const check = async (path, options, status, body) => {
      const reply = await fetch(url + path, { headers, ...options });
      assert.deepEqual([reply.status, await reply.json()], [status, body], path);
    };
    await check("/set/path/v?EX=100", {}, 200, { result: "OK" });
    await check("/ttl/path", { method: "POST" }, 200, { result: 100 });
    await check("/set/path?EX=100", { method: "POST", body: "a/b" }, 200, { result: "OK" });
    await check(`/get/path?_token=${token}`, { headers: {} }, 200, { result: "a/b" });
    await check("/get/path", { headers: {} }, 401, { error: "WRONGPASS invalid or missing auth token" });
    assert.equal((await fetch(`${url}/get/path`, { method: "DELETE", headers })).status, 405);
  },
};

for (const [name, step] of Object.entries(steps)) {
  await step().catch((error) => {
    console.error(`${name}: failed`);
    throw error;
  });
  console.log(`${name}: ok`);
}
