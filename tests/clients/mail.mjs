// The official client of Resend sends mails: node mail.mjs URL KEY. Exits with 0 when everything was as it should be.
// The room takes twenty requests a second.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(new URL("../../tools/package.json", import.meta.url));
const { Resend } = require("resend");

const [baseUrl, key] = process.argv.slice(2);
assert(key, "usage: node mail.mjs URL KEY");
const resend = new Resend(key, { baseUrl });
const mail = { from: "Homefire <home@example.com>", to: "owner@example.com", subject: "mini is down", text: "since 12:00" };

const sent = async (payload, options) => {
  const { data, error, headers } = await resend.emails.send(payload, options);
  assert.equal(error, null);
  assert.match(data.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  return { id: data.id, headers };
};

const refused = async (client, payload, options, statusCode, name, message) => {
  const { data, error } = await client.emails.send(payload, options);
  assert.equal(data, null);
  assert.deepEqual([error.statusCode, error.name], [statusCode, name]);
  assert.match(error.message, message);
};

const steps = {
  async "a mail is sent"() {
    const { headers } = await sent(mail);
    assert.equal(headers["ratelimit-limit"], "20");
    assert.equal(headers["ratelimit-remaining"], "19");
    await sent({ ...mail, to: ["a@example.com", "B <b@example.com>"], html: "<p>since 12:00</p>" });
  },
  async "once"() {
    const options = { idempotencyKey: "mini/1/down" };
    const first = await sent(mail, options);
    assert.equal((await sent(mail, options)).id, first.id);
    const other = { ...mail, text: "since 12:05" };
    await refused(resend, other, options, 409, "invalid_idempotent_request", /different request payload/);
  },
  async "what is no mail"() {
    const missing = (payload, field) =>
      refused(resend, payload, {}, 422, "missing_required_field", new RegExp(`^Missing ${field} field\\.$`));
    await missing({ ...mail, to: undefined }, "`to`");
    await missing({ ...mail, text: undefined }, "`html` or `text`");
    await refused(resend, { ...mail, from: "nobody" }, {}, 422, "validation_error", /^Invalid `from` field/);
  },
  async "whose key is no good"() {
    const stranger = new Resend("re_guess", { baseUrl });
    await refused(stranger, mail, {}, 401, "validation_error", /API key is invalid/);
  },
  async "too many"() {
    let answer = await resend.emails.send(mail);
    for (let nth = 0; nth < 100 && !answer.error; nth += 1) answer = await resend.emails.send(mail);
    const { error, headers } = answer;
    assert.deepEqual([error.statusCode, error.name], [429, "rate_limit_exceeded"]);
    assert.equal(headers["retry-after"], "1");
    await sleep(1100);
  },
  async "a key that is too long"() {
    const idempotencyKey = "k".repeat(257);
    await refused(resend, mail, { idempotencyKey }, 400, "invalid_idempotency_key", /1-256/);
  },
};

for (const [name, step] of Object.entries(steps)) {
  await step().catch((error) => {
    console.error(`${name}: failed`);
    throw error;
  });
  console.log(`${name}: ok`);
}
