import type { Authority } from "../authority.ts";
import type { LiveAuthority } from "../live.ts";

/** One that nothing replaces. */
export const fixedAuthority = (current: Authority): LiveAuthority => ({ current, onChange: () => () => {} });
