import { CloudOff } from "lucide-react";
import { useEffect, useState } from "react";

/** Says that what is shown is old, and when the next attempt is. Everything comes back by itself. */
export function ConnectionLost({ retryAt }: { readonly retryAt: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.ceil((retryAt - now) / 1000));
  return (
    <div className="connection-lost row" role="status">
      <CloudOff size={16} aria-hidden />
      The connection to Slipway was lost; what you see may be old. Trying again{" "}
      {seconds === 0 ? "…" : `in ${seconds} s`}
      <span className="muted">If Slipway was ended, start it again with “slipway start”.</span>
    </div>
  );
}
