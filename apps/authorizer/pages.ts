const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const document = (content: string): string => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Login</title>
<meta name="viewport" content="width=device-width">
<style>body{font:16px/1.5 system-ui;max-width:26rem;margin:12vh auto;padding:0 1rem;color:#1c2430}button,a.button{font:inherit;display:inline-block;padding:.5rem 1rem;border:0;border-radius:.4rem;background:#1f5fbf;color:#fff;text-decoration:none}</style>
${content}</html>
`;

/** A sentence, and where to go from there. */
export const messagePage = (text: string, label: string, href: string): string =>
  document(`<h1>${escapeHtml(text)}</h1><p><a class="button" href="${escapeHtml(href)}">${escapeHtml(label)}</a></p>`);

/** Asks before it logs out. */
export const logoutPage = (action: string): string =>
  document(`<h1>Log out?</h1><form method="post" action="${escapeHtml(action)}"><button>Log out</button></form>`);
