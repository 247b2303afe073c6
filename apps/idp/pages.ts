const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const document = (
  title: string,
  content: string,
): string => `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width">
<style>body{font:16px/1.5 system-ui;max-width:22rem;margin:12vh auto;padding:0 1rem;color:#1c2430}label{display:block;margin:.8rem 0}input{font:inherit;display:block;width:100%;box-sizing:border-box;padding:.4rem;border:1px solid #9aa5b4;border-radius:.4rem}button{font:inherit;padding:.5rem 1rem;border:0;border-radius:.4rem;background:#1f5fbf;color:#fff}.error{color:#a3161f}</style>
<h1>${title}</h1>${content}</html>
`;

/** The form in which people prove who they are. */
export const loginPage = (name: string, error: string): string =>
  document(
    "Log in",
    `${error === "" ? "" : `<p class="error" role="alert">${escapeHtml(error)}</p>`}<form method="post">
<label>Name <input name="name" value="${escapeHtml(name)}" autocomplete="username" autofocus required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button></form>`,
  );

/** @param form the provider's own, with its proof that nobody else made it */
export const logoutPage = (form: string): string =>
  document(
    "Log out here too?",
    `<p>You are logged out of the site. The identity provider still knows you.</p>${form}
<button form="op.logoutForm" name="logout" value="yes">Log out</button>`,
  );
