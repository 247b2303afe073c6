import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { HostClient } from "./bridge/client.ts";
import { HostProvider } from "./bridge/hooks.ts";
import { App } from "./features/frame/view/app.tsx";
import "./styles/tokens.css";
import "./styles/base.css";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no root");
createRoot(root).render(
  <StrictMode>
    <HostProvider value={new HostClient()}>
      <App />
    </HostProvider>
  </StrictMode>,
);
