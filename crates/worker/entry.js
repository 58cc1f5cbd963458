// What Cloudflare calls; Rust answers.

import { fetch, records, scheduled, tables } from "./index.js";

export default { fetch, scheduled };

export class Records {
  constructor(state) {
    this.sql = state.storage.sql;
    tables(this.sql);
  }

  async fetch(request) {
    return new Response(records(this.sql, await request.text()));
  }
}
