import type { IncomingMessage } from "node:http";
import { type Answer, call } from "./call.ts";

/** What a service answers, before its own name and version are added. */
export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly versions: readonly string[];
}

export type Service = (request: IncomingMessage, url: URL, version: string) => Promise<Reply>;

const products = [
  { id: "anchor", name: "Anchor", price: 4900 },
  { id: "compass", name: "Compass", price: 2900 },
  { id: "rope", name: "Rope, 20 m", price: 1500 },
  { id: "sail", name: "Sail", price: 12900 },
];
const items = [
  { id: "rope", quantity: 2 },
  { id: "compass", quantity: 1 },
];

const reply = (body: Readonly<Record<string, unknown>>, answers: readonly Answer[] = []): Reply => ({
  status: Math.max(200, ...answers.map((answer) => (answer.status >= 400 ? answer.status : 200))),
  body,
  versions: answers.flatMap((answer) => answer.versions),
});

/** storefront -> catalog, cart, payments -> ledger; and a partner outside of the mesh. */
export const services: Readonly<Record<string, Service>> = {
  storefront: async (request, url) => {
    if (url.pathname.startsWith("/cart")) {
      const cart = await call("cart", "/cart", request);
      return reply({ cart: cart.body }, [cart]);
    }
    if (url.pathname.startsWith("/catalog")) {
      const catalog = await call("catalog", "/products", request);
      return reply({ catalog: catalog.body }, [catalog]);
    }
    if (url.pathname.startsWith("/checkout")) {
      const cart = await call("cart", "/cart", request);
      if (cart.status >= 400) return reply({ cart: cart.body }, [cart]);
      const payment = await call("payments", "/pay", request);
      return reply({ cart: cart.body, payment: payment.body }, [cart, payment]);
    }
    if (url.pathname.startsWith("/partner")) {
      const partner = await call("partner", "/offers", request);
      return reply({ partner: partner.body }, [partner]);
    }
    if (url.pathname !== "/") return { status: 404, body: { error: `there is no ${url.pathname}` }, versions: [] };
    const [catalog, cart] = await Promise.all([call("catalog", "/products", request), call("cart", "/cart", request)]);
    return reply({ catalog: catalog.body, cart: cart.body }, [catalog, cart]);
  },
  catalog: async () => reply({ products }),
  cart: async (_request, _url, version) => {
    const total = items.reduce(
      (sum, item) => sum + item.quantity * (products.find(({ id }) => id === item.id)?.price ?? 0),
      0,
    );
    // The new cart's one visible feature: a discount.
    return reply(
      version === "v1"
        ? { items, total }
        : { items, discount: Math.round(total * 0.1), total: Math.round(total * 0.9) },
    );
  },
  payments: async (request) => {
    const ledger = await call("ledger", "/entries", request);
    return reply({ paid: ledger.status < 400, ledger: ledger.body }, [ledger]);
  },
  ledger: async () => reply({ recorded: true }),
};
