// A variable as text. What `wrangler.toml` writes as a number, as yes or no, or as a list is bound as that, and not as text.
export function text(env, name) {
  const value = env[name];
  return typeof value === "string" || value === undefined ? value : JSON.stringify(value);
}
