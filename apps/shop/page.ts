const escapeHtml = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** The storefront as a person sees it: enough to notice which cart answered. */
export function page(content: Readonly<Record<string, unknown>>): string {
  const cart = content.cart as
    | { readonly version?: string; readonly total?: number; readonly discount?: number }
    | undefined;
  const euros = (cents: number | undefined): string => (cents === undefined ? "–" : `${(cents / 100).toFixed(2)} €`);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>The shop</title>
<style>body{font:16px/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1c2430}pre{background:#f2f4f7;padding:1rem;overflow:auto}</style>
<h1>The shop</h1>
<p>Your cart (answered by <strong>cart ${escapeHtml(cart?.version ?? "?")}</strong>): ${euros(cart?.total)}${cart?.discount ? `, discount ${euros(cart.discount)}` : ""}</p>
<pre>${escapeHtml(JSON.stringify(content, null, 2))}</pre></html>
`;
}
